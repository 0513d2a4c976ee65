"""what floods are told by, solutions that were spent, links asked for, and what retention looks for"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WITHDRAWN = sa.text("state = 'withdrawn'")
_NETWORK = sa.text("network_digest IS NOT NULL")


def upgrade() -> None:
    op.add_column("signature", sa.Column("flag", sa.String(), nullable=True))
    op.add_column("signature", sa.Column("network_digest", sa.LargeBinary(32), nullable=True))
    op.add_column("signature", sa.Column("domain_digest", sa.LargeBinary(32), nullable=True))
    op.create_index(
        "ix_signature_withdrawn", "signature", ["ended_at"], sqlite_where=_WITHDRAWN, postgresql_where=_WITHDRAWN
    )
    op.create_index("ix_signature_network", "signature", ["signed_at"], sqlite_where=_NETWORK, postgresql_where=_NETWORK)
    op.create_table(
        "spent_solution",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_solution")),
    )
    op.create_table(
        "link_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_request")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alarm",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("appeal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("window_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "appeal_id", "window_at", name=op.f("pk_alarm")),
    )


def downgrade() -> None:
    op.drop_table("alarm")
    op.drop_table("link_request")
    op.drop_table("spent_solution")
    op.drop_index("ix_signature_network", "signature")
    op.drop_index("ix_signature_withdrawn", "signature")
    op.drop_column("signature", "domain_digest")
    op.drop_column("signature", "network_digest")
    op.drop_column("signature", "flag")
