"""The documentation names every code that a warning or a refusal can have, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from campaign.config import ROOT
from campaign.queries.appeals.editor import Document, Doubt
from campaign.web.staff.appeals.document_doubts import doubts_by_field

PACKAGE = ROOT / "campaign" / "document"
DOCUMENTED = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")


def _documented(heading: str) -> set[str]:
    section = DOCUMENTED.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


def _codes(callee: str) -> set[str]:
    """The texts with which a function is called first, in whatever expression they stand."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name == callee:
                found |= _texts(call.args[0], tree)
    return found


def _texts(node: ast.expr, tree: ast.Module) -> set[str]:
    if isinstance(node, ast.Name):  # a code chosen above the call, or one of a table's
        values = [each.value for each in ast.walk(tree) if isinstance(each, ast.Assign) and _is_named(each, node.id)]
        tables = [
            each.iter for each in ast.walk(tree) if isinstance(each, ast.For) and isinstance(each.iter, ast.Tuple)
        ]
        inner = [leaf for each in (*values, *tables) for leaf in ast.walk(each)]
    else:
        inner = list(ast.walk(node))
    texts = {leaf.value for leaf in inner if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+" if inner[1:] else r"[a-z-]+", text)}


def _is_named(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _is_looped(node: ast.For, name: str) -> bool:
    """Return whether a loop reads the name from a table of tuples written there."""
    names = {leaf.id for leaf in ast.walk(node.target) if isinstance(leaf, ast.Name)}
    return name in names and isinstance(node.iter, ast.Tuple)


def test_every_warning_is_documented() -> None:
    assert _codes("warn") == _documented("Warnings")


@pytest.mark.parametrize("code", sorted(_documented("Warnings")))
def test_every_warning_has_a_text_for_staff(code: str) -> None:
    ((doubt,),) = doubts_by_field(Document("en", ("first", "second"), (Doubt(code, "message", 2),))).values()
    assert doubt.words
    assert (doubt.language, doubt.line, doubt.text) == ("en", 2, "second")


def test_every_refusal_is_documented() -> None:
    assert _codes("DocumentError") == _documented("Refused")


def test_every_refusal_is_named_where_the_error_is_defined() -> None:
    defined = Path(PACKAGE / "errors.py").read_text(encoding="utf-8")
    assert all(f"`{code}`" in defined for code in _documented("Refused"))
