"""rows get keys of their own, which erasing destroys"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "row_key",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seeds_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("erased_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_row_key_erased",
        "row_key",
        ["id"],
        sqlite_where=sa.text("erased_on IS NOT NULL"),
        postgresql_where=sa.text("erased_on IS NOT NULL"),
    )


def downgrade() -> None:
    # The version before opens no value that was sealed with a row's key.
    op.drop_table("row_key")
