"""How rows are locked that others refer to: against every other change, but not against being referred to.

PostgreSQL looks at the row behind a foreign key when another row is written that refers to it, and waits where it is
locked for good (`FOR UPDATE`). A sign-up would wait for whoever changes its section's row, and a worker that writes
down what became of a mail for whoever holds its signature and wants that mail: each for the other. `FOR NO KEY UPDATE`
keeps out all who change the row and lets those pass (PostgreSQL, "Explicit Locking", row-level locks).
"""

from __future__ import annotations

from typing import Any, Final

# For `with_for_update`; SQLite has no row locks and ignores it.
NO_KEY_UPDATE: Final[dict[str, Any]] = {"key_share": True}
