"""Reading of files other than plain text in a separate process with limits on steps, memory and time.

A small file can occupy a reader endlessly or fill the memory: with a stream that is packed twice, forms that draw each
other, or a member with a false size. A list of such tricks would never be complete, so the number of steps is limited,
and the operating system limits memory and time. This is not a sandbox: the process runs as the same user.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from campaign.document.errors import DocumentError
from campaign.document.formats.mail import MailParts
from campaign.document.text.lines import Line

log = logging.getLogger(__name__)

OVER_LIMIT = 3  # exit status of the process when it would need more steps or memory
_TIMEOUT = 40  # seconds of wall-clock time, for a busy processor
_ROOT = Path(__file__).resolve().parents[3]
_ALLOCATION_THRESHOLD = str(64 * 1024)  # bytes; glibc requests larger pieces from the system, which counts them
# The exit status of the process itself, and the signals by which the system ends it.
_OVER_LIMIT_STATUSES = (OVER_LIMIT, -signal.SIGKILL, -signal.SIGXCPU)


class ReaderAnswer(NamedTuple):
    """The lines of a file, or the parts of a mail, or a refusal with its code."""

    lines: tuple[Line, ...] = ()
    mail: MailParts | None = None
    code: str = ""
    message: str = ""


def read_in_subprocess(file_format: str, data: bytes, name: str) -> list[Line]:
    """Return the lines of a file of this format, read in a process with limits.

    Raises DocumentError, with the code `too-large` beyond the limits.
    """
    return list(_answer(file_format, data, name).lines)


def split_in_subprocess(data: bytes, name: str) -> MailParts:
    """Return the parts of a mail, split in a process with limits. Raises DocumentError as `read_in_subprocess`."""
    return _answer("mail", data, name).mail or MailParts("", [])


def _answer(file_format: str, data: bytes, name: str) -> ReaderAnswer:
    """Return the answer of the process. Raises DocumentError if it refuses the file or reaches a limit."""
    answer = msgspec.json.decode(run_limited(reader_command(file_format, name), data, name), type=ReaderAnswer)
    if answer.code:
        raise DocumentError(answer.code, answer.message)
    return answer


def run_limited(command: list[str], data: bytes, name: str, *, advice: str = "save its text") -> bytes:
    """Return what the command writes. `data` is its input; `advice` ends the message of a refusal.

    Raises DocumentError, with the code `too-large` if the command ends at one of its limits.
    """
    try:
        result = subprocess.run(  # noqa: S603  our own module; the name is a plain argument
            command,
            input=data,
            capture_output=True,
            env=reader_environment(),
            cwd=_ROOT,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        result = None
    if result is None or result.returncode in _OVER_LIMIT_STATUSES:
        raise DocumentError(
            "too-large", f"{name} takes more time or memory to read than an Urgent Action can; {advice}"
        )
    if result.returncode:
        log.error("reading a document ended with %s: %s", result.returncode, result.stderr.decode(errors="replace"))
        raise DocumentError("unreadable", f"{name} cannot be read here, and the log says why; {advice}")
    return result.stdout


def reader_command(file_format: str, name: str) -> list[str]:
    """Return the command that reads a file of this format from its standard input."""
    return [sys.executable, "-m", "campaign.document.formats.subprocess_main", file_format, name]


def reader_environment() -> dict[str, str]:
    """Return the environment of the command: none of the application's keys, and glibc's allocation settings."""
    variables = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # These are glibc's names; other C libraries allocate large pieces this way by default.
    return {
        **variables,
        "MALLOC_MMAP_THRESHOLD_": _ALLOCATION_THRESHOLD,
        "MALLOC_TRIM_THRESHOLD_": _ALLOCATION_THRESHOLD,
    }
