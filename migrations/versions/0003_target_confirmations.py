"""Confirmations of targets and doubts, and the field to which each line of a document went.

Only columns are added, each optional or with a default, so that processes of the version before go on working.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns. A target or doubt that exists already is unconfirmed."""
    op.add_column("target", sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.add_column("target", sa.Column("confirmed_by", _ID))
    op.add_column("imported_document", sa.Column("line_uses", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("imported_document", sa.Column("target_positions", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("imported_document", sa.Column("confirmed_doubts", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    """Drop the columns; the confirmations are lost, and the version before does not ask for them."""
    for column in ("confirmed_doubts", "target_positions", "line_uses"):
        op.drop_column("imported_document", column)
    for column in ("confirmed_by", "confirmed_at"):
        op.drop_column("target", column)
