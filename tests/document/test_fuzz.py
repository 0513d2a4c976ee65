"""Fuzz tests: documents with harmless changes, labels in any order, damaged files and random bytes.

`make check` tries a few dozen examples of each, `make test` hundreds, `make fuzz` (TOCSIN_FUZZ=long) thousands.
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
from campaign.document.formats.mail import split_mail
from campaign.document.formats.subprocess_main import reader_of
from campaign.document.labels import vocabulary
from tests.document.support import builders, files, mutations
from tests.document.support.forms import NEW, OLD, typeset
from tests.document.support.lost_lines import lost_lines

_LONG = os.environ.get("TOCSIN_FUZZ") == "long"
_MIN_WRAPPED_LENGTH = 2000  # characters of a text that shows its width
CASES = Path(__file__).parent / "cases"


def examples(count: int, long_count: int = 0) -> settings:
    return settings(
        max_examples=long_count if _LONG and long_count else count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _texts() -> dict[str, str]:
    """Return the documents to change by name: those of the two templates, and every Markdown case that can be read."""
    texts = {"new": NEW, "old": OLD}
    for path in sorted(CASES.glob("*.md")):
        if "error" not in json.loads(path.with_suffix(".json").read_text(encoding="utf-8")):
            texts[path.stem] = path.read_text(encoding="utf-8")
    return texts


TEXTS = _texts()


@pytest.fixture(autouse=True)
def _read_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in this process with the same functions, since a process for each file would take hours."""
    monkeypatch.setattr(reader, "read_in_subprocess", lambda form, data, name: reader_of(form)(data, name))
    monkeypatch.setattr(reader, "split_in_subprocess", split_mail)


@cache
def _unchanged_draft(name: str) -> DraftAppeal:
    return parse_document(TEXTS[name].encode(), f"{name}.md")


