"""The plan of every query is checked with a million rows."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

from campaign import queries
from tests.platform.test_plans import CALLS, COUNT_EVERYTHING, WITHOUT_STATEMENT

PREFIX = "campaign.queries."


def test_the_plan_of_every_query_is_checked() -> None:
    public = {
        f"{module.name.removeprefix(PREFIX)}.{name}"
        for module in pkgutil.walk_packages(queries.__path__, PREFIX)
        for name, found in inspect.getmembers(import_module(module.name), inspect.isfunction)
        if found.__module__ == module.name and not name.startswith("_")
    }
    assert public - COUNT_EVERYTHING - WITHOUT_STATEMENT == set(CALLS), (
        "tests/platform/test_plans.py says how to call each"
    )
