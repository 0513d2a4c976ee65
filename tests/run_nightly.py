"""The nightly run: every part as a command of its own, then a table of what passed and how long it took.

`make nightly` runs all parts, `make nightly PARTS="repeats fuzz"` some. The exit status is 1 if a part failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).parent.parent
# The name of each part and its `make` target.
PARTS = {
    "repeats": "nightly-repeats",
    "order": "nightly-order",
    "postgresql": "nightly-postgresql",
    "axe": "axe",
    "fuzz": "fuzz",
}


def main(names: list[str]) -> int:
    """Run the parts of these names, or all; return the exit status."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.stderr.write(f"unknown part: {', '.join(unknown)}; the parts are {', '.join(PARTS)}\n")
        return 2
    rows = [_run(name) for name in names or PARTS]
    lines = [f"{'part':<12}{'result':<10}minutes"]
    for name, status, seconds in rows:
        lines.append(f"{name:<12}{'passed' if status == 0 else f'failed {status}':<10}{seconds / 60:7.1f}")
    lines.append(f"{'all':<22}{sum(seconds for _, _, seconds in rows) / 60:7.1f}")
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    return int(any(status for _, status, _ in rows))


def _run(name: str) -> tuple[str, int, float]:
    """Run one part; return its name, exit status and seconds."""
    sys.stdout.write(f"== nightly: {name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    status = subprocess.run(["make", PARTS[name]], cwd=_ROOT, check=False).returncode
    return name, status, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
