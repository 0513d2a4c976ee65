"""Page views in a browser: one each time a page is shown, also from a cache; none for readers who refuse tracking."""

from __future__ import annotations

import sqlite3
import time

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import SAMPLE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def stored_views(environ: dict[str, str], least: int) -> dict[tuple[str, str, str], int]:
    """Wait until the database has that many views; return them. The browser does not wait for the answer."""
    path = environ["TOCSIN_DATABASE_URL"].removeprefix("sqlite:///")
    asked = "SELECT section_code, aspect, value, sum(quantity) FROM funnel_count"
    asked += " WHERE funnel_stage = 'viewed' GROUP BY 1, 2, 3"
    for _ in range(100):
        with sqlite3.connect(path) as connection:
            views = {(section, aspect, value): number for section, aspect, value, number in connection.execute(asked)}
        if sum(number for (_, aspect, _), number in views.items() if aspect == "page") >= least:
            break
        time.sleep(0.1)
    return views


def test_each_time_a_page_is_shown_is_one_view(browser: Browser, demonstration: tuple[str, dict[str, str]]) -> None:
    address, environ = demonstration
    path = f"/fr/appeals/{SAMPLE}"
    troubles: list[str] = []
    for number, locale in enumerate(("fr-FR", "fr-CH")):
        with browser.new_context(locale=locale, base_url=address) as context:
            page = context.new_page()
            page.on("console", lambda message: troubles.append(message.text))
            with page.expect_request(lambda request: request.url.endswith("/viewed")) as sent:
                page.goto(path if number else f"{path}?via=stall-lyon")
            assert (sent.value.method, sent.value.post_data) == ("POST", None)
            assert context.cookies() == []
    with browser.new_context(locale="fr-FR", base_url=address) as context:
        context.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})")
        context.new_page().goto(path)
    with browser.new_context(locale="fr-FR", base_url=address, java_script_enabled=False) as context:
        context.new_page().goto(path)
    found = stored_views(environ, 2)
    assert found == {("fr", "page", ""): 1, ("fr", "source", "stall-lyon"): 1, ("ch", "page", ""): 1}
    assert troubles == []
