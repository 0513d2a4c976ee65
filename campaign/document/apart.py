"""PDF and Word read in a process of their own: small files can keep a reader busy for ever, or fill the memory.

A stream packed twice, forms that draw each other, a member that denies its size: each fits in a few kilobytes, and
there is no end to such tricks. So what bounds them is the system, not a list of them. The process gets the file and
nothing else: no settings, no keys.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .errors import DocumentError
from .lines import Line

_WAIT = 120  # seconds on the clock, where many wait for the processor
_ROOT = Path(__file__).resolve().parents[2]


def read_apart(form: str, data: bytes, name: str) -> list[Line]:
    """What `read_pdf` or `read_docx` gives, within bounds. Raises DocumentError, `too-large` beyond them."""
    command = [sys.executable, "-m", f"{__package__}.bounded", form, name]
    environ = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603  ourselves
            command, input=data, capture_output=True, env=environ, cwd=_ROOT, check=False, timeout=_WAIT
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode:
        raise DocumentError(
            "too-large", f"{name} takes more time or memory to read than an Urgent Action can; save its text"
        )
    answer = json.loads(done.stdout)
    if "code" in answer:
        raise DocumentError(answer["code"], answer["message"])
    return [Line(*fields) for fields in answer["lines"]]
