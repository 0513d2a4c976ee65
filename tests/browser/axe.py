"""Checks of pages by axe, and the combinations of language, width and scheme in which they are opened."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from campaign.config import LOCALES

# Width in pixels and colour scheme; the first two differ in both, and so do the last two.
LOOKS = [(360, "light"), (1280, "dark"), (1280, "light"), (360, "dark")]
ALL_LOOKS = [(locale, *look) for locale in LOCALES for look in LOOKS]
_OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}  # fmt: skip  # noqa: E501


def looks_of(number: int) -> set[tuple[str, int, str]]:
    """Return two combinations for the page of that number, which differ in each part.

    In a row of pages every combination comes up.
    """
    look = number // len(LOCALES) % len(LOOKS)
    return {(LOCALES[(number + 2 * turn) % len(LOCALES)], *LOOKS[look ^ turn]) for turn in range(2)}


def axe_findings(page: Page) -> list[str]:
    """Return the violations on the page, each with its first element and the number of elements."""
    violations = Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{found['id']}: {found['nodes'][0]['html'][:160]} ({len(found['nodes'])})" for found in violations]
