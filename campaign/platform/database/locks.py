"""The row lock for rows that foreign keys refer to: it blocks changes of the row, but not new references to it.

When a row is written, PostgreSQL checks the rows that its foreign keys refer to, and waits where one of them is locked
with `FOR UPDATE`. A sign-up would then wait for any change of its section's row. Worse, a worker that stores the
outcome of a mail would wait for a transaction that has locked the mail's signature and waits for that mail: a deadlock.
`FOR NO KEY UPDATE` blocks other changes and lets such checks pass (PostgreSQL, "Explicit Locking", row-level locks).
"""

from __future__ import annotations

from typing import Any, Final

# For `with_for_update`; SQLite has no row locks and ignores it.
NO_KEY_UPDATE: Final[dict[str, Any]] = {"key_share": True}
