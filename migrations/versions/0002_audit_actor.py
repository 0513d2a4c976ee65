"""The kind of actor in the audit log: a member of staff, a supporter, a command on the server, or the system.

Entries are never changed, so existing entries have no actor.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column with its constraint, unless it exists because an earlier upgrade was undone."""
    if "actor" in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("audit_entry")}:
        return
    # One statement in SQL: Alembic would copy the table on SQLite, which drops the triggers that make it append-only.
    kinds = "'staff', 'supporter', 'operator', 'system'"
    constraint = f"CONSTRAINT ck_audit_entry_actor CHECK (actor IN ({kinds}))"
    op.execute(f"ALTER TABLE audit_entry ADD COLUMN actor VARCHAR {constraint}")


def downgrade() -> None:
    """Do nothing: the digests of entries cover the column, so the log could not be verified without it."""
