"""The documents of the corpus, each with the JSON file that has its right values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parent.parent
FOLDERS = ("cases", "kinds", "families", "whole")


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document and its right values. Only the fields in `expected` are judged."""

    name: str  # "families/us-2019.en.md"
    data: bytes
    expected: dict[str, Any]


def corpus_documents() -> list[CorpusDocument]:
    """Return the documents of all folders, in the order of their names."""
    documents: list[CorpusDocument] = []
    for path in sorted(path for folder in FOLDERS for path in (_TESTS / folder).glob("*.json")):
        document = document_beside(path)
        expected = json.loads(path.read_text(encoding="utf-8"))
        documents.append(CorpusDocument(f"{path.parent.name}/{document.name}", document.read_bytes(), expected))
    return documents


def document_beside(path: Path) -> Path:
    """Return the document that a JSON file belongs to. Raises ValueError if there is none, or more than one."""
    stem = path.name.removesuffix(".json")
    (document,) = (
        other
        for other in path.parent.iterdir()
        if other.name.startswith(f"{stem}.") and other != path and "." not in other.name.removeprefix(f"{stem}.")
    )
    return document
