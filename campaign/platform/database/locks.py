"""The row lock for rows that foreign keys refer to: it blocks changes of the row, but not new references to it.

When a row is written, PostgreSQL checks the rows that its foreign keys refer to, and waits if one of them is locked
with `FOR UPDATE`. A sign-up would then wait for any change of its section's row. There could also be a deadlock: one
transaction has locked a signature and waits for its mail, while a worker has locked that mail and waits for the
signature. `FOR NO KEY UPDATE` blocks other changes and lets such checks pass (PostgreSQL, "Explicit Locking").
"""

from __future__ import annotations

from typing import Any, Final

# For `with_for_update`; SQLite has no row locks and ignores it.
NO_KEY_UPDATE: Final[dict[str, Any]] = {"key_share": True}
