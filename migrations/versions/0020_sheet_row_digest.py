"""rows of paper sheets that wait are found by a keyed digest of their address"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows that wait at this moment have none: a worker signs them up within seconds.
    op.add_column("sheet_row", sa.Column("address_digest", sa.LargeBinary(length=32), nullable=True))
    op.create_index(op.f("ix_sheet_row_address_digest"), "sheet_row", ["address_digest"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sheet_row_address_digest"), "sheet_row")
    op.drop_column("sheet_row", "address_digest")
