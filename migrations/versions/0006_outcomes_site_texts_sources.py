"""how a case ended, what staff write on the site's own pages, and signatures by where they came from"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appeal", sa.Column("outcome", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "site_text",
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("page IN ('imprint', 'privacy', 'accessibility')", name=op.f("ck_site_text_page")),
        sa.PrimaryKeyConstraint("page", "language", name=op.f("pk_site_text")),
    )
    where = sa.text("via IS NOT NULL")
    op.create_index(
        "ix_signature_appeal_id_via", "signature", ["appeal_id", "via"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    op.drop_index("ix_signature_appeal_id_via", "signature")
    op.drop_table("site_text")
    op.drop_column("appeal", "outcome")
