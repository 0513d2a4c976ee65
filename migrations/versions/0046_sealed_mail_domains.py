"""days and numbers of mail domains, sealed"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No migration has the key that would seal what is there: the worker counts it anew.
    op.drop_table("mail_domain")
    op.create_table(
        "mail_domain",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mail_domain")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mail_domain_month", "mail_domain", ["month"])
    op.add_column("domain_watch", sa.Column("untold", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.execute("UPDATE domain_watch SET until_id = 0")


def downgrade() -> None:
    with op.batch_alter_table("domain_watch") as batch:
        batch.drop_column("untold")
    op.execute("UPDATE domain_watch SET until_id = 0")
    op.drop_table("mail_domain")
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
