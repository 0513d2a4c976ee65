"""The proof of work in a browser: scripts solve it, readers without scripts wait, and no policy is violated."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SAMPLE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def sign(page: Page, site: str, email: str) -> None:
    """Fill in the form and sign."""
    page.goto(f"{site}/en/appeals/{SAMPLE}")
    page.get_by_label("Your name").fill("Ann Other")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Your country").select_option("FR")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="I sign").click()


def test_a_browser_with_scripts_solves_the_challenge(browser: Browser, site_under_attack: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    sign(page, site_under_attack, "scripts@mail.example")
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible(timeout=30_000)
    assert [problem for problem in problems if "422" not in problem] == []
    page.close()


def test_a_browser_without_scripts_waits(browser: Browser, site_under_attack: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    sign(page, site_under_attack, "patient@mail.example")
    expect(page.get_by_text("Please wait 20 seconds")).to_be_visible()
    assert page.get_by_label("Your name").input_value() == "Ann Other"
    page.get_by_role("button", name="I sign").click()
    expect(page.get_by_text("Please wait")).to_be_visible()  # too early; the typed values stay
    page.screenshot(path=tmp_path / "waiting.png", full_page=True)
    page.wait_for_timeout(20_500)
    page.get_by_role("button", name="I sign").click()
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()
    context.close()
