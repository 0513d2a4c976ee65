"""Every service that writes requires a Context: the actor, the time, the keys and the settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from campaign.config import ROOT

SERVICES = ROOT / "campaign" / "services"
TRANSACTIONS = {"transaction", "single_statement"}
# Parts of a Context. A service that takes one of them separately could get another's.
CONTEXT_PARTS = {"mail_domain", "office", "desk", "base_url", "courier"}
WITHOUT_CONTEXT = {
    # Keys in stock for rows that services write, by the vault and the moment of their Context.
    *("keys.month_key.month_key", "keys.row_key.reserve", "keys.row_key.expire_keys", "keys.row_key.rewrite"),
    # A worker's own row, by the database's clock.
    *("periodic.worker_progress.store_progress", "periodic.worker_progress.delete_progress"),
    # A function that only reads.
    "counting.verify.verify_counts",
}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every public function of the services, by its name below `campaign.services`."""
    for path in sorted(SERVICES.rglob("*.py")):
        module = ".".join(path.relative_to(SERVICES).with_suffix("").parts)
        for found in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(found, ast.FunctionDef) and not found.name.startswith("_"):
                yield f"{module}.{found.name}", found


def opens_transaction(function: ast.FunctionDef) -> bool:
    called = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(isinstance(name, ast.Name) and name.id in TRANSACTIONS for name in called)


def has_context(function: ast.FunctionDef) -> bool:
    """Return whether a Context is required, by its name."""
    required = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return any(one.arg == "context" and default is None for one, default in required)


def test_every_service_that_writes_takes_a_context() -> None:
    without = {name for name, function in functions() if opens_transaction(function) and not has_context(function)}
    assert without == WITHOUT_CONTEXT


def test_no_service_takes_parts_of_a_context() -> None:
    found = {
        name
        for name, function in functions()
        if CONTEXT_PARTS & {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
    }
    assert found == set()
