"""suppression, hold and pace of mail; the outbox by domain"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DUE = sa.text("state IN ('queued', 'retry')")


def upgrade() -> None:
    op.create_table(
        "suppression",
        sa.Column("address_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason IN ('refused', 'bounced', 'complained')", name=op.f("ck_suppression_reason")),
        sa.PrimaryKeyConstraint("address_digest", name=op.f("pk_suppression")),
    )
    op.create_table(
        "mail_hold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_hold")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_mail_hold_is_open",
        "mail_hold",
        ["is_open"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "mail_pace",
        sa.Column("domain_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain_digest", name=op.f("pk_mail_pace")),
    )
    op.create_table(
        "clock_offset",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_offset")),
    )
    op.drop_index("ix_mail_due", "mail", sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_mail_due", "mail", ["domain_digest", "due_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    op.drop_index("ix_mail_due", "mail", sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_mail_due", "mail", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.drop_table("clock_offset")
    op.drop_table("mail_pace")
    op.drop_index(
        "uq_mail_hold_is_open", "mail_hold", sqlite_where=sa.text("is_open"), postgresql_where=sa.text("is_open")
    )
    op.drop_table("mail_hold")
    op.drop_table("suppression")
