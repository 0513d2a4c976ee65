"""Code opens names and addresses for staff only by services/privacy/disclosure.py, which logs it first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from campaign.config import ROOT

CODE = ROOT / "campaign"
OPENERS = {"open_name", "open_email", "open_file"}
# Functions that return only the domain of an opened address, or only the ids of matching names.
DOMAIN_ONLY = {"_domain_of", "domain_of", "_ids_with_name"}
# Modules whose reader is the person concerned, by a mailed link, or an operator by a command.
FOR_THE_PERSON = {"signing.signature", "signing.sign_up", "privacy.subject_access"}
# Modules that may use the opening functions: the gateway, and the job that makes lists for handover.
GATEWAYS = {"services/privacy/disclosure.py", "services/handover/handover.py"}


def syntax_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def used_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names of all functions and methods that are called or passed as values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def opening_functions(path: Path) -> set[str]:
    """Return the functions of a module that open a name or an address, directly or by another of its functions."""
    functions = {
        statement.name: set(used_names(statement))
        for statement in syntax_tree(path).body
        if isinstance(statement, ast.FunctionDef)
    }
    found = {name for name, names in functions.items() if names & OPENERS} - DOMAIN_ONLY
    while more := {name for name, names in functions.items() if names & found} - found - DOMAIN_ONLY:
        found |= more
    return found


def imported_names(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the source module and the name of each import of a module."""
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


def modules_in(folder: str) -> list[Path]:
    return sorted((CODE / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    """Return the dotted name of a module below `campaign.queries`."""
    return ".".join(path.relative_to(CODE / "queries").with_suffix("").parts)


def test_queries_open_personal_data_for_staff_in_listed_functions_only() -> None:
    found = {module_of(path): opening_functions(path) for path in modules_in("queries") if opening_functions(path)}
    assert {name: functions for name, functions in found.items() if name not in FOR_THE_PERSON} == {
        "handover.handover": {"file_of"},
        "moderation.moderation": {"open_signers", "_signer"},
        "handover.signatories": {"signatories", "names_to_share"},
    }


def test_only_the_gateway_uses_the_opening_functions() -> None:
    openers = {
        f"campaign.queries.{module_of(path)}": opening_functions(path)
        for path in modules_in("queries")
        if module_of(path) not in FOR_THE_PERSON
    }
    for path in modules_in("."):
        name = path.relative_to(CODE).as_posix()
        if name in GATEWAYS or name.startswith("queries/"):
            continue
        for module, function in imported_names(path):
            assert function not in openers.get(module, set()), (
                f"{name} imports {function}: use services/privacy/disclosure.py"
            )


def test_staff_pages_open_no_personal_data_themselves() -> None:
    for path in modules_in("web/staff"):
        names = set(used_names(syntax_tree(path)))
        assert not names & {*OPENERS, "open_context", "_cipher"}, path.name
        for module, function in imported_names(path):
            assert module.removeprefix("campaign.queries.") not in FOR_THE_PERSON, f"{path.name}: {module}"
            full = f"{module}.{function}".removeprefix("campaign.queries.")
            assert full not in {*FOR_THE_PERSON, "handover.signatories"}, path.name


def test_each_function_of_the_gateway_logs_before_it_opens() -> None:
    tree = syntax_tree(CODE / "services" / "privacy" / "disclosure.py")
    openers = set().union(*(opening_functions(path) for path in modules_in("queries")))
    ways = [
        statement
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef) and set(used_names(statement)) & openers
    ]
    assert len(ways) >= 4
    for function in ways:
        first = {
            name: min(node.lineno for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name)
            for name in set(used_names(function)) & {*openers, "disclose"}
        }
        assert first.pop("disclose") < min(first.values()), function.name


def test_staff_pages_count_signatures_by_the_gateway_only() -> None:
    """The number of matches of a pattern reveals something of an address; reports without a signature have none."""
    users = {
        path.name
        for path in modules_in("web/staff")
        if ("campaign.services.moderation.invalidate", "add_invalidation") in imported_names(path)
    }
    assert users == {"reported.py"}
    assert "SIGNATURES" not in (CODE / "web" / "staff" / "moderation" / "reported.py").read_text(encoding="utf-8")
