"""mail: the index of due mails holds the id, by which they are ordered; one more for each way to be the oldest"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_DUE = sa.text("state IN ('queued', 'retry')")
_UNTRIED = sa.text("state IN ('queued', 'retry') AND attempts = 0")
_RETRIED = sa.text("state = 'retry' AND attempts > 0")


def upgrade() -> None:
    op.drop_index("ix_mail_due", "mail", sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_mail_due", "mail", ["domain_digest", "due_at", "id"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_mail_untried", "mail", ["created_at"], sqlite_where=_UNTRIED, postgresql_where=_UNTRIED)
    op.create_index("ix_mail_retried", "mail", ["due_at"], sqlite_where=_RETRIED, postgresql_where=_RETRIED)


def downgrade() -> None:
    op.drop_index("ix_mail_retried", "mail", sqlite_where=_RETRIED, postgresql_where=_RETRIED)
    op.drop_index("ix_mail_untried", "mail", sqlite_where=_UNTRIED, postgresql_where=_UNTRIED)
    op.drop_index("ix_mail_due", "mail", sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_mail_due", "mail", ["domain_digest", "due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
