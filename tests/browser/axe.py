"""Checks of pages by axe, and the combinations of language, width and scheme in which they are opened."""

from __future__ import annotations

import os

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from campaign.config import LOCALES
from tests.nightly import IS_NIGHTLY

# Width in pixels and colour scheme; the first two differ in both, and so do the last two.
LOOKS = [(360, "light"), (1280, "dark"), (1280, "light"), (360, "dark")]
# The gate opens pages in one language of each direction, `make nightly` and `make axe` in all.
OPENS_ALL = IS_NIGHTLY or os.environ.get("TOCSIN_AXE") == "all"
OPENED_LOCALES = LOCALES if OPENS_ALL else ("en", "ar")
ALL_LOOKS = [(locale, *look) for locale in OPENED_LOCALES for look in LOOKS]
_OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}  # fmt: skip  # noqa: E501


def looks_of(number: int) -> set[tuple[str, int, str]]:
    """Return two combinations for the page of that number, which differ in each part.

    In a row of pages every combination comes up.
    """
    locales = len(OPENED_LOCALES)
    look = number // locales % len(LOOKS)
    return {(OPENED_LOCALES[(number + turn) % locales], *LOOKS[look ^ turn]) for turn in range(2)}


def axe_findings(page: Page) -> list[str]:
    """Return the violations on the page, each with its first element and the number of elements."""
    violations = Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{found['id']}: {found['nodes'][0]['html'][:160]} ({len(found['nodes'])})" for found in violations]
