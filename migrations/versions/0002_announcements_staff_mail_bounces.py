"""announcements, mail to staff, bounces"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BEFORE = ("confirmation", "already_signed")
_KINDS = (
    *_BEFORE,
    "confirmed",
    "confirmation_reminder",
    "new_link",
    "deadline_reminder",
    "update",
    "outcome",
    "staff_invitation",
    "staff_alert",
    "staff_security",
)
_PARTIAL = {
    "uq_mail_announcement": ["announcement_id IS NOT NULL", "announcement_id", "signature_id"],
    "uq_mail_reminder": ["kind = 'confirmation_reminder'", "signature_id"],
}


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", _ID, nullable=False),
        sa.Column("appeal_id", _ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("section_code", sa.String(), nullable=True),
        sa.Column("locales", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_id", _ID, nullable=False),
        sa.CheckConstraint("kind IN ('deadline_reminder', 'update', 'outcome')", name=op.f("ck_announcement_kind")),
        sa.CheckConstraint("state IN ('draft', 'sending', 'sent', 'stopped')", name=op.f("ck_announcement_state")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeal.id"], name=op.f("fk_announcement_appeal_id_appeal")),
        sa.ForeignKeyConstraint(["section_code"], ["section.code"], name=op.f("fk_announcement_section_code_section")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_announcement_appeal_id", "announcement", ["appeal_id"])
    _index("uq_announcement_reminder", "announcement", "kind = 'deadline_reminder'", "appeal_id", "section_code")
    op.create_table(
        "announcement_text",
        sa.Column("announcement_id", _ID, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcement.id"],
            name=op.f("fk_announcement_text_announcement_id_announcement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("announcement_id", "language", name=op.f("pk_announcement_text")),
    )
    _index("ix_signature_updates", "signature", "wants_updates", "appeal_id", "id", unique=False)
    _index("ix_signature_pending", "signature", "state = 'pending'", "signed_at", unique=False)
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("announcement_id", _ID, nullable=True))
        batch.add_column(sa.Column("recipient_sealed", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("context_sealed", sa.LargeBinary(), nullable=True))
        batch.add_column(sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("bounce_status", sa.String(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_mail_announcement_id_announcement"), "announcement", ["announcement_id"], ["id"]
        )
    _change_mail(_KINDS, nullable=True)
    for name, (where, *columns) in _PARTIAL.items():
        _index(name, "mail", where, *columns)


def downgrade() -> None:
    for name in _PARTIAL:
        op.drop_index(name, "mail")
    kept = ", ".join(f"'{kind}'" for kind in _BEFORE)
    op.execute(f"DELETE FROM mail WHERE kind NOT IN ({kept}) OR text_language IS NULL OR text_version IS NULL")  # noqa: S608
    _change_mail(_BEFORE, nullable=False)
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("fk_mail_announcement_id_announcement"), type_="foreignkey")
        for column in ("bounce_status", "bounced_at", "context_sealed", "recipient_sealed", "announcement_id"):
            batch.drop_column(column)
    op.drop_index("ix_signature_pending", "signature")
    op.drop_index("ix_signature_updates", "signature")
    op.drop_table("announcement_text")
    op.drop_table("announcement")


def _index(name: str, table: str, where: str, *columns: str, unique: bool = True) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


def _change_mail(kinds: tuple[str, ...], *, nullable: bool) -> None:
    with op.batch_alter_table("mail", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_mail_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_mail_kind"), "kind IN ({})".format(", ".join(f"'{k}'" for k in kinds)))
        batch.alter_column("text_language", existing_type=sa.String(), nullable=nullable)
        batch.alter_column("text_version", existing_type=sa.Integer(), nullable=nullable)
