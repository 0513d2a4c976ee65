"""The proof of work in a browser: solved by scripts, or waited for without them; no policy is violated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import DOCUMENT, KEYS
from tests.deploy.processes import environment, flask, free_port, running, wait_for, web

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a site under attack."""
    folder = tmp_path_factory.mktemp("guarded")
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    settings = {"TOCSIN_DATABASE_URL": f"sqlite:///{folder}/tocsin.db", "TOCSIN_MAIL_URL": f"maildir:{folder}/mail"}
    environ = environment(**KEYS, **settings, TOCSIN_BASE_URL=site, TOCSIN_CHALLENGE="always")
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    (folder / "case.md").write_text(DOCUMENT, encoding="utf-8")
    case = str(folder / "case.md")
    flask(environ, "appeal", "import", case, "--slug", "case", "--deadline", "2099-01-01", "--publish")
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"{site}/readyz")
        yield site


def fill(page: Page, site: str, email: str) -> None:
    """Fill in the form and sign."""
    page.goto(f"{site}/en/appeals/case")
    page.get_by_label("Your name").fill("Ann Other")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Your country").select_option("FR")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="I sign").click()


def test_a_browser_with_scripts_goes_on_by_itself(browser: Browser, guarded: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    fill(page, guarded, "scripts@mail.example")
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible(timeout=30_000)
    assert [one for one in problems if "422" not in one] == []
    page.close()


def test_a_browser_without_scripts_waits(browser: Browser, guarded: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    fill(page, guarded, "patient@mail.example")
    expect(page.get_by_text("Please wait 20 seconds")).to_be_visible()
    assert page.get_by_label("Your name").input_value() == "Ann Other"
    page.get_by_role("button", name="I sign").click()
    expect(page.get_by_text("Please wait")).to_be_visible()  # too early, and nothing is lost
    page.screenshot(path=tmp_path / "waiting.png", full_page=True)
    page.wait_for_timeout(20_500)
    page.get_by_role("button", name="I sign").click()
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()
    context.close()