def _comparable_fields(draft: DraftAppeal) -> Any:
    """Return the fields without differences of spaces and bold marks."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items() if key != "warnings"}
        if isinstance(value, list):
            return [flat(item) for item in value]
        return re.sub(r"\s*:", ":", " ".join(value.replace("*", "").split())) if isinstance(value, str) else value

    return flat(draft.to_json())


def _warning_codes(draft: DraftAppeal) -> Counter[str]:
    return Counter(warning.code for warning in draft.warnings)


CHANGE_STRATEGIES: dict[str, Any] = {
    "name": st.sampled_from(sorted(TEXTS)),
    "content_changes": st.lists(st.sampled_from(mutations.CONTENT_CHANGES), unique=True, max_size=3),
    "layout_changes": st.lists(st.sampled_from(mutations.LAYOUT_CHANGES), unique=True, max_size=2),
    "seed": st.integers(0, 2**32),
}


@examples(30)
@given(**CHANGE_STRATEGIES)
def test_a_changed_document_has_the_same_fields_or_a_warning(
    name: str, content_changes: list[Any], layout_changes: list[Any], seed: int
) -> None:
    check_same_fields_or_warning(name, content_changes, layout_changes, seed)


@pytest.mark.slow
@examples(500, 5000)
@given(**CHANGE_STRATEGIES)
def test_many_changed_documents_have_the_same_fields_or_a_warning(
    name: str, content_changes: list[Any], layout_changes: list[Any], seed: int
) -> None:
    check_same_fields_or_warning(name, content_changes, layout_changes, seed)


def check_same_fields_or_warning(name: str, content_changes: list[Any], layout_changes: list[Any], seed: int) -> None:
    random = Random(seed)  # noqa: S311
    text = TEXTS[name]
    for mutate in (*content_changes, *sorted(layout_changes, key=mutations.LAYOUT_CHANGES.index)):
        # A short text does not show where it was wrapped.
        if mutate is not mutations.wrap or len(text) > _MIN_WRAPPED_LENGTH:
            text = mutate(text, random)
    try:
        draft = parse_document(text.encode(), f"{name}.md")
    except DocumentError:
        raise AssertionError("a document is refused after a harmless change") from None
    if _comparable_fields(draft) != _comparable_fields(_unchanged_draft(name)):
        assert _warning_codes(draft) - _warning_codes(_unchanged_draft(name)), "other fields without a further warning"
    assert lost_lines(text.encode(), f"{name}.md", draft) == []


def check_read_or_refused(data: bytes, name: str) -> None:
    """Check that a file becomes a draft or raises DocumentError with a message of one line."""
    try:
        draft = parse_document(data, name)
    except DocumentError as error:
        line = error.message
    else:
        line = draft.language
    assert len(line.splitlines()) == 1


# Random bytes, random bytes after the first bytes of a format, random text, and a document with random bytes after it.
BYTES = (
    st.binary(max_size=400)
    | st.builds(
        operator.add,
        st.sampled_from(
            [
                b"%PDF-1.4\n",
                b"PK\x03\x04",
                b"\xff\xfe",
                b"\xef\xbb\xbf",
                b"{\\rtf1",
                b"<!doctype html>",
                b"MIME-Version: 1.0\n",
                b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
            ]
        ),
        st.binary(max_size=400),
    )
    | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=200).map(lambda data: NEW.encode() + data)
)
NAMES = st.sampled_from(["x.md", "x.txt", "x.docx", "x.pdf", "x.odt", "x.rtf", "x.html", "x.eml", "x"])


@examples(150)
@given(data=st.binary(max_size=400), name=NAMES)
def test_random_bytes_raise_nothing_but_the_readers_error(data: bytes, name: str) -> None:
    check_read_or_refused(data, name)


@pytest.mark.slow
@examples(1000, 20_000)
@given(data=BYTES, name=NAMES)
def test_many_random_bytes_raise_nothing_but_the_readers_error(data: bytes, name: str) -> None:
    check_read_or_refused(data, name)


def _label_texts() -> list[str]:
    phrases = [phrase for each in vocabulary().labels.values() for phrase in each]
    phrases += [phrase for each in vocabulary().contacts.values() for phrase in each]
    return sorted({" ".join(phrase.words) for phrase in phrases})


SEPARATORS = [
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
PIECES = st.sampled_from(_label_texts()) | st.sampled_from(SEPARATORS) | st.sampled_from(VALUES) | st.text(max_size=8)


LABEL_STRATEGIES: dict[str, Any] = {
    "pieces": st.lists(PIECES, max_size=60),
    "case": st.sampled_from([str.upper, str.lower, str.title, str]),
}


@pytest.mark.slow
@examples(300, 5000)
@given(**LABEL_STRATEGIES)
def test_many_labels_in_any_order_raise_nothing_but_the_readers_error(pieces: list[str], case: Any) -> None:
    check_read_or_refused(case("".join(pieces)).encode("utf-8", "replace"), "x.md")


@examples(30)
@given(**LABEL_STRATEGIES)
def test_labels_in_any_order_raise_nothing_but_the_readers_error(pieces: list[str], case: Any) -> None:
    check_read_or_refused(case("".join(pieces)).encode("utf-8", "replace"), "x.md")


FILES: dict[str, Callable[[], bytes]] = {
    "x.docx": cache(lambda: builders.docx(NEW, header="UA: 1/24", footer="A charity")),
    "x.pdf": cache(lambda: typeset(NEW)),
    "y.pdf": cache(lambda: builders.pdf(OLD)),
    "x.md": NEW.encode,
    "x.odt": cache(lambda: files.odt(NEW, header="UA: 1/24", footer="A charity")),
    "x.rtf": cache(lambda: files.rtf(NEW, header="UA: 1/24", footer="A charity")),
    "x.html": cache(lambda: files.html(NEW)),
    "x.eml": cache(lambda: files.mail("see below", html_part=files.html(NEW), attachments={"x.odt": files.odt(OLD)})),
}


HTML_PIECES = st.sampled_from(
    "<p> </p> <br> <b> </b> <i> <em> </i> <ul> <li> </li> <table> <tr> <td> </td> </table> <pre> </pre> <h1> </h1> <hr>"
    " <a\xa0href='mailto:a@b.example'> <a\xa0href='x'> </a> <span\xa0style='display:none'> </span> <div> </div> <!--"
    " --> <script> </script> <img> &nbsp; &#8203; <b\xa0style='font-weight:normal'> <td <".split(" ")
).map(lambda piece: piece.replace("\xa0", " "))
RTF_PIECES = st.sampled_from(
    r"{ } \\ \par \line \cell \row \b \b0 \'e9 \'zz \u8211? \u-3 \uc0 \f1 {\header {\footer {\pict {\*\fldinst"
    r' HYPERLINK "mailto:a@b.example" {\field {\fldrslt {\fonttbl{\f0\fcharset204 A;}} \ansicpg1251 \~'.split()
)


MARKUP_STRATEGIES: dict[str, Any] = {
    "pieces": st.lists(HTML_PIECES | PIECES, max_size=40) | st.lists(RTF_PIECES | PIECES, max_size=40),
    "start": st.sampled_from(["<!doctype html>", r"{\rtf1\ansi ", "MIME-Version: 1.0\nContent-Type: text/html\n\n"]),
}


@examples(40)
@given(**MARKUP_STRATEGIES)
def test_markup_in_any_order_raises_nothing_but_the_readers_error(pieces: list[str], start: str) -> None:
    check_read_or_refused((start + "".join(pieces)).encode("utf-8", "replace"), "x")


@pytest.mark.slow
@examples(300, 5000)
@given(**MARKUP_STRATEGIES)
def test_much_markup_in_any_order_raises_nothing_but_the_readers_error(pieces: list[str], start: str) -> None:
    check_read_or_refused((start + "".join(pieces) + "}").encode("utf-8", "replace"), "x")


@pytest.mark.slow
@examples(150, 3000)
@given(
    name=st.sampled_from(sorted(FILES)),
    changed_bytes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    kept_share=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_files_raise_nothing_but_the_readers_error(
    name: str, changed_bytes: list[tuple[float, int]], kept_share: float
) -> None:
    data = bytearray(FILES[name]())
    for position, value in changed_bytes:
        data[int(position * len(data))] = value
    check_read_or_refused(bytes(data[: int(kept_share * len(data))]), name)
