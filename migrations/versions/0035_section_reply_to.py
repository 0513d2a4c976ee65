"""section: where answers to the mails of its signers go"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("section", sa.Column("reply_to", sa.String()))


def downgrade() -> None:
    op.drop_column("section", "reply_to")
