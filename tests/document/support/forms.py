"""Forms in which sections receive a document: plain text, wrapped, quoted, typeset; and the fields of each."""

from __future__ import annotations

import json
import re
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import typst

from campaign.document import DocumentError, DraftAppeal, parse_document

_FOLDER = Path(__file__).parent.parent / "whole"
# A document in the new template and one in the old, long enough to be wrapped and to fill a page.
NEW = (_FOLDER / "new.en.md").read_text(encoding="utf-8")
OLD = (_FOLDER / "old.en.md").read_text(encoding="utf-8")
_EMPHASIS = re.compile(r"(\*\*\*|\*\*|(?<![^\W_])\*|\*(?![^\W_]))")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def fields(data: bytes | str, name: str = "case.md") -> dict[str, Any]:
    """Return the fields of a document without its warnings, whose line numbers depend on the form."""
    values = parse_document(data.encode() if isinstance(data, str) else data, name).to_json()
    return {key: value for key, value in values.items() if key != "warnings"}


def codes(data: bytes | str, name: str = "case.md") -> list[str]:
    """Return the codes of a document's warnings."""
    return [warning.code for warning in parse_document(data.encode() if isinstance(data, str) else data, name).warnings]


def refusal(data: bytes, name: str = "case.md") -> str:
    """Return the code of a file's refusal, or an empty text if it is read."""
    try:
        parse_document(data, name)
    except DocumentError as error:
        return error.code if "\n" not in error.message else "several lines"
    return ""


def plain(markdown: str) -> str:
    """Return the document without emphasis and heading marks; links are their texts."""
    lines = [_EMPHASIS.sub("", _LINK.sub(r"\1", re.sub(r"^#+ ", "", line))) for line in markdown.split("\n")]
    return "\n".join(lines)


def wrapped(text: str, width: int = 72) -> str:
    """Return the text with its lines wrapped to a width, as mail programs wrap them."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(lines)


def quoted(text: str, mark: str = "> ") -> str:
    """Return the text with a mark before each line, as in an answer to a mail."""
    return "".join(f"{mark}{line}\n" for line in text.split("\n"))


def typeset(markdown: str, *, setup: str = "") -> bytes:
    """Return a PDF that Typst wraps and sets in its fonts; `setup` is Typst source before the text."""
    return compile_typst(f"{setup}\n{typst_source(markdown)}")


def typst_source(markdown: str) -> str:
    """Return the document as Typst source."""
    paragraphs = re.split(r"\n\s*\n", markdown.strip("\n"))
    return "\n\n".join(
        " #linebreak()\n".join(_typeset_line(line) for line in paragraph.split("\n")) for paragraph in paragraphs
    )


def compile_typst(source: str) -> bytes:
    """Return the PDF of a Typst source."""
    return typst.compile(f'#set page(paper: "a4")\n#set text(size: 10pt)\n{source}'.encode())


def _typeset_line(line: str) -> str:
    size = 1.7 if line.startswith("# ") else 1.4 if line.startswith("## ") else None
    bold = italic = False
    pieces: list[str] = []
    for piece in _EMPHASIS.split(_LINK.sub(r"\1", re.sub(r"^#+ ", "", line.rstrip()))):
        if _EMPHASIS.fullmatch(piece):
            bold ^= len(piece) >= 2
            italic ^= len(piece) != 2
        elif piece:
            weight, style = "bold" if bold else "regular", "italic" if italic else "normal"
            pieces.append(f'#text(weight: "{weight}", style: "{style}", {json.dumps(piece, ensure_ascii=False)})')
    text = "".join(pieces)
    return f'#text(size: {size}em, weight: "bold")[{text}]' if size else text


CASES = Path(__file__).parent.parent / "cases"
DOCUMENTS = sorted(path for path in CASES.iterdir() if path.suffix in {".md", ".txt"})


@cache
def read_case(path: Path) -> DraftAppeal | str:
    """Return the fields of a document of the case suite, or the code of its refusal; read it once for all tests."""
    try:
        return parse_document(path.read_bytes(), path.name)
    except DocumentError as error:
        return error.code
