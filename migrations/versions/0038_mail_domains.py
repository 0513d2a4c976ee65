"""mail domains from which signatures were confirmed, to notice new ones"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mail_domain",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mail_domain")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mail_domain_last", "mail_domain", ["last_on"])
    op.create_table(
        "domain_watch",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("until_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_watch")),
    )


def downgrade() -> None:
    op.drop_table("domain_watch")
    op.drop_table("mail_domain")
