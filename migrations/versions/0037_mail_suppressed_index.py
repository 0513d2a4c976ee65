"""mail: an index of what was not sent after all"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_SUPPRESSED = sa.text("state = 'suppressed'")


def upgrade() -> None:
    where = {"sqlite_where": _SUPPRESSED, "postgresql_where": _SUPPRESSED}
    op.create_index("ix_mail_suppressed", "mail", ["created_at"], **where)


def downgrade() -> None:
    op.drop_index("ix_mail_suppressed", "mail")
