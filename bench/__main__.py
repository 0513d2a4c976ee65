"""make bench: every suite, or those that are named: `python -m bench web growth`. Status 1 where a limit is missed."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.support.report import report

SUITES = (
    *("web", "growth", "slots", "memory", "crowd", "server", "document", "delivery", "outbox", "staff", "moderation"),
)


def main() -> None:
    """Runs the suites one after the other, so that none disturbs the next."""
    wanted = sys.argv[1:] or list(SUITES)
    kept = [report(name, import_module(f"bench.{name}").run()) for name in wanted]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
