"""The report of a measurement: figures beside the limits of the same run, as a table and a JSON file a suite."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results"


@dataclass(frozen=True, slots=True)
class Row:
    """A measured figure: `value` in `unit`, the value it is compared with, and their ratio, which `limit` bounds.

    With `is_ceiling` the ratio must be at most the limit, else at least. Without a limit the row is only shown.
    """

    database: str
    what: str
    value: float
    against: float
    unit: str
    ratio: float
    limit: float | None = None
    is_ceiling: bool = False

    @property
    def is_within_limit(self) -> bool:
        """Return whether the ratio stays within its limit."""
        if self.limit is None:
            return True
        return self.ratio <= self.limit if self.is_ceiling else self.ratio >= self.limit


def report(suite: str, rows: list[Row]) -> bool:
    """Print the table, write bench/results/<suite>.json, and return whether all rows are within their limits."""
    RESULTS.mkdir(exist_ok=True)
    results = {"cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}
    (RESULTS / f"{suite}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"\n{suite:<12}{'what':<38}{'value':>12}{'against':>12} {'unit':<8}{'ratio':>7}  limit")
    for row in rows:
        sign = "≤" if row.is_ceiling else "≥"
        limit = "" if row.limit is None else f"{sign} {row.limit:g}" + ("" if row.is_within_limit else "  MISSED")
        figures = f"{row.value:>12,.2f}{row.against:>12,.2f} {row.unit:<8}{row.ratio:>7.2f}"
        print(f"{row.database:<12}{row.what:<38}{figures}  {limit}", flush=True)
    return all(row.is_within_limit for row in rows)
