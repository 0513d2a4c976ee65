"""sections appeals signatures counts mail"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appeal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("document_index", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("own_language", sa.Boolean(), nullable=False),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("follows_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'open', 'closed', 'stopped')", name=op.f("ck_appeal_state")),
        sa.CheckConstraint("goal > 0", name=op.f("ck_appeal_goal")),
        sa.ForeignKeyConstraint(["follows_id"], ["appeal.id"], name=op.f("fk_appeal_follows_id_appeal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("slug", name=op.f("uq_appeal_slug")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index("ix_appeal_state", ["state"], unique=False)

    op.create_table(
        "periodic_run",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("job", "due_at", name=op.f("pk_periodic_run")),
    )
    op.create_table(
        "section",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("countries", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("tile_column", sa.Integer(), nullable=True),
        sa.Column("tile_row", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_section")),
    )
    op.create_table(
        "appeal_text",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("background", sa.String(), nullable=False),
        sa.Column("salutation", sa.String(), nullable=True),
        sa.Column("paragraphs", sa.JSON(), nullable=False),
        sa.Column("closing", sa.String(), nullable=True),
        sa.Column("talking_points", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_appeal_text_appeal_id_appeal")),
        sa.PrimaryKeyConstraint("appeal_id", "language", "version", name=op.f("pk_appeal_text")),
    )
    with op.batch_alter_table("appeal_text", schema=None) as batch_op:
        batch_op.create_index(
            "uq_appeal_text_current",
            ["appeal_id", "language"],
            unique=True,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )

    op.create_table(
        "imported_document",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_imported_document_appeal_id_appeal")),
        sa.PrimaryKeyConstraint("appeal_id", "language", name=op.f("pk_imported_document")),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("address_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("wants_updates", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'withdrawn', 'invalidated')", name=op.f("ck_signature_state")
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_signature_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_signature_section_code_section")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("appeal_id", "address_digest", name=op.f("uq_signature_appeal_id_address_digest")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.create_index("ix_signature_address_digest", ["address_digest"], unique=False)

    op.create_table(
        "tally",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('signature', 'email', 'letter', 'fax', 'phone', 'social', 'embassy', 'event')",
            name=op.f("ck_tally_channel"),
        ),
        sa.CheckConstraint("evidence IN ('verified', 'reported', 'bulk')", name=op.f("ck_tally_evidence")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_tally_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_tally_section_code_section")),
        sa.PrimaryKeyConstraint("appeal_id", "section_code", "channel", "evidence", "slot", name=op.f("pk_tally")),
    )
    op.create_table(
        "tally_hour",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('signature', 'email', 'letter', 'fax', 'phone', 'social', 'embassy', 'event')",
            name=op.f("ck_tally_hour_channel"),
        ),
        sa.CheckConstraint("evidence IN ('verified', 'reported', 'bulk')", name=op.f("ck_tally_hour_evidence")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_tally_hour_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_tally_hour_section_code_section")),
        sa.PrimaryKeyConstraint(
            "appeal_id", "hour", "section_code", "channel", "evidence", "slot", name=op.f("pk_tally_hour")
        ),
    )
    op.create_table(
        "target",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("emails", sa.JSON(), nullable=False),
        sa.Column("faxes", sa.JSON(), nullable=False),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.Column("social", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.CheckConstraint("kind IN ('primary', 'copy', 'embassy')", name=op.f("ck_target_kind")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_target_appeal_id_appeal")),
        sa.PrimaryKeyConstraint("appeal_id", "position", name=op.f("pk_target")),
    )
    op.create_table(
        "tombstone",
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_tombstone_appeal_id_appeal")),
        sa.PrimaryKeyConstraint("appeal_id", "address_digest", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "action",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("section_code", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('signature', 'email', 'letter', 'fax', 'phone', 'social', 'embassy', 'event')",
            name=op.f("ck_action_channel"),
        ),
        sa.CheckConstraint("evidence IN ('verified', 'reported', 'bulk')", name=op.f("ck_action_evidence")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_action_quantity")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_action_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_action_section_code_section")),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name=op.f("fk_action_signature_id_signature"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("action", schema=None) as batch_op:
        batch_op.create_index(
            "uq_action_once",
            ["signature_id", "channel", "target", "happened_on"],
            unique=True,
            sqlite_where=sa.text("signature_id IS NOT NULL AND channel <> 'signature'"),
            postgresql_where=sa.text("signature_id IS NOT NULL AND channel <> 'signature'"),
        )
        batch_op.create_index(
            "uq_action_signature",
            ["signature_id"],
            unique=True,
            sqlite_where=sa.text("channel = 'signature'"),
            postgresql_where=sa.text("channel = 'signature'"),
        )

    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("signature_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_language", sa.String(), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("wording", sa.Integer(), nullable=False),
        sa.Column("to_appeal", sa.Boolean(), nullable=False),
        sa.Column("to_updates", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name=op.f("fk_consent_signature_id_signature"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index("ix_consent_signature_id", ["signature_id"], unique=False)

    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("signature_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mailbox_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("domain_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("text_language", sa.String(), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase", sa.String(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('confirmation', 'already_signed')", name=op.f("ck_mail_kind")),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'retry', 'unknown', 'dead', 'suppressed')",
            name=op.f("ck_mail_state"),
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name=op.f("fk_mail_signature_id_signature"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index(
            "ix_mail_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'retry')"),
            postgresql_where=sa.text("state IN ('queued', 'retry')"),
        )
        batch_op.create_index(
            "ix_mail_lease",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.create_index("ix_mail_mailbox_digest_created_at", ["mailbox_digest", "created_at"], unique=False)
        batch_op.create_index("ix_mail_signature_id", ["signature_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_signature_id")
        batch_op.drop_index("ix_mail_mailbox_digest_created_at")
        batch_op.drop_index(
            "ix_mail_lease", sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'")
        )
        batch_op.drop_index(
            "ix_mail_due",
            sqlite_where=sa.text("state IN ('queued', 'retry')"),
            postgresql_where=sa.text("state IN ('queued', 'retry')"),
        )

    op.drop_table("mail")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_signature_id")

    op.drop_table("consent")
    with op.batch_alter_table("action", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_action_signature",
            sqlite_where=sa.text("channel = 'signature'"),
            postgresql_where=sa.text("channel = 'signature'"),
        )
        batch_op.drop_index(
            "uq_action_once",
            sqlite_where=sa.text("signature_id IS NOT NULL AND channel <> 'signature'"),
            postgresql_where=sa.text("signature_id IS NOT NULL AND channel <> 'signature'"),
        )

    op.drop_table("action")
    op.drop_table("tombstone")
    op.drop_table("target")
    op.drop_table("tally_hour")
    op.drop_table("tally")
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.drop_index("ix_signature_address_digest")

    op.drop_table("signature")
    op.drop_table("imported_document")
    with op.batch_alter_table("appeal_text", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_appeal_text_current", sqlite_where=sa.text("is_current"), postgresql_where=sa.text("is_current")
        )

    op.drop_table("appeal_text")
    op.drop_table("section")
    op.drop_table("periodic_run")
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_index("ix_appeal_state")

    op.drop_table("appeal")
