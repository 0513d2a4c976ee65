"""The command of `make bench`: all suites, or the named ones.

`python -m bench web growth` ends with status 1 if a limit is missed.
"""

from __future__ import annotations

import sys
from importlib import import_module

from bench.support.report import report

SUITES = (
    *("web", "growth", "slots", "memory", "crowd", "server", "document", "delivery", "outbox", "staff", "moderation"),
)


def main() -> None:
    """Run the suites one after the other, so that none disturbs the next."""
    names = sys.argv[1:] or list(SUITES)
    results = [report(name, import_module(f"bench.{name}").measure_suite()) for name in names]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
