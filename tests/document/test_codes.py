"""The codes of warnings and refusals: each is documented, and no other code is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from campaign.config import ROOT
from campaign.queries.appeals.line_uses import Document, Doubt
from campaign.web.staff.appeals.document_doubts import doubts_by_field

PACKAGE = ROOT / "campaign" / "document"
DOCUMENTATION = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")


def _documented_codes(heading: str) -> set[str]:
    section = DOCUMENTATION.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))


def _codes_in_calls_of(callee: str) -> set[str]:
    """Return the codes in the first argument of all calls of a function."""
    codes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name == callee:
                codes |= _codes_in_expression(call.args[0], tree)
    return codes


def _codes_in_expression(node: ast.expr, tree: ast.Module) -> set[str]:
    """Return the codes in an expression, or in the values that its name can have in the module."""
    if isinstance(node, ast.Name):  # its values come from an assignment or from a table that a loop reads
        values = [
            each.value for each in ast.walk(tree) if isinstance(each, ast.Assign) and _assigns_name(each, node.id)
        ]
        tables = [
            each.iter for each in ast.walk(tree) if isinstance(each, ast.For) and isinstance(each.iter, ast.Tuple)
        ]
        inner = [leaf for each in (*values, *tables) for leaf in ast.walk(each)]
    else:
        inner = list(ast.walk(node))
    texts = {leaf.value for leaf in inner if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+" if inner[1:] else r"[a-z-]+", text)}


def _assigns_name(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def test_every_warning_is_documented() -> None:
    assert _codes_in_calls_of("warn") == _documented_codes("Warnings")


@pytest.mark.parametrize("code", sorted(_documented_codes("Warnings")))
def test_every_warning_has_a_text_for_staff(code: str) -> None:
    ((doubt,),) = doubts_by_field(
        Document("en", ("first", "second"), (Doubt(code, "message", 2, "key"),), {}, ())
    ).values()
    assert doubt.words
    assert (doubt.language, doubt.line, doubt.text) == ("en", 2, "second")


def test_every_refusal_is_documented() -> None:
    assert _codes_in_calls_of("DocumentError") == _documented_codes("Refused")


def test_the_class_of_the_error_lists_every_refusal() -> None:
    source = Path(PACKAGE / "errors.py").read_text(encoding="utf-8")
    assert all(f"`{code}`" in source for code in _documented_codes("Refused"))
