"""The row lock for rows that foreign keys refer to, which lets new references pass; locks of acts without a row.

When a row is written, PostgreSQL checks the rows that its foreign keys refer to, and waits if one of them is locked
with `FOR UPDATE`. A sign-up would then wait for any change of its section's row. There could also be a deadlock: one
transaction has locked a signature and waits for its mail, while a worker has locked that mail and waits for the
signature. `FOR NO KEY UPDATE` blocks other changes and lets such checks pass (PostgreSQL, "Explicit Locking").
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

# For `with_for_update`; SQLite has no row locks and ignores it.
NO_KEY_UPDATE: Final[dict[str, Any]] = {"key_share": True}

# The numbers of advisory locks of transactions: arbitrary, and each used by one kind of act.
IMPORT_LOCK: Final = 7_246_005_514


def lock_until_commit(session: Session, number: int) -> None:
    """Wait until no other transaction has this lock, and take it until the transaction ends.

    SQLite needs no lock: it has one writer at a time.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
