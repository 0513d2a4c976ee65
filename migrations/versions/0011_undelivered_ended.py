"""indexes: mail that was not delivered, signatures that were taken back"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_mail_undelivered", "mail", "state IN ('dead', 'unknown')"),
    ("ix_signature_ended", "signature", "state IN ('withdrawn', 'invalidated')"),
)


def upgrade() -> None:
    for name, table, where in _INDEXES:
        op.create_index(name, table, ["state"], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _ in _INDEXES:
        op.drop_index(name, table)
