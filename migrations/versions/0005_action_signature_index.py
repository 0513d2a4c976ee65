"""action: the index on signature holds every row, so that erasing a signature finds what was done with it"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ["signature_id", "channel", "target", "happened_on"]


def upgrade() -> None:
    op.drop_index("uq_action_once", "action")
    op.create_index("uq_action_once", "action", _COLUMNS, unique=True)


def downgrade() -> None:
    where = sa.text("signature_id IS NOT NULL AND channel <> 'signature'")
    op.drop_index("uq_action_once", "action")
    op.create_index("uq_action_once", "action", _COLUMNS, unique=True, sqlite_where=where, postgresql_where=where)
