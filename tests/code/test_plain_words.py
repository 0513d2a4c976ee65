"""Plain words in docstrings, comments and documents: the project's old dialect does not come back.

Write short sentences, subject first, with the field's standard terms. `REMAINING` counts the lines that are still to be
rewritten, by folder or document. A number may only become smaller; a folder that is not listed has none.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from campaign.config import ROOT

# Beginnings of unclear docstrings: begin with a verb ("Return", "Raise", "Store") or a noun instead.
BEGINNING = re.compile(r"(what|who|whoever|whom|whose|how|where|whether|when|those|nobody|somebody)\b", re.IGNORECASE)
# Words of the dialect. Say "a person who", "a supporter", "the project's", "deleted" or "released", "says".
DIALECT = re.compile(
    r"\b(whoever|whomever|somebody|ours|let go|lets? \w+ go(?! on)|it may everything|is said|nothing of it"
    r"|at hand|no journey away|in the place of|turn by turn)\b",
    re.IGNORECASE,
)
REMAINING: dict[str, int] = {}


def sources() -> list[Path]:
    """Return the modules, except this one, which lists the words."""
    names = ("campaign", "tests", "bench", "migrations")
    found = {path for name in names for path in (ROOT / name).rglob("*.py")} | set(ROOT.glob("*.py"))
    return sorted(found - {Path(__file__)})


def documents() -> list[Path]:
    """Return the documents."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def other_files() -> list[Path]:
    """Return the files whose comments begin with #."""
    deploy = [path for path in (ROOT / "deploy").iterdir() if path.is_file()]
    return [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run", *sorted(deploy)]


def counted_name(path: Path) -> str:
    """Return the folder of a module, at most two names deep, or the file itself."""
    relative = path.relative_to(ROOT)
    parents = relative.parts[:-1] if path.suffix == ".py" else ()
    return "/".join(parents[:2]) if parents else str(relative)


def folders() -> list[str]:
    """Return the folders and documents that are counted, as REMAINING names them."""
    return sorted({counted_name(path) for path in [*sources(), *documents(), *other_files()]})


@pytest.mark.parametrize("name", folders())
def test_docstrings_comments_and_documents_use_plain_words(name: str) -> None:
    found = findings().get(name, [])
    assert len(found) <= REMAINING.get(name, 0), "\n".join(found)


def test_remaining_names_exist() -> None:
    assert set(REMAINING) <= set(folders())


@cache
def findings() -> dict[str, list[str]]:
    """Return each place's lines that are to be rewritten."""
    by_name: dict[str, list[str]] = {}
    for path in [*sources(), *documents(), *other_files()]:
        for line, text, is_docstring in texts(path):
            matches = [match[0] for match in DIALECT.finditer(text)]
            if is_docstring and (match := BEGINNING.match(text)):
                matches.append(match[0])
            by_name.setdefault(counted_name(path), []).extend(
                f"{path.relative_to(ROOT)}:{line}: {word}" for word in matches
            )
    return by_name


def texts(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Return the texts for readers in a file: its line, the text in one line, and whether it is a docstring."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield 1, " ".join(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()), False
        return
    if path.suffix != ".py":
        comments = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("#")]
        yield 1, " ".join(line.lstrip(" #") for _, line in comments), False
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield getattr(node, "lineno", 1), " ".join(docstring.split()), True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# "), False
