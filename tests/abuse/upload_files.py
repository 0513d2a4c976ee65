"""PDF files for tests of uploads, and the reading of a hostile file as an upload."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib

from campaign.config import ROOT
from campaign.document.formats import subprocess_reader as apart
from tests.document.support import builders

_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding{} >>"

# Steps are the same on every machine and seconds are not: on a slow one the limit of seconds would come first.
_WITHOUT_LIMIT_OF_SECONDS = """
from campaign.document.formats import subprocess_main
subprocess_main.MAX_SECONDS = 600
subprocess_main.main()
"""


def operators(operator: str, times: int) -> bytes:
    """Return a page that draws nothing, with that many operators; compressed, ten kilobytes hold ten million bytes."""
    packed = zlib.compress((operator * times).encode(), 9)
    head = f"<< /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
    return pdf("CONTENT").replace(b"CONTENT", head + packed + b"\nendstream")


def stream(content: str, head: str = "") -> str:
    """Return an object that holds a stream."""
    return f"<< {head} /Length {len(content)} >>\nstream\n{content}\nendstream"


def pdf(content: str, *more: str, font: str = "", forms: str = "") -> bytes:
    """Return a page of that content; further objects are numbered from 6."""
    resources = f"/Resources << /Font << /F0 3 0 R >> /XObject << {forms} >> >>"
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R {resources} >>"
    pages = "<< /Type /Pages /Kids [5 0 R] /Count 1 >>"
    catalogue = "<< /Type /Catalog /Pages 2 0 R >>"
    return builders.assemble_pdf([catalogue, pages, _FONT.format(font), content, page, *more])


def cpu_seconds_until_refused(name: str, data: bytes) -> float:
    """Read the file as an upload; return the seconds of CPU time until the reader ended it for too many steps."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WITHOUT_LIMIT_OF_SECONDS, name.rpartition(".")[2], name],
        cwd=ROOT,
        env=apart.reader_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(data)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        assert pipe.read() == b""
        pipe.close()
    assert process.returncode == apart.OVER_LIMIT, "the reader ended itself, before a limit of the system"
    return round(used.ru_utime + used.ru_stime, 1)
