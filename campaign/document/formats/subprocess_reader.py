"""PDF and Word read in a process of their own: small files can keep a reader busy for ever, or fill the memory.

A stream packed twice, forms that draw each other, a member that denies its size: each fits in a file small enough to be
taken, and there is no end to such tricks. So what bounds them is no list of them, but the steps that reading takes, and
beyond that the system. It bounds steps, memory and time and is no sandbox: the process is the same user's.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path

from campaign.document.errors import DocumentError
from campaign.document.text.lines import Line

log = logging.getLogger(__name__)

BEYOND = 3  # the status of the process where it would need more steps or memory
_WAIT = 40  # seconds on the clock, where many wait for the processor
_ROOT = Path(__file__).resolve().parents[3]
_LARGE = str(64 * 1024)  # bytes; as large a piece of memory is asked of the system, which counts it
# What it said itself, and what the system does to who goes on.
_STOPPED = (BEYOND, -signal.SIGKILL, -signal.SIGXCPU)


def read_apart(form: str, data: bytes, name: str) -> list[Line]:
    """What `read_pdf` or `read_docx` gives, within bounds. Raises DocumentError, `too-large` beyond them."""
    try:
        done = subprocess.run(  # noqa: S603  our own module; the name is a plain argument
            command(form, name), input=data, capture_output=True, env=environ(), cwd=_ROOT, check=False, timeout=_WAIT
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode in _STOPPED:
        raise DocumentError(
            "too-large", f"{name} takes more time or memory to read than an Urgent Action can; save its text"
        )
    if done.returncode:
        log.error("reading a document ended with %s: %s", done.returncode, done.stderr.decode(errors="replace"))
        raise DocumentError("unreadable", f"{name} cannot be read here; the log says why. Its text can be")
    answer = json.loads(done.stdout)
    if "code" in answer:
        raise DocumentError(answer["code"], answer["message"])
    return [Line(*fields) for fields in answer["lines"]]


def command(form: str, name: str) -> list[str]:
    """Return the command that reads a file of this form from its standard input."""
    return [sys.executable, "-m", "campaign.document.formats.subprocess_main", form, name]


def environ() -> dict[str, str]:
    """Return all that the command is told: none of our keys, and how large pieces of memory are handed out."""
    told = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # The names by which glibc knows them; other systems hand out large pieces so by themselves.
    return {**told, "MALLOC_MMAP_THRESHOLD_": _LARGE, "MALLOC_TRIM_THRESHOLD_": _LARGE}
