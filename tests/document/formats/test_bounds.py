"""Bounds of time and memory for a document, whatever is in it, and the process that parses long ones."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import suppress

import pytest

from campaign.document import DocumentError, parse_document, reading
from campaign.document.parser import parse_lines
from campaign.document.reading import MAX_CHARACTERS_HERE, MAX_LINES_HERE, parse_in_subprocess
from campaign.document.text.lines import Line
from campaign.document.text.quoting import split_lines
from tests.attack import Figure
from tests.document.support.forms import NEW, OLD, refusal
from tests.document.support.hostile_texts import PLACES, UNITS, short_text

MB = 2**20


@pytest.mark.parametrize("markdown", [NEW, OLD], ids=["new", "old"])
def test_the_process_returns_the_same_draft(markdown: str) -> None:
    lines = split_lines(markdown)
    assert parse_in_subprocess(lines) == parse_lines(lines)


def test_the_process_returns_the_reason_of_a_refusal() -> None:
    with pytest.raises(DocumentError, match="no Urgent Action") as error:
        parse_in_subprocess(split_lines("Lunch is at noon."))
    assert error.value.code == "no-urgent-action"


@pytest.mark.parametrize(("unit", "times"), [("x ", MAX_CHARACTERS_HERE // 2), ("x\n\n", MAX_LINES_HERE // 2)])
def test_a_long_document_is_never_parsed_in_this_process(
    unit: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(lines: list[Line]) -> None:
        raise AssertionError(len(lines))

    long_text = NEW.replace("The upper valley", f"{unit * times}The upper valley")
    expected = parse_lines(split_lines(long_text))
    monkeypatch.setattr(reading, "parse_lines", fail)
    assert parse_document(long_text.encode(), "case.md") == expected
    with pytest.raises(AssertionError):
        parse_document(NEW.encode(), "case.md")


def test_a_text_that_takes_too_long_is_refused() -> None:
    lines = [*split_lines(OLD), *(Line(number, "Minister A B") for number in range(1000, 200_000))]
    with pytest.raises(DocumentError, match="takes more time or memory to read than an Urgent Action can") as error:
        parse_in_subprocess(lines, seconds=1)
    assert error.value.code == "too-large"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        *((blank, "") for blank in ("\n", " \n", "\u2028", "\r")),
        *((filled, "too-large") for filled in ("a\n", "x" * 500, "TAKE ACTION:\n", "\n" * 99 + "x")),
    ],
)
def test_two_megabytes_are_read_or_refused_at_once(unit: str, expected: str) -> None:
    filling = unit.encode()
    data = NEW.encode() + filling * ((2 * MB - len(NEW.encode())) // len(filling))
    tracemalloc.start()
    start = time.process_time()
    code = refusal(data, "case.txt")
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1] / MB
    tracemalloc.stop()
    assert code == expected
    assert seconds < 3
    assert peak < 40


def parser_seconds(text: str) -> float:
    """Return the seconds of processor time for a text."""
    start = time.process_time()
    with suppress(DocumentError):
        parse_lines(split_lines(text))
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("place", PLACES)
def test_what_this_process_parses_takes_less_than_a_second_and_50_megabytes(place: str, figure: Figure) -> None:
    seconds = {name: parser_seconds(short_text(place, name)) for name in UNITS}
    slowest = max(seconds, key=lambda name: seconds[name])
    figure(f"document parsed in the web process, {place}: {slowest}", round(seconds[slowest], 2), "< 1")
    tracemalloc.start()
    parser_seconds(short_text(place, slowest))
    peak = tracemalloc.get_traced_memory()[1] / MB
    tracemalloc.stop()
    assert seconds[slowest] < 1
    assert peak < 50
