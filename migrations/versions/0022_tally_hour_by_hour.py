"""the last hours over all appeals are found by an index"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_tally_hour_hour", "tally_hour", ["hour"])


def downgrade() -> None:
    op.drop_index("ix_tally_hour_hour", "tally_hour")
