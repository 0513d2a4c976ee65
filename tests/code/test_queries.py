"""Each query of the read side has its plan looked at with a million rows."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

from campaign import queries
from tests.queries.test_plans import ASK_NOTHING, CALLS, COUNT_EVERYTHING


def test_every_query_is_looked_at() -> None:
    public = {
        f"{module.name}.{name}"
        for module in pkgutil.iter_modules(queries.__path__)
        for name, found in inspect.getmembers(import_module(f"campaign.queries.{module.name}"), inspect.isfunction)
        if found.__module__ == f"campaign.queries.{module.name}" and not name.startswith("_")
    }
    assert public - COUNT_EVERYTHING - ASK_NOTHING == set(CALLS), "tests/queries/test_plans.py says how to call each"
