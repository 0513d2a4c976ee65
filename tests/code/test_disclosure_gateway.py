"""No code opens names or addresses for staff but by services/privacy/disclosure.py, which writes it down first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from campaign.config import ROOT

CODE = ROOT / "campaign"
OPENERS = {"open_name", "open_email", "open_file"}
# Open an address and let out its domain alone; compare names with one that was typed, and let out ids alone.
DOMAIN_ONLY = {"_domain_of", "domain_of", "_named"}
# Whose reader is the person it belongs to, by a mailed link or a command on the server.
FOR_THE_PERSON = {"signing.signature", "signing.sign_up", "privacy.subject_access"}
# What of the read side may be imported where: the gateway, and the worker that makes lists to hand over.
GATEWAYS = {"services/privacy/disclosure.py", "services/handover/handover.py"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(tree: ast.AST) -> Iterator[str]:
    """The names of all functions and methods that are called or passed on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def opening(path: Path) -> set[str]:
    """The functions of a module that open a name or an address, themselves or by another one of the module."""
    functions = {one.name: set(called(one)) for one in parsed(path).body if isinstance(one, ast.FunctionDef)}
    found = {name for name, names in functions.items() if names & OPENERS} - DOMAIN_ONLY
    while more := {name for name, names in functions.items() if names & found} - found - DOMAIN_ONLY:
        found |= more
    return found


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Each name that a module imports, with where from."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                yield node.module, one.name
        elif isinstance(node, ast.Import):
            for one in node.names:
                yield one.name, ""


def of(folder: str) -> list[Path]:
    return sorted((CODE / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name of a module of the read side, below `campaign.queries`."""
    return ".".join(path.relative_to(CODE / "queries").with_suffix("").parts)


def test_the_read_side_opens_for_staff_in_these_functions_only() -> None:
    found = {module_of(path): opening(path) for path in of("queries") if opening(path)}
    assert {name: functions for name, functions in found.items() if name not in FOR_THE_PERSON} == {
        "handover.handover": {"file_of"},
        "moderation.moderation": {"open_signers", "_signer"},
        "handover.signatories": {"signatories", "names_to_share"},
    }


def test_only_the_gateway_uses_them() -> None:
    openers = {
        f"campaign.queries.{module_of(path)}": opening(path)
        for path in of("queries")
        if module_of(path) not in FOR_THE_PERSON
    }
    for path in of("."):
        name = path.relative_to(CODE).as_posix()
        if name in GATEWAYS or name.startswith("queries/"):
            continue
        for module, function in imported(path):
            assert function not in openers.get(module, set()), (
                f"{name} imports {function}: use services/privacy/disclosure.py"
            )


def test_the_staff_room_opens_nothing_itself() -> None:
    for path in of("web/staff"):
        names = set(called(parsed(path)))
        assert not names & {*OPENERS, "open_context", "_cipher"}, path.name
        for module, function in imported(path):
            assert module.removeprefix("campaign.queries.") not in FOR_THE_PERSON, f"{path.name}: {module}"
            full = f"{module}.{function}".removeprefix("campaign.queries.")
            assert full not in {*FOR_THE_PERSON, "handover.signatories"}, path.name


def test_each_way_of_the_gateway_is_written_down_before_it_opens() -> None:
    tree = parsed(CODE / "services" / "privacy" / "disclosure.py")
    openers = set().union(*(opening(path) for path in of("queries")))
    ways = [one for one in tree.body if isinstance(one, ast.FunctionDef) and set(called(one)) & openers]
    assert len(ways) >= 4
    for one in ways:
        first = {
            name: min(node.lineno for node in ast.walk(one) if isinstance(node, ast.Name) and node.id == name)
            for name in set(called(one)) & {*openers, "disclose"}
        }
        assert first.pop("disclose") < min(first.values()), one.name


def test_the_staff_room_counts_signatures_by_the_gateway_alone() -> None:
    """The number of matches of a pattern reveals something of an address; reports without a signature have none."""
    users = {
        path.name
        for path in of("web/staff")
        if ("campaign.services.moderation.invalidate", "add_invalidation") in imported(path)
    }
    assert users == {"reported.py"}
    assert "SIGNATURES" not in (CODE / "web" / "staff" / "moderation" / "reported.py").read_text(encoding="utf-8")
