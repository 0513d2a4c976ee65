"""who left, on its way into the file that outlives the database"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "departure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('erased', 'withdrawn', 'updates-ended', 'sharing-ended')", name=op.f("ck_departure_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departure")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("departure")
