"""The first schema: every table with its keys and indexes, row-level security, triggers and first rows.

It imports nothing from the models, so that it stays the same when they change.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from campaign.platform.runtime import runtime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Each table after those that it refers to; the rooms are those of campaign/models.
_TABLES = (
    *("section", "site_text"),
    *("staff", "passkey", "staff_session", "reset_request", "login_failure", "audit_entry", "audit_head"),
    *("appeal", "appeal_text", "imported_document", "target"),
    *("signature", "consent", "tombstone", "sign_up", "mailbox_limit"),
    *("action", "tally", "tally_hour", "rollup_progress", "funnel_count"),
    *("announcement", "announcement_text"),
    *("mail", "suppression"),
    *("queue_pause", "domain_rate", "periodic_run", "worker", "clock_offset"),
    *("invalidation", "invalidated_action", "mail_domain", "domain_watch"),
    *("bulk_entry", "sheet_row"),
    *("handover", "handover_part"),
    *("erasure_journal", "disclosure_day", "row_key", "month_key"),
    *("abuse_alert", "link_request", "spent_solution"),
)
# SQLite numbers rows by itself only in a column of type INTEGER; elsewhere ids have 64 bits.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.String()
_FLAG = sa.Boolean()
_DAY = sa.Date()
_TIME = sa.DateTime(timezone=True)
_JSON = sa.JSON()
_BYTES = sa.LargeBinary()
_DIGEST = sa.LargeBinary(32)
_CHANNELS = "signature paper email letter fax phone social embassy event"
_EVIDENCE = "verified reported bulk"
_MAIL_KINDS = (
    "confirmation already_signed confirmed confirmation_reminder new_link deadline_reminder update outcome own_letter "
    "staff_invitation staff_alert staff_security staff_digest address"
)


def upgrade() -> None:
    """Create the tables room by room, then the first rows, triggers and row-level security."""
    _sections_room()
    _staff_room()
    _appeals_room()
    _signing_room()
    _counting_room()
    _announcements_room()
    _outbox_room()
    _delivery_room()
    _moderation_room()
    _offline_room()
    _handover_room()
    _privacy_room()
    _abuse_room()
    _insert_first_rows()
    _make_audit_log_append_only()
    if op.get_bind().dialect.name == "postgresql":
        _secure_rows()


def downgrade() -> None:
    """Drop all tables with their rows, and the functions."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("tocsin_shows_signature(bigint)", "tocsin_sees_all_sections()", "audit_append_only()"):
            op.execute(f"DROP FUNCTION {function}")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _reference(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target.partition('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=ondelete)


def _one_of(table: str, column: str, values: str) -> sa.CheckConstraint:
    """Return the constraint that the column holds one of the values, which are separated by spaces."""
    value_list = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{column} IN ({value_list})", name=op.f(f"ck_{table}_{column}"))


def _index(name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None) -> None:
    """Create an index; with `where`, a partial index of the rows that meet the condition."""
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


def _sections_room() -> None:
    op.create_table(
        "section",
        sa.Column("code", _TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("countries", _JSON, nullable=False),
        sa.Column("languages", _JSON, nullable=False),
        sa.Column("time_zone", _TEXT, nullable=False),
        sa.Column("contact", _TEXT, nullable=False),
        sa.Column("reply_to", _TEXT),
        sa.Column("tile_column", sa.Integer()),
        sa.Column("tile_row", sa.Integer()),
        _key("section", "code"),
    )
    op.create_table(
        "site_text",
        sa.Column("page", _TEXT, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        _key("site_text", "page", "language"),
        _one_of("site_text", "page", "imprint privacy accessibility"),
    )


def _staff_room() -> None:
    _staff_table()
    _passkey_table()
    _staff_session_table()
    _reset_request_table()
    _login_failure_table()
    _audit_entry_table()
    _audit_head_table()


def _staff_table() -> None:
    op.create_table(
        "staff",
        sa.Column("id", _ID, nullable=False),
        sa.Column("email", _TEXT, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("active", _FLAG, nullable=False),
        sa.Column("password", _TEXT),
        sa.Column("fs_uniquifier", _TEXT, nullable=False),
        sa.Column("fs_webauthn_user_handle", _TEXT),
        sa.Column("tf_primary_method", _TEXT),
        sa.Column("tf_totp_sealed", _BYTES),
        sa.Column("mf_recovery_sealed", _BYTES),
        sa.Column("tf_last_counter", sa.Integer()),
        sa.Column("link_key", sa.LargeBinary(16), nullable=False),
        sa.Column("wants_digest", _FLAG, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("invited_at", _TIME, nullable=False),
        sa.Column("joined_at", _TIME),
        sa.Column("logged_in_at", _TIME),
        _key("staff", "id"),
        _unique("staff", "email"),
        _unique("staff", "fs_uniquifier"),
        _unique("staff", "fs_webauthn_user_handle"),
        _reference("staff", "section_code", "section.code"),
        _one_of("staff", "role", "viewer editor coordinator admin"),
        sqlite_autoincrement=True,
    )


def _passkey_table() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1024), nullable=False),
        sa.Column("public_key", _BYTES, nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", _JSON),
        sa.Column("backup_state", _FLAG, nullable=False),
        sa.Column("device_type", _TEXT, nullable=False),
        sa.Column("extensions", _TEXT),
        sa.Column("usage", _TEXT, nullable=False),
        sa.Column("lastuse_datetime", _TIME, nullable=False),
        _key("passkey", "id"),
        _unique("passkey", "credential_id"),
        _reference("passkey", "user_id", "staff.id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    _index("ix_passkey_user_id", "passkey", ["user_id"])


def _staff_session_table() -> None:
    op.create_table(
        "staff_session",
        sa.Column("token_digest", _DIGEST, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        _key("staff_session", "token_digest"),
        _reference("staff_session", "staff_id", "staff.id", ondelete="CASCADE"),
    )
    _index("ix_staff_session_staff_id", "staff_session", ["staff_id"])


def _reset_request_table() -> None:
    op.create_table(
        "reset_request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_digest", _DIGEST, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        _key("reset_request", "id"),
        sqlite_autoincrement=True,
    )


def _login_failure_table() -> None:
    op.create_table(
        "login_failure",
        sa.Column("key_digest", _DIGEST, nullable=False),
        sa.Column("window_at", _TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _key("login_failure", "key_digest", "window_at"),
    )


def _audit_entry_table() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("staff_id", _ID),
        sa.Column("section_code", _TEXT),
        sa.Column("act", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("before", _JSON),
        sa.Column("after", _JSON),
        sa.Column("reason", _TEXT),
        sa.Column("digest", _DIGEST, nullable=False),
        _key("audit_entry", "id"),
        _reference("audit_entry", "staff_id", "staff.id"),
    )
    _index("ix_audit_entry_staff_id", "audit_entry", ["staff_id"])
    _index("ix_audit_entry_subject", "audit_entry", ["subject"])


def _audit_head_table() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", _ID, nullable=False),
        sa.Column("seal", _DIGEST, nullable=False),
        _key("audit_head", "id"),
    )


def _appeals_room() -> None:
    _appeal_table()
    _appeal_text_table()
    _imported_document_table()
    _target_table()


def _appeal_table() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("slug", _TEXT, nullable=False),
        sa.Column("reference", _TEXT),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("document_index", _TEXT),
        sa.Column("country", _TEXT),
        sa.Column("issued_on", _DAY),
        sa.Column("deadline", _DAY),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("languages", _JSON, nullable=False),
        sa.Column("first_language", _TEXT),
        sa.Column("own_language", _FLAG, nullable=False),
        sa.Column("previous", _TEXT),
        sa.Column("outcome", _JSON, server_default="{}", nullable=False),
        sa.Column("risk_countries", _JSON, server_default="[]", nullable=False),
        sa.Column("initials_only", _FLAG, server_default=sa.false(), nullable=False),
        sa.Column("follows_id", _ID),
        sa.Column("section_code", _TEXT),
        sa.Column("sections", _JSON, server_default="[]", nullable=False),
        sa.Column("written_by", _JSON, server_default="[]", nullable=False),
        sa.Column("review_requested_at", _TIME),
        sa.Column("review_requested_by", _ID),
        sa.Column("continuation", _JSON, server_default="{}", nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("opened_at", _TIME),
        sa.Column("ended_at", _TIME),
        _key("appeal", "id"),
        _unique("appeal", "slug"),
        _reference("appeal", "follows_id", "appeal.id"),
        _one_of("appeal", "state", "draft open closed stopped"),
        sa.CheckConstraint("goal > 0", name=op.f("ck_appeal_goal")),
        sqlite_autoincrement=True,
    )
    _index("ix_appeal_state", "appeal", ["state"])


def _appeal_text_table() -> None:
    op.create_table(
        "appeal_text",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_current", _FLAG, nullable=False),
        sa.Column("headline", _TEXT, nullable=False),
        sa.Column("people", _JSON, nullable=False),
        sa.Column("summary", _TEXT, nullable=False),
        sa.Column("background", _TEXT, nullable=False),
        sa.Column("salutation", _TEXT),
        sa.Column("paragraphs", _JSON, nullable=False),
        sa.Column("closing", _TEXT),
        sa.Column("talking_points", _JSON, nullable=False),
        sa.Column("signed_before", sa.Integer()),
        sa.Column("created_at", _TIME, nullable=False),
        _key("appeal_text", "appeal_id", "language", "version"),
        _reference("appeal_text", "appeal_id", "appeal.id"),
    )
    _index("uq_appeal_text_current", "appeal_text", ["appeal_id", "language"], unique=True, where="is_current")


def _imported_document_table() -> None:
    op.create_table(
        "imported_document",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("draft", _JSON, nullable=False),
        sa.Column("lines", _JSON, server_default="[]", nullable=False),
        sa.Column("warnings", _JSON, server_default="[]", nullable=False),
        sa.Column("imported_at", _TIME, nullable=False),
        _key("imported_document", "appeal_id", "language"),
        _reference("imported_document", "appeal_id", "appeal.id"),
    )


def _target_table() -> None:
    op.create_table(
        "target",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("country", _TEXT),
        sa.Column("emails", _JSON, nullable=False),
        sa.Column("faxes", _JSON, nullable=False),
        sa.Column("phones", _JSON, nullable=False),
        sa.Column("social", _JSON, nullable=False),
        sa.Column("words", _JSON, nullable=False),
        _key("target", "appeal_id", "position"),
        _reference("target", "appeal_id", "appeal.id"),
        _one_of("target", "kind", "primary copy embassy"),
    )


def _signing_room() -> None:
    _signature_table()
    _consent_table()
    _tombstone_table()
    _sign_up_table()
    _mailbox_limit_table()


def _signature_table() -> None:
    op.create_table(
        "signature",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("country", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("address_digest", _DIGEST),
        sa.Column("name_sealed", _BYTES),
        sa.Column("email_sealed", _BYTES),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("wants_updates", _FLAG, nullable=False),
        sa.Column("shares_name", _FLAG, server_default=sa.false(), nullable=False),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("link_key", sa.LargeBinary(16)),
        sa.Column("network_digest", _DIGEST),
        sa.Column("domain_digest", _DIGEST),
        sa.Column("is_repeat", _FLAG, server_default=sa.false(), nullable=False),
        sa.Column("invalidation_id", _ID),
        _key("signature", "id"),
        _unique("signature", "appeal_id", "address_digest"),
        _reference("signature", "appeal_id", "appeal.id"),
        _reference("signature", "section_code", "section.code"),
        _one_of("signature", "state", "pending confirmed withdrawn invalidated"),
        sqlite_autoincrement=True,
    )
    _index("ix_signature_address_digest", "signature", ["address_digest"])
    _index("ix_signature_domain", "signature", ["signed_at"], where="domain_digest IS NOT NULL")
    _index("ix_signature_ended", "signature", ["state"], where="state IN ('withdrawn', 'invalidated')")
    _index("ix_signature_invalidation", "signature", ["invalidation_id", "id"], where="invalidation_id IS NOT NULL")
    _index("ix_signature_pending", "signature", ["signed_at"], where="state = 'pending'")
    _index("ix_signature_section", "signature", ["section_code", "id"])
    _index("ix_signature_shared", "signature", ["appeal_id", "section_code", "id"], where="shares_name")
    _index("ix_signature_updates", "signature", ["appeal_id", "id"], where="wants_updates")
    _index("ix_signature_withdrawn", "signature", ["ended_at"], where="state = 'withdrawn'")


def _consent_table() -> None:
    op.create_table(
        "consent",
        sa.Column("id", _ID, nullable=False),
        sa.Column("signature_id", _ID, nullable=False),
        sa.Column("given_at", _TIME, nullable=False),
        sa.Column("text_language", _TEXT, nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("wording", sa.Integer(), nullable=False),
        sa.Column("to_appeal", _FLAG, nullable=False),
        sa.Column("to_updates", _FLAG, nullable=False),
        sa.Column("to_sharing_name", _FLAG, server_default=sa.false(), nullable=False),
        _key("consent", "id"),
        _reference("consent", "signature_id", "signature.id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    _index("ix_consent_signature_id", "consent", ["signature_id"])


def _tombstone_table() -> None:
    op.create_table(
        "tombstone",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("address_digest", _DIGEST, nullable=False),
        sa.Column("erased_at", _TIME, nullable=False),
        _key("tombstone", "appeal_id", "address_digest"),
        _reference("tombstone", "appeal_id", "appeal.id"),
    )


def _sign_up_table() -> None:
    op.create_table(
        "sign_up",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("address_digest", _DIGEST, nullable=False),
        sa.Column("content_digest", _DIGEST, nullable=False),
        sa.Column("link_key", sa.LargeBinary(16), nullable=False),
        sa.Column("name_sealed", _BYTES),
        sa.Column("email_sealed", _BYTES),
        sa.Column("origin_sealed", _BYTES, nullable=False),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("text_language", _TEXT, nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("wording", sa.Integer(), nullable=False),
        sa.Column("flag", _TEXT),
        sa.Column("network_digest", _DIGEST),
        sa.Column("domain_digest", _DIGEST),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("mailed_at", _TIME),
        sa.Column("reminded_at", _TIME),
        sa.Column("signature_id", _ID),
        _key("sign_up", "id"),
        _unique("sign_up", "appeal_id", "address_digest"),
        _reference("sign_up", "appeal_id", "appeal.id"),
        _reference("sign_up", "section_code", "section.code"),
        _reference("sign_up", "signature_id", "signature.id", ondelete="CASCADE"),
    )
    _index("ix_sign_up_address_digest", "sign_up", ["address_digest"])
    _index("ix_sign_up_signature_id", "sign_up", ["signature_id"])
    _index("ix_sign_up_signed_at", "sign_up", ["signed_at"])


def _mailbox_limit_table() -> None:
    op.create_table(
        "mailbox_limit",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("content", _BYTES, nullable=False),
        sa.Column("month", _DAY, nullable=False),
        _key("mailbox_limit", "digest"),
        sqlite_with_rowid=False,
    )


def _counting_room() -> None:
    _action_table()
    _tally_table()
    _tally_hour_table()
    _rollup_progress_table()
    _funnel_count_table()


def _action_table() -> None:
    op.create_table(
        "action",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("signature_id", _ID),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("happened_on", _DAY, nullable=False),
        sa.Column("counted_at", _TIME, nullable=False),
        sa.Column("network_digest", _DIGEST),
        sa.Column("wide_network_digest", _DIGEST),
        _key("action", "id"),
        _reference("action", "appeal_id", "appeal.id"),
        _reference("action", "section_code", "section.code"),
        _reference("action", "signature_id", "signature.id", ondelete="SET NULL"),
        _one_of("action", "channel", _CHANNELS),
        _one_of("action", "evidence", _EVIDENCE),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_action_quantity")),
        sqlite_autoincrement=True,
    )
    _index("ix_action_network_age", "action", ["counted_at"], where="network_digest IS NOT NULL")
    _index("ix_action_reported", "action", ["section_code", "id"], where="network_digest IS NOT NULL")
    _index("uq_action_once", "action", ["signature_id", "channel", "target", "happened_on"], unique=True)
    _index("uq_action_signature", "action", ["signature_id"], unique=True, where="channel = 'signature'")


def _tally_table() -> None:
    op.create_table(
        "tally",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        _key("tally", "appeal_id", "section_code", "channel", "evidence", "slot"),
        _reference("tally", "appeal_id", "appeal.id"),
        _reference("tally", "section_code", "section.code"),
        _one_of("tally", "channel", _CHANNELS),
        _one_of("tally", "evidence", _EVIDENCE),
    )


def _tally_hour_table() -> None:
    op.create_table(
        "tally_hour",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("hour", _TIME, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        _key("tally_hour", "appeal_id", "hour", "section_code", "channel", "evidence", "slot"),
        _reference("tally_hour", "appeal_id", "appeal.id"),
        _reference("tally_hour", "section_code", "section.code"),
        _one_of("tally_hour", "channel", _CHANNELS),
        _one_of("tally_hour", "evidence", _EVIDENCE),
    )
    _index("ix_tally_hour_hour", "tally_hour", ["hour"])


def _rollup_progress_table() -> None:
    op.create_table(
        "rollup_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days_before", _TIME, nullable=False),
        sa.Column("slots_before", _TIME, nullable=False),
        _key("rollup_progress", "id"),
    )


def _funnel_count_table() -> None:
    op.create_table(
        "funnel_count",
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("aspect", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.Column("day", _DAY, nullable=False),
        sa.Column("funnel_stage", _TEXT, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        _key("funnel_count", "appeal_id", "section_code", "aspect", "value", "day", "funnel_stage", "slot"),
        _reference("funnel_count", "appeal_id", "appeal.id"),
        _reference("funnel_count", "section_code", "section.code"),
        _one_of("funnel_count", "aspect", "provider source page"),
        _one_of(
            "funnel_count",
            "funnel_stage",
            "viewed signed mailed confirmed-5m confirmed-1h confirmed-1d confirmed-3d confirmed-later",
        ),
    )


def _announcements_room() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("section_code", _TEXT),
        sa.Column("locales", _JSON, nullable=False),
        sa.Column("to_case", _FLAG, server_default=sa.false(), nullable=False),
        sa.Column("is_rewording", _FLAG, server_default=sa.false(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("after_id", _ID, nullable=False),
        _key("announcement", "id"),
        _reference("announcement", "appeal_id", "appeal.id"),
        _reference("announcement", "section_code", "section.code"),
        _one_of("announcement", "kind", "deadline_reminder update outcome"),
        _one_of("announcement", "state", "draft sending sent stopped"),
        sqlite_autoincrement=True,
    )
    _index("ix_announcement_appeal_id", "announcement", ["appeal_id"])
    _index(
        "uq_announcement_reminder",
        "announcement",
        ["appeal_id", "section_code"],
        unique=True,
        where="kind = 'deadline_reminder'",
    )
    op.create_table(
        "announcement_text",
        sa.Column("announcement_id", _ID, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        _key("announcement_text", "announcement_id", "language"),
        _reference("announcement_text", "announcement_id", "announcement.id", ondelete="CASCADE"),
    )


def _outbox_room() -> None:
    _mail_table()
    _suppression_table()


def _mail_table() -> None:
    op.create_table(
        "mail",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("signature_id", _ID),
        sa.Column("sign_up_id", _ID),
        sa.Column("announcement_id", _ID),
        sa.Column("recipient_sealed", _BYTES),
        sa.Column("context_sealed", _BYTES),
        sa.Column("domain_digest", _DIGEST, nullable=False),
        sa.Column("message_id", _TEXT),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("text_language", _TEXT),
        sa.Column("text_version", sa.Integer()),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", _TIME),
        sa.Column("sent_at", _TIME),
        sa.Column("phase", _TEXT),
        sa.Column("code", sa.Integer()),
        sa.Column("detail", _TEXT),
        sa.Column("bounced_at", _TIME),
        sa.Column("bounce_status", _TEXT),
        _key("mail", "id"),
        _reference("mail", "signature_id", "signature.id", ondelete="CASCADE"),
        _reference("mail", "sign_up_id", "sign_up.id", ondelete="CASCADE"),
        _reference("mail", "announcement_id", "announcement.id"),
        _one_of("mail", "state", "queued sending sent retry unknown dead suppressed"),
        _one_of("mail", "kind", _MAIL_KINDS),
        sqlite_autoincrement=True,
    )
    _mail_indexes()


def _mail_indexes() -> None:
    _index("ix_mail_due", "mail", ["domain_digest", "due_at", "id"], where="state IN ('queued', 'retry')")
    _index("ix_mail_lease", "mail", ["lease_until"], where="state = 'sending'")
    _index("ix_mail_message_id", "mail", ["created_at"], where="message_id IS NOT NULL")
    _index("ix_mail_retried", "mail", ["due_at"], where="state = 'retry' AND attempts > 0")
    _index("ix_mail_sign_up_id", "mail", ["sign_up_id"])
    _index("ix_mail_signature_id", "mail", ["signature_id"])
    _index("ix_mail_suppressed", "mail", ["created_at"], where="state = 'suppressed'")
    _index("ix_mail_undelivered", "mail", ["state"], where="state IN ('dead', 'unknown')")
    _index("ix_mail_untried", "mail", ["created_at"], where="state IN ('queued', 'retry') AND attempts = 0")
    _index(
        "uq_mail_announcement",
        "mail",
        ["announcement_id", "signature_id"],
        unique=True,
        where="announcement_id IS NOT NULL",
    )


def _suppression_table() -> None:
    op.create_table(
        "suppression",
        sa.Column("address_digest", _DIGEST, nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        _key("suppression", "address_digest"),
        _one_of("suppression", "reason", "refused bounced complained"),
    )


def _delivery_room() -> None:
    _queue_pause_table()
    _domain_rate_table()
    _periodic_run_table()
    _worker_table()
    _clock_offset_table()


def _queue_pause_table() -> None:
    op.create_table(
        "queue_pause",
        sa.Column("id", _ID, nullable=False),
        sa.Column("is_open", _FLAG, nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("probe_at", _TIME, nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("phase", _TEXT, nullable=False),
        sa.Column("code", sa.Integer()),
        sa.Column("detail", _TEXT),
        _key("queue_pause", "id"),
        sqlite_autoincrement=True,
    )
    _index("uq_queue_pause_is_open", "queue_pause", ["is_open"], unique=True, where="is_open")


def _domain_rate_table() -> None:
    op.create_table(
        "domain_rate",
        sa.Column("domain_digest", _DIGEST, nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        _key("domain_rate", "domain_digest"),
    )


def _periodic_run_table() -> None:
    op.create_table(
        "periodic_run",
        sa.Column("job", _TEXT, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("claimed_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("error", _TEXT),
        _key("periodic_run", "job", "due_at"),
    )


def _worker_table() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("host", sa.String(100), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("beat_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(400)),
        sa.Column("is_broken", _FLAG, nullable=False),
        sa.Column("trouble", sa.String(400)),
        _key("worker", "id"),
    )


def _clock_offset_table() -> None:
    op.create_table(
        "clock_offset",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        _key("clock_offset", "id"),
    )


def _moderation_room() -> None:
    _invalidation_table()
    _invalidated_action_table()
    _mail_domain_table()
    _domain_watch_table()


def _invalidation_table() -> None:
    op.create_table(
        "invalidation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("appeal_id", _ID),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("criteria_sealed", _BYTES),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("until_id", _ID, nullable=False),
        sa.Column("after_id", _ID, nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("matched_confirmed", sa.Integer(), nullable=False),
        sa.Column("sample", _JSON, nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("reason", _TEXT),
        sa.Column("begun_by", _ID),
        sa.Column("begun_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("undone_by", _ID),
        sa.Column("undone_at", _TIME),
        _key("invalidation", "id"),
        _reference("invalidation", "section_code", "section.code"),
        _reference("invalidation", "appeal_id", "appeal.id"),
        _reference("invalidation", "staff_id", "staff.id"),
        _reference("invalidation", "begun_by", "staff.id"),
        _reference("invalidation", "undone_by", "staff.id"),
        _one_of("invalidation", "state", "counting ready running done undoing undone dropped"),
        _one_of("invalidation", "kind", "signatures reports"),
        sqlite_autoincrement=True,
    )
    _index("ix_invalidation_section", "invalidation", ["section_code", "id"])


def _invalidated_action_table() -> None:
    op.create_table(
        "invalidated_action",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("invalidation_id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("signature_id", _ID),
        sa.Column("section_code", _TEXT),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("happened_on", _DAY, nullable=False),
        sa.Column("counted_at", _TIME, nullable=False),
        sa.Column("network_digest", _DIGEST),
        sa.Column("wide_network_digest", _DIGEST),
        _key("invalidated_action", "id"),
        _reference("invalidated_action", "invalidation_id", "invalidation.id"),
        _reference("invalidated_action", "appeal_id", "appeal.id"),
        _reference("invalidated_action", "signature_id", "signature.id"),
        _reference("invalidated_action", "section_code", "section.code"),
    )
    _index("ix_invalidated_action_invalidation_id", "invalidated_action", ["invalidation_id", "id"])
    _index("ix_invalidated_action_signature_id", "invalidated_action", ["signature_id"])


def _mail_domain_table() -> None:
    op.create_table(
        "mail_domain",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("content", _BYTES, nullable=False),
        sa.Column("month", _DAY, nullable=False),
        _key("mail_domain", "digest"),
        sqlite_with_rowid=False,
    )
    _index("ix_mail_domain_month", "mail_domain", ["month"])


def _domain_watch_table() -> None:
    op.create_table(
        "domain_watch",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("until_id", _ID, nullable=False),
        sa.Column("sections_to_alert", _JSON, server_default="[]", nullable=False),
        _key("domain_watch", "id"),
    )


def _offline_room() -> None:
    _bulk_entry_table()
    _sheet_row_table()


def _bulk_entry_table() -> None:
    op.create_table(
        "bulk_entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("sign_ups", sa.Integer(), nullable=False),
        sa.Column("happened_on", _DAY, nullable=False),
        sa.Column("place", _TEXT, nullable=False),
        sa.Column("note", _TEXT, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("entered_at", _TIME, nullable=False),
        sa.Column("sheet_digest", _DIGEST),
        sa.Column("action_id", _ID),
        sa.Column("is_waiting", _FLAG, nullable=False),
        sa.Column("confirmed_at", _TIME),
        sa.Column("confirmed_by", _ID),
        sa.Column("undone_at", _TIME),
        sa.Column("undone_by", _ID),
        _key("bulk_entry", "id"),
        _reference("bulk_entry", "appeal_id", "appeal.id"),
        _reference("bulk_entry", "section_code", "section.code"),
        _reference("bulk_entry", "staff_id", "staff.id"),
        _reference("bulk_entry", "action_id", "action.id"),
        _reference("bulk_entry", "confirmed_by", "staff.id"),
        _reference("bulk_entry", "undone_by", "staff.id"),
        _one_of("bulk_entry", "channel", _CHANNELS),
        sa.CheckConstraint(
            "quantity >= 0 AND sign_ups >= 0 AND quantity + sign_ups > 0", name=op.f("ck_bulk_entry_quantity")
        ),
        sqlite_autoincrement=True,
    )
    _index("ix_bulk_entry_action_id", "bulk_entry", ["action_id"], unique=True)
    _index("ix_bulk_entry_place", "bulk_entry", ["section_code", "appeal_id", "id"])
    _index("ix_bulk_entry_sheet_digest", "bulk_entry", ["sheet_digest"])


def _sheet_row_table() -> None:
    op.create_table(
        "sheet_row",
        sa.Column("id", _ID, nullable=False),
        sa.Column("bulk_entry_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("address_digest", _DIGEST),
        sa.Column("name_sealed", _BYTES, nullable=False),
        sa.Column("email_sealed", _BYTES, nullable=False),
        sa.Column("country", _TEXT, nullable=False),
        sa.Column("locale", _TEXT, nullable=False),
        _key("sheet_row", "id"),
        _reference("sheet_row", "bulk_entry_id", "bulk_entry.id", ondelete="CASCADE"),
        _reference("sheet_row", "section_code", "section.code"),
        sqlite_autoincrement=True,
    )
    _index("ix_sheet_row_address_digest", "sheet_row", ["address_digest"])
    _index("ix_sheet_row_bulk_entry_id", "sheet_row", ["bulk_entry_id"])


def _handover_room() -> None:
    op.create_table(
        "handover",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("section_code", _TEXT, nullable=False),
        sa.Column("staff_id", _ID, nullable=False),
        sa.Column("language", _TEXT, nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("progress_at", _TIME, nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("signatures", sa.BigInteger()),
        sa.Column("names", sa.BigInteger()),
        sa.Column("sha256", _TEXT),
        _key("handover", "id"),
        _reference("handover", "appeal_id", "appeal.id"),
        _reference("handover", "section_code", "section.code"),
        _reference("handover", "staff_id", "staff.id"),
        _one_of("handover", "state", "queued running done failed outdated"),
        sqlite_autoincrement=True,
    )
    _index("ix_handover_appeal_id_section_code", "handover", ["appeal_id", "section_code"])
    op.create_table(
        "handover_part",
        sa.Column("id", _ID, nullable=False),
        sa.Column("handover_id", _ID, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("content_sealed", _BYTES, nullable=False),
        _key("handover_part", "id"),
        _reference("handover_part", "handover_id", "handover.id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    _index("ix_handover_part_handover_id", "handover_part", ["handover_id"])


def _privacy_room() -> None:
    op.create_table(
        "erasure_journal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("address_digest", _DIGEST, nullable=False),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("happened_at", _TIME, nullable=False),
        _key("erasure_journal", "id"),
        _one_of("erasure_journal", "kind", "erased withdrawn updates-ended sharing-ended address-changed"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "disclosure_day",
        sa.Column("staff_id", _ID, autoincrement=False, nullable=False),
        sa.Column("day", _DAY, nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        _key("disclosure_day", "staff_id", "day"),
        _reference("disclosure_day", "staff_id", "staff.id"),
    )
    op.create_table(
        "row_key",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeds_sealed", _BYTES, nullable=False),
        sa.Column("erased_on", _DAY),
        sa.Column("expires_on", _DAY),
        _key("row_key", "id"),
        sqlite_with_rowid=False,
    )
    _index("ix_row_key_erased", "row_key", ["id"], where="erased_on IS NOT NULL")
    op.create_table(
        "month_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_sealed", _BYTES, nullable=False),
        _key("month_key", "id"),
    )


def _abuse_room() -> None:
    op.create_table(
        "abuse_alert",
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("appeal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("window_at", _TIME, nullable=False),
        sa.Column("raised_at", _TIME, nullable=False),
        _key("abuse_alert", "kind", "appeal_id", "window_at"),
    )
    op.create_table(
        "link_request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("email_sealed", _BYTES, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        _key("link_request", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spent_solution",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        _key("spent_solution", "digest"),
    )


def _insert_first_rows() -> None:
    """Insert the two rows that the program expects: the head of an empty audit log, and the start of the rollup."""
    head = sa.table("audit_head", sa.column("id"), sa.column("entry_id"), sa.column("seal"))
    op.execute(sa.insert(head).values(id=1, entry_id=0, seal=runtime().vault.head_seal(0, bytes(32))))
    never = sa.text("'1970-01-01 00:00:00'")
    progress = sa.table("rollup_progress", *(sa.column(name) for name in ("id", "days_before", "slots_before")))
    op.execute(sa.insert(progress).values(id=1, days_before=never, slots_before=never))


def _make_audit_log_append_only() -> None:
    """Create the triggers that refuse to change or delete entries of the audit log."""
    message = "the audit log is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entry_no_{act.lower()} BEFORE {act} ON audit_entry "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )


# The condition that a connection sees all sections: it has set no section, and has the rights of the table's owner. It
# is written out in each policy, where it is evaluated once for a statement. A function in SQL takes four times as long.
_SEES_ALL = """SELECT coalesce(current_setting('tocsin.section', true), '') = ''
    AND pg_has_role(current_user, relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = '{table}'::regclass"""
_SECTION = "section_code = current_setting('tocsin.section', true)"
_ANNOUNCED = "EXISTS (SELECT 1 FROM announcement a WHERE a.id = announcement_text.announcement_id AND a.{which})"
# The condition on the rows that a section sees. The policy of a table also applies to sub-selects on it. With a
# sub-select on `signature` the planner read all signatures before the first mail; therefore this is a function.
_OWN_ROWS = {
    "signature": _SECTION,
    "consent": "tocsin_shows_signature(signature_id)",
    # Mail to staff belongs to no section. Mail to an unconfirmed sign-up has no signature either, and no staff sees it.
    "mail": "signature_id IS NULL AND sign_up_id IS NULL OR tocsin_shows_signature(signature_id)",
    "bulk_entry": _SECTION,
    "handover": _SECTION,
    "handover_part": "EXISTS (SELECT 1 FROM handover h WHERE h.id = handover_part.handover_id)",
    "invalidation": _SECTION,
    "sheet_row": _SECTION,
    "invalidated_action": "EXISTS (SELECT 1 FROM invalidation i WHERE i.id = invalidated_action.invalidation_id)",
    "announcement": _SECTION,
    "announcement_text": _ANNOUNCED.format(which=_SECTION),
}
# Tables of unconfirmed sign-ups, whose rows belong to no section.
_WITHOUT_SECTION = ("sign_up", "mailbox_limit")
# The condition on the rows that all sections may read: announcements to all sections, which coordinators write.
_ROWS_FOR_ALL = {
    "announcement": "section_code IS NULL",
    "announcement_text": _ANNOUNCED.format(which="section_code IS NULL"),
}


def _secure_rows() -> None:
    """Restrict connections of the staff application to the rows of their section, even as the owner of the tables."""
    _create_functions()
    for table, own_rows in _OWN_ROWS.items():
        # CASE fixes the order of evaluation; with OR the planner chooses it.
        _secure(table, f"CASE WHEN ({_SEES_ALL.format(table=table)}) THEN true ELSE {own_rows} END")
    for table in _WITHOUT_SECTION:
        _secure(table, f"({_SEES_ALL.format(table=table)})")
    for table, rows_for_all in _ROWS_FOR_ALL.items():
        op.execute(f"CREATE POLICY to_all ON {table} FOR SELECT USING ({rows_for_all})")


def _secure(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_section ON {table} USING ({condition})")


def _create_functions() -> None:
    """Create the functions that backups and policies call.

    Each stores the current search path, because pg_dump works with an empty one.
    """
    op.execute(
        """CREATE FUNCTION tocsin_sees_all_sections() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
        SET search_path FROM CURRENT AS $$
        SELECT coalesce(current_setting('tocsin.section', true), '') = ''
        AND pg_has_role(current_user, relowner, 'USAGE')
        FROM pg_catalog.pg_class WHERE oid = 'signature'::regclass $$"""
    )
    # It runs with the rights and the section of the connection, so the policy of `signature` applies.
    op.execute(
        """CREATE FUNCTION tocsin_shows_signature(which bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
        COST 1 SET search_path FROM CURRENT AS $$
        BEGIN RETURN EXISTS (SELECT 1 FROM signature WHERE id = which); END $$"""
    )
