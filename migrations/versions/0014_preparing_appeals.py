"""preparing appeals: whose they are, who wrote, who asked; sections taking part and going on; the documents' lines"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LISTS = (
    ("appeal", "sections", "[]"),
    ("appeal", "written_by", "[]"),
    ("appeal", "going_on", "{}"),
    ("imported_document", "lines", "[]"),
    ("imported_document", "warnings", "[]"),
)
_COLUMNS = (
    ("appeal", sa.Column("section_code", sa.String(), nullable=True)),
    ("appeal", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True)),
    ("appeal", sa.Column("asked_by", _ID, nullable=True)),
    ("appeal_text", sa.Column("signed_before", sa.Integer(), nullable=True)),
)


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, column)
    for table, name, empty in _LISTS:
        op.add_column(table, sa.Column(name, sa.JSON(), nullable=False, server_default=empty))


def downgrade() -> None:
    for table, name, _ in _LISTS:
        op.drop_column(table, name)
    for table, column in _COLUMNS:
        op.drop_column(table, column.name)
