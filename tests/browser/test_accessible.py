"""axe over every public page: no finding. A part in `make test`; every language, width and scheme in `make axe`."""

from __future__ import annotations

import itertools
import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from campaign.config import LOCALES
from tests.browser.conftest import OVER, SAMPLE, STOPPED, Cases

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
EVERYTHING = list(itertools.product(LOCALES, (360, 1280), ("light", "dark")))
SOME = [("fr", 360, "light"), ("ar", 1280, "dark")]
OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}  # fmt: skip  # noqa: E501
PAGES = f"""
/
/appeals/{SAMPLE}
/appeals/{SAMPLE}/thanks
/appeals/{SAMPLE}/progress
/appeals/{SAMPLE}/act
/appeals/{OVER}
/appeals/{STOPPED}
/countries/kz
/sections
/sections/fr
/privacy
/imprint
/accessibility
/new-link
/new-link/sent
/nothing
/s/broken
/s/{{token}}
""".split()
FRAMES = [f"/embed/{SAMPLE}?lang={{locale}}", f"/embed/{SAMPLE}?kind=counter&lang={{locale}}&theme={{scheme}}",
          f"/embed/{SAMPLE}/thanks?lang={{locale}}"]  # fmt: skip


@pytest.fixture(scope="module")
def site(cases: Cases) -> str:
    """Where the cases are."""
    return cases.address


def _findings(page: Page) -> list[str]:
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})" for one in found]


@pytest.mark.parametrize(("locale", "width", "scheme"), EVERYTHING if os.environ.get("TOCSIN_AXE") == "all" else SOME)
def test_no_page_has_a_finding(browser: Browser, site: str, mailed: str, locale: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # axe changes the page that it looks at
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for path in [f"/{locale}{one}".format(token=mailed) for one in PAGES] + [
        one.format(locale=locale, scheme=scheme) for one in FRAMES
    ]:
        page.goto(site + path)
        found[path] = _findings(page)
    page.goto(f"{site}/{locale}/appeals/{SAMPLE}")
    page.locator("#form button").click()
    page.wait_for_selector(".errors")
    found["errors"] = _findings(page)
    page.goto(f"{site}/{locale}/s/{mailed}")
    page.locator("main form button").click()
    page.wait_for_url("**/m/*/act")
    found["act"] = _findings(page)
    page.goto(page.url.removesuffix("/act") + "/me")
    found["me"] = _findings(page)
    context.close()
    assert {path: one for path, one in found.items() if one} == {}
