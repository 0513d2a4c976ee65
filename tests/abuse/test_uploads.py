"""Small files that would be read forever or fill the memory: each is refused within its limits."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from campaign.config import ROOT
from campaign.document import DocumentError, parse_document
from campaign.document.formats import subprocess_reader as apart
from campaign.document.formats.limits import MAX_MEGABYTES
from campaign.document.formats.pdf import read_pdf
from campaign.document.formats.subprocess_main import MAX_SECONDS, MAX_STEPS, run_counted
from campaign.document.formats.word import read_docx
from tests.abuse.upload_files import cpu_seconds_until_refused, operators, pdf, stream
from tests.attack import IS_ATTACK, Figure
from tests.conftest import KEYS
from tests.deploy.processes import environment
from tests.document.support import builders
from tests.document.support.forms import NEW, OLD, typeset

pytestmark = pytest.mark.slow
UNPACKED = 2**29 if IS_ATTACK else 2**27  # bytes
# The limits of the reading process, with a margin for a busy machine, above the cost of a harmless file.
MAX_EXTRA_MEGABYTES, MAX_EXTRA_SECONDS = MAX_MEGABYTES + 100, 5 * MAX_SECONDS
_TEXT = "BT /F0 12 Tf 72 700 Td (URGENT ACTION) Tj ET"


def stream_of_spaces(times: int) -> str:
    """Return a stream of very many spaces, compressed that many times, then written in hexadecimal."""
    packer = zlib.compressobj(9)
    block = bytes(2**20).replace(b"\0", b" ")
    packed = b"".join(packer.compress(block) for _ in range(UNPACKED // 2**20)) + packer.flush()
    for _ in range(times - 1):
        packed = zlib.compress(packed, 9)
    return stream(packed.hex(), f"/Filter [/ASCIIHexDecode{' /FlateDecode' * times}]")


def exponential_forms() -> bytes:
    """Return forms of which each draws the next a hundred times."""
    forms = []
    for number in range(7):
        body = f"/X{number + 1} Do " * 100 if number < 6 else "BT /F0 12 Tf (a) Tj ET"
        resources = f"/Resources << /Font << /F0 3 0 R >> /XObject << /X{number + 1} {number + 7} 0 R >> >>"
        forms.append(stream(body, f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"))
    return pdf(stream("/X0 Do"), *forms, forms="/X0 6 0 R")


def font_with_long_line() -> bytes:
    """Return a font whose table names two thousand million characters in one line."""
    table = "begincmap 1 beginbfrange <00000000> <7fffffff> <0041> endbfrange endcmap"
    return pdf(stream(_TEXT), stream(table), font=" /ToUnicode 6 0 R")


def repeated_page() -> bytes:
    """Return one page three hundred thousand times."""
    return pdf(stream(_TEXT)).replace(b"/Kids [5 0 R]", b"/Kids [" + b"5 0 R " * 300_000 + b"]")


def word_file(size: int, *, said: int | None = None) -> bytes:
    """Return a Word file with a picture of that many zeros, which declares fewer."""
    out = io.BytesIO(builders.docx(NEW))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/media/a.bin", "w") as picture:
        for _ in range(size // 2**20):  # written in pieces: memory of the test would be counted as the reader's
            picture.write(bytes(2**20))
    made = out.getvalue()
    return made if said is None else made.replace(size.to_bytes(4, "little"), said.to_bytes(4, "little"))


def word_file_of_many_members() -> bytes:
    """Return a Word file of many members."""
    return builders.docx(NEW, extra={f"word/{number}": b"" for number in range(15_000)})


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a stream packed in another way": ("case.pdf", lambda: pdf(stream_of_spaces(1))),
    "a stream packed three times": ("case.pdf", lambda: pdf(stream_of_spaces(2))),
    "forms that draw forms": ("case.pdf", exponential_forms),
    "a table without end": ("case.pdf", font_with_long_line),
    "a page three hundred thousand times": ("case.pdf", repeated_page),
    "operators without end": ("case.pdf", lambda: operators("q Q ", 2_500_000)),
    "zeros in a Word file": ("case.docx", lambda: word_file(2 * UNPACKED)),
    "zeros that a Word file denies": ("case.docx", lambda: word_file(2 * UNPACKED, said=1000)),
    "a crowd in a Word file": ("case.docx", word_file_of_many_members),
}
# These files use up all the steps.
LONG_READS = ("a table without end", "a page three hundred thousand times")


def read_by_command(path: Path) -> tuple[int, str, float, float]:
    """Return status, output, megabytes and seconds of a command that reads the file."""
    command = [sys.executable, "-m", "flask", "appeal", "parse", str(path)]
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"sqlite:///{path.parent}/none.db")
    with (path.parent / "said").open("w+") as said:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=said, stderr=said)
        too_long = threading.Timer(MAX_EXTRA_SECONDS, process.kill)
        too_long.start()
        _, status, used = os.wait4(process.pid, 0)
        too_long.cancel()
        spent = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read(), used.ru_maxrss / 1024, spent


def test_another_failure_of_the_reader_is_shown_and_logged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(apart, "_ROOT", tmp_path)  # a folder without the application
    with pytest.raises(DocumentError) as error:
        parse_document(builders.docx(NEW), "case.docx")
    assert error.value.code == "unreadable"
    assert "No module named" in caplog.text


@pytest.mark.parametrize(
    ("what", "times"),
    [
        ("q Q ", 2_500_000),
        ("[", 10_000_000),
        ("%a\n", 3_000_000),
        ("<<", 5_000_000),
        ("/A ", 3_000_000),
        # An unterminated string, copied with each piece: few steps, each longer than the one before.
        ("(", 10_000_000),
        ("(\\(", 3_000_000),
        ("a (b) \\) (", 400_000),
    ],
)
def test_ten_kilobytes_are_limited_by_steps_before_time(what: str, times: int, figure: Figure) -> None:
    data = operators(what, times)
    assert len(data) < 11_000
    spent = cpu_seconds_until_refused("case.pdf", data)
    figure("5 input: ten kilobytes of operators: seconds", spent, f"< {MAX_SECONDS}")


def test_an_urgent_action_needs_far_fewer_steps() -> None:
    class UncaughtError(BaseException):
        """An error that readers do not catch."""

    def end() -> None:
        raise UncaughtError

    for read_by_command, data in (
        (read_pdf, typeset(NEW)),
        (read_pdf, builders.pdf(OLD)),
        (read_docx, builders.docx(NEW)),
    ):
        run_counted(partial(read_by_command, data, "case"), end, MAX_STEPS // 5)
        with pytest.raises(UncaughtError):
            run_counted(partial(read_by_command, data, "case"), end, 1000)


def test_each_file_is_refused_within_limits(tmp_path: Path, figure: Figure) -> None:
    lunch = tmp_path / "lunch.md"
    lunch.write_text("Lunch is at noon.")
    status, said, usual, _ = read_by_command(lunch)
    assert status == 2, said
    most, longest = 0.0, 0.0
    tried = {what: bomb for what, bomb in BOMBS.items() if IS_ATTACK or what not in LONG_READS}
    for what, (name, make) in tried.items():
        path = tmp_path / name
        path.write_bytes(make())
        assert path.stat().st_size < 2 * 2**20, what
        status, said, megabytes, seconds = read_by_command(path)
        assert (status, len(said.splitlines())) == (2, 1), (what, said)
        most, longest = max(most, megabytes - usual), max(longest, seconds)
    figure("5 input: files that unpack without end: tried", len(tried), "all refused")
    figure("5 input: files that unpack without end: memory, MB", round(most), f"<= {MAX_EXTRA_MEGABYTES}")
    figure("5 input: files that unpack without end: seconds", round(longest, 1), f"<= {MAX_EXTRA_SECONDS}")
    assert most <= MAX_EXTRA_MEGABYTES
    assert longest <= MAX_EXTRA_SECONDS
