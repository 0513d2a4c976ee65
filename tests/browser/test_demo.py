"""The demonstration in a browser: sign, read the mail, confirm, and see the count change."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_supporter_signs_reads_the_mail_confirms_and_is_counted(browser: Browser, site: str, scripts: bool) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=scripts, locale="fr-FR")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{site}/")
    page.get_by_role("link", name="LIBÉREZ JANBOLAT").click()
    before = int(page.locator(".count").inner_text())
    page.get_by_label("Votre nom").fill("Émilie Durand")
    page.get_by_label("Votre adresse e-mail").fill(f"emilie-{scripts}@exemple.example")
    page.get_by_label("Votre pays").select_option("FR")
    page.get_by_label("J’accepte").check()
    page.get_by_role("button", name="Je signe").click()
    expect(page.get_by_role("heading", name="regardez vos courriels")).to_be_visible()
    page.get_by_role("link", name="Ouvrir la boîte aux lettres").click()
    mine = page.get_by_role("row", name=f"emilie-{scripts}@exemple.example").get_by_role("link")
    for _ in range(20):
        if mine.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    mine.first.click()
    expect(page.locator("pre.mail")).not_to_contain_text("Émilie Durand")  # the name is not confirmed yet
    page.locator("pre.mail a").first.click()
    expect(page.get_by_text("Émilie Durand")).to_be_visible()
    page.get_by_role("button", name="Je confirme ma signature").click()
    expect(page.get_by_role("heading", name="votre signature compte")).to_be_visible()
    page.wait_for_timeout(1200)
    page.goto(f"{site}/fr/appeals/janbolat-mamai")
    assert int(page.locator(".count").inner_text()) == before + 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth") if scripts else True
    assert context.cookies() == []
    assert problems == []
    context.close()


def test_a_keyboard_user_signs(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page.goto(f"{site}/en/appeals/janbolat-mamai")
    page.locator("#name").focus()
    for text in ("Ann Other", "ann@mail.example"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type("Fran")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="look at your mail")).to_be_visible()
    page.close()


def test_every_page_fits_a_phone_in_both_directions(browser: Browser, site: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport=PHONE)
    for locale in ("fr", "ar"):
        for path in (
            "",
            "appeals/janbolat-mamai",
            "appeals/janbolat-mamai/act",
            "appeals/janbolat-mamai/progress",
            "new-link",
        ):
            page.goto(f"{site}/{locale}/{path}")
            page.screenshot(path=tmp_path / "page.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (locale, path)
    page.close()
