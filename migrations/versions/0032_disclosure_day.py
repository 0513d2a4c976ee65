"""how many names and addresses each person of the staff has opened on a day, and what a list to hand over is for"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "disclosure_day",
        sa.Column("staff_id", _ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_disclosure_day_staff_id_staff")),
        sa.PrimaryKeyConstraint("staff_id", "day", name=op.f("pk_disclosure_day")),
    )
    before = "asked for before reasons were kept"
    op.add_column("handover", sa.Column("reason", sa.String(), nullable=False, server_default=before))
    with op.batch_alter_table("handover", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("reason", existing_type=sa.String(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    op.drop_column("handover", "reason")
    op.drop_table("disclosure_day")
