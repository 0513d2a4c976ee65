"""The kind of actor in the audit log: a member of staff, a supporter, a command on the server, or the system.

Entries are never changed, so those that are there have none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column with its rule, unless an upgrade that was taken back has left it."""
    if "actor" in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("audit_entry")}:
        return
    # In SQL, with its rule inside: Alembic would copy the table on SQLite, and lose the triggers that keep it.
    kinds = "'staff', 'supporter', 'operator', 'system'"
    rule = f"CONSTRAINT ck_audit_entry_actor CHECK (actor IN ({kinds}))"
    op.execute(f"ALTER TABLE audit_entry ADD COLUMN actor VARCHAR {rule}")


def downgrade() -> None:
    """Leave the column: digests of entries cover it, so the log could not be verified any more without it."""
