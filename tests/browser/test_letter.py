"""The letter's pages in a browser: without scripts, with a keyboard only, and checked by axe in every language."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from campaign.config import LOCALES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SLUG = "janbolat-mamai"


@pytest.fixture(scope="module")
def act(browser: Browser, site: str) -> str:
    """Sign and confirm without scripts or images; return the path of the act page without its locale."""
    context = browser.new_context(java_script_enabled=False)
    context.route(re.compile(r"\.(svg|png)(\?|$)"), lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{site}/en/appeals/{SLUG}")
    page.get_by_label("Your name").fill("Ann Other")
    page.get_by_label("Your e-mail address").fill("ann@mail.example")
    page.get_by_label("Your country").select_option("FR")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="I sign").click()
    for _ in range(20):
        page.goto(f"{site}/dev/mail")
        if page.get_by_role("link", name="Please confirm").count():
            break
        page.wait_for_timeout(500)
    page.get_by_role("link", name="Please confirm").first.click()
    page.locator("pre.mail a").first.click()
    page.get_by_role("button", name="Confirm my signature").click()
    expect(page.get_by_role("heading", name="your signature counts")).to_be_visible()
    path = page.url.removeprefix(f"{site}/en/")
    context.close()
    return path


def test_without_scripts_and_images_an_own_letter_can_be_sent(browser: Browser, site: str, act: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.route(re.compile(r"\.(svg|png)(\?|$)"), lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{site}/en/{act}")
    expect(page.get_by_role("button", name=re.compile("Copy"))).to_have_count(0)
    mail = unquote(page.get_by_role("link", name="Write the mail").get_attribute("href") or "")
    assert mail.endswith("\r\nAnn Other")
    page.get_by_role("button", name="I have done it: By post").first.click()
    expect(page.locator("#letter").first).to_contain_text("Counted, thank you.")
    page.get_by_role("link", name="Write it in your own words").click()
    page.get_by_role("link", name="Start from this letter").click()
    expect(page.get_by_role("textbox", name="Your letter")).to_have_value(re.compile("Ann Other$"))
    page.get_by_role("textbox", name="Your letter").fill("My own words.\n\nAnn")
    page.get_by_role("button", name="Make the mail of it").click()
    expect(page.get_by_role("textbox", name="Your letter")).to_have_value("My own words.\n\nAnn")
    assert unquote(page.get_by_role("link", name="Write the mail").get_attribute("href") or "").endswith(
        "body=My own words.\r\n\r\nAnn"
    )
    page.get_by_role("button", name="Mail it to me").click()
    expect(page.get_by_role("status")).to_have_text("It is on its way to your address.")
    assert context.cookies() == []
    context.close()


def test_with_a_keyboard_only_a_letter_is_reported_without_a_signature(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{site}/en/appeals/{SLUG}/act")
    _tab_to(page, "#country")
    page.keyboard.type("Germ")
    _tab_to(page, ".choose button")
    page.keyboard.press("Enter")
    expect(page.locator("#country")).to_have_value("DE")
    _tab_to(page, "#fax form button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Counted, thank you.")
    expect(page).to_have_url(re.compile(r"country=DE&done=fax-1\.\d+\.[\w-]+#fax$"))
    page.close()


def test_with_scripts_letter_address_and_subject_are_copied(browser: Browser, site: str, act: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{site}/en/{act}")
    page.get_by_text("Copy the letter").first.click()
    page.get_by_role("button", name="Copy the letter").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).endswith("Ann Other")
    for label, line, copied in (
        ("Copy the address", "To", "president@akorda.example"),
        ("Copy the subject", "Subject", "FREE JANBOLAT MAMAÏ, JAILED FOR SPEAKING OUT"),
    ):
        button = page.locator(".fields").get_by_role("button", name=label)
        expect(button).to_have_accessible_description(line)
        button.click()
        expect(page.locator(".fields").get_by_role("button", name=label)).to_have_count(0)
        assert page.evaluate("navigator.clipboard.readText()") == copied
    assert problems == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_in_any_language(browser: Browser, site: str, act: str, width: int, scheme: str) -> None:
    # axe is a foreign script, which the policy refuses to run.
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    paths = (
        f"appeals/{SLUG}/act?country=FR",
        f"appeals/{SLUG}/words",
        act,
        act.replace("/act", "/words") + "?start=model",
        act.replace("/act", "/me"),
    )
    for locale in LOCALES:
        for path in paths:
            page.goto(f"{site}/{locale}/{path}")
            violations = Axe().run(page).response["violations"]
            assert [(violation["id"], violation["nodes"][0]["target"]) for violation in violations] == [], (
                locale,
                path,
            )
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (locale, path)
    context.close()


def test_in_print_only_the_letter_remains(browser: Browser, site: str, act: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/en/{act}")
    page.emulate_media(media="print")
    expect(page.locator("#text")).to_be_visible()
    for part in (".steps", "header.top", ".act > header", ".foot", ".noprint"):
        expect(page.locator(part).first).to_be_hidden()
    page.close()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element is focused."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"the Tab key never reaches {selector}")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_letter_covers_nothing_at_any_scroll_position(browser: Browser, site: str, locale: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}/{locale}/appeals/{SLUG}/act?country=FR")
    has_overlap = """() => {
        const letter = document.querySelector(".act > article").getBoundingClientRect();
        return [...document.querySelectorAll(".act > header, .act > .steps")].some(other => {
            const box = other.getBoundingClientRect();
            const isBeside = letter.left >= box.right || letter.right <= box.left;
            return !isBeside && letter.top < box.bottom && letter.bottom > box.top;
        });
    }"""
    for share in (0, 0.2, 0.5, 1):
        page.evaluate("share => scrollTo(0, share * document.body.scrollHeight)", share)
        assert not page.evaluate(has_overlap), f"{share} of the page down"
    page.close()
