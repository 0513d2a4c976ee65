"""tally fold: how far the history is folded"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "tally_fold",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slots_before", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_fold")),
    )
    op.execute(
        sa.insert(table).values(
            id=1, days_before=sa.text("'1970-01-01 00:00:00'"), slots_before=sa.text("'1970-01-01 00:00:00'")
        )
    )


def downgrade() -> None:
    op.drop_table("tally_fold")
