"""Documents as they get changed on their way, and bytes that are no document at all.

A few dozen examples each in `make check`, hundreds in `make test`; `make fuzz` (TOCSIN_FUZZ=long) tries thousands.
"""

from __future__ import annotations

import json
import operator
import os
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign.document import DocumentError, DraftAppeal, parse_document
from campaign.document.formats import reader
from campaign.document.formats.subprocess_main import READERS
from campaign.document.labels import vocabulary
from tests.document.support import builders, mutations
from tests.document.support.forms import NEW, OLD, typeset
from tests.document.support.lost_lines import lost_lines

_LONG = os.environ.get("TOCSIN_FUZZ") == "long"
_SHOWS_WIDTH = 2000  # characters
CASES = Path(__file__).parent / "cases"


def examples(count: int, long: int = 0) -> settings:
    return settings(
        max_examples=long if _LONG and long else count, deadline=None, suppress_health_check=list(HealthCheck)
    )


def _texts() -> dict[str, str]:
    """Return the documents that are changed: the tests' own, and every Markdown case that can be read."""
    found = {"new": NEW, "old": OLD}
    for path in sorted(CASES.glob("*.md")):
        if "error" not in json.loads(path.with_suffix(".json").read_text(encoding="utf-8")):
            found[path.stem] = path.read_text(encoding="utf-8")
    return found


TEXTS = _texts()


@pytest.fixture(autouse=True)
def _together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process for each file, which would take hours: what is tried is what runs in it."""
    monkeypatch.setattr(reader, "read_in_subprocess", lambda form, data, name: READERS[form](data, name))


@cache
def _draft(name: str) -> DraftAppeal:
    return parse_document(TEXTS[name].encode(), f"{name}.md")


def _said(draft: DraftAppeal) -> Any:
    """Return the fields without differences of spaces and bold marks."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items() if key != "warnings"}
        if isinstance(value, list):
            return [flat(item) for item in value]
        return re.sub(r"\s*:", ":", " ".join(value.replace("*", "").split())) if isinstance(value, str) else value

    return flat(draft.to_json())


def _codes(draft: DraftAppeal) -> Counter[str]:
    return Counter(warning.code for warning in draft.warnings)


CHANGES: dict[str, Any] = {
    "name": st.sampled_from(sorted(TEXTS)),
    "early": st.lists(st.sampled_from(mutations.EARLY), unique=True, max_size=3),
    "late": st.lists(st.sampled_from(mutations.LATE), unique=True, max_size=2),
    "seed": st.integers(0, 2**32),
}


@examples(30)
@given(**CHANGES)
def test_a_changed_document_says_the_same_or_warns(name: str, early: list[Any], late: list[Any], seed: int) -> None:
    says_the_same_or_warns(name, early, late, seed)


@pytest.mark.slow
@examples(500, 5000)
@given(**CHANGES)
def test_many_changed_documents_say_the_same_or_warn(name: str, early: list[Any], late: list[Any], seed: int) -> None:
    says_the_same_or_warns(name, early, late, seed)


def says_the_same_or_warns(name: str, early: list[Any], late: list[Any], seed: int) -> None:
    random = Random(seed)  # noqa: S311
    text = TEXTS[name]
    for mutate in (*early, *sorted(late, key=mutations.LATE.index)):
        # A few lines do not show where they were wrapped.
        if mutate is not mutations.wrap or len(text) > _SHOWS_WIDTH:
            text = mutate(text, random)
    try:
        draft = parse_document(text.encode(), f"{name}.md")
    except DocumentError:
        raise AssertionError("a document is refused after a harmless change") from None
    if _said(draft) != _said(_draft(name)):
        assert _codes(draft) - _codes(_draft(name)), "another meaning, and no further warning"
    assert lost_lines(text.encode(), f"{name}.md", draft) == []


def harmless(data: bytes, name: str) -> None:
    """A draft, or the reader's own error in one line; never anything else."""
    try:
        draft = parse_document(data, name)
    except DocumentError as error:
        said = error.message
    else:
        said = draft.language
    assert len(said.splitlines()) == 1


# Bytes alone, bytes behind what tells a format, and bytes that are mostly text.
BYTES = (
    st.binary(max_size=400)
    | st.builds(
        operator.add,
        st.sampled_from([b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf"]),
        st.binary(max_size=400),
    )
    | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=200).map(lambda data: NEW.encode() + data)
)
NAMES = st.sampled_from(["x.md", "x.txt", "x.docx", "x.pdf", "x"])


@examples(150)
@given(data=st.binary(max_size=400), name=NAMES)
def test_random_bytes_raise_nothing_but_the_readers_error(data: bytes, name: str) -> None:
    harmless(data, name)


@pytest.mark.slow
@examples(1000, 20_000)
@given(data=BYTES, name=NAMES)
def test_many_random_bytes_raise_nothing_but_the_readers_error(data: bytes, name: str) -> None:
    harmless(data, name)


def _label_texts() -> list[str]:
    phrases = [phrase for each in vocabulary().labels.values() for phrase in each]
    phrases += [phrase for each in vocabulary().contacts.values() for phrase in each]
    return sorted({" ".join(phrase.words) for phrase in phrases})


MARKS = [
    "\n",
    "\n\n",
    ":",
    " ",
    ",",
    ";",
    "*",
    "**",
    "(",
    ")",
    "[",
    "](",
    "<",
    ">",
    "# ",
    "- ",
    "@",
    "/",
    "\u00ad",
    "\r",
    "\t",
]
VALUES = [
    "UA 12/22",
    "12 May 2026",
    "EUR 57/5387/2022",
    "a@b.example",
    "+7 7172 745631",
    "Minister",
    "Dear Sir,",
    "N/A",
]
PIECES = st.sampled_from(_label_texts()) | st.sampled_from(MARKS) | st.sampled_from(VALUES) | st.text(max_size=8)


LABELS: dict[str, Any] = {
    "pieces": st.lists(PIECES, max_size=60),
    "case": st.sampled_from([str.upper, str.lower, str.title, str]),
}


@pytest.mark.slow
@examples(300, 5000)
@given(**LABELS)
def test_many_labels_in_any_order_raise_nothing_but_the_readers_error(pieces: list[str], case: Any) -> None:
    harmless(case("".join(pieces)).encode("utf-8", "replace"), "x.md")


@examples(30)
@given(**LABELS)
def test_labels_in_any_order_raise_nothing_but_the_readers_error(pieces: list[str], case: Any) -> None:
    harmless(case("".join(pieces)).encode("utf-8", "replace"), "x.md")


WHOLE: dict[str, Callable[[], bytes]] = {
    "x.docx": cache(lambda: builders.docx(NEW, header="UA: 1/24", footer="A charity")),
    "x.pdf": cache(lambda: typeset(NEW)),
    "y.pdf": cache(lambda: builders.pdf(OLD)),
    "x.md": NEW.encode,
}


@pytest.mark.slow
@examples(150, 3000)
@given(
    name=st.sampled_from(sorted(WHOLE)),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    cut=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_files_raise_nothing_but_the_readers_error(
    name: str, flips: list[tuple[float, int]], cut: float
) -> None:
    data = bytearray(WHOLE[name]())
    for place, value in flips:
        data[int(place * len(data))] = value
    harmless(bytes(data[: int(cut * len(data))]), name)
