"""From the invitation to the first appeal in public, in two people's browsers; each page by axe, at both widths."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.config import ROOT
from tests.browser.staff.test_staff import PASSWORD, looked_at, set_up_second_factor
from tests.deploy.processes import flask

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
AT = "/staff/appeals/ua-99-26"
Site = tuple[str, dict[str, str]]


def enter(browser: Browser, demonstration: Site, name: str, role: str, section: str) -> Page:
    """A browser that has accepted its invitation and is logged in, with a second factor."""
    address, environ = demonstration
    email = f"{name}@staff.example"
    link = flask(environ, "staff", "add", email, "--section", section, "--role", role, "--locale", "en").strip()
    page = browser.new_context(locale="en", base_url=address).new_page()
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open my account").click()
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    set_up_second_factor(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Appeals")
    return page


@pytest.fixture(scope="module")
def editor(browser: Browser, demonstration: Site) -> Page:
    return enter(browser, demonstration, "ed", "editor", "fr")


@pytest.fixture(scope="module")
def coordinator(browser: Browser, demonstration: Site) -> Page:
    return enter(browser, demonstration, "co", "coordinator", "be-fr")


def test_from_the_document_to_the_public(editor: Page, coordinator: Page, demonstration: Site, tmp_path: Path) -> None:
    said = (ROOT / "examples" / "janbolat-mamai.en.md").read_text(encoding="utf-8")
    said = said.replace("12/22", "99/26").replace("12 May 2022", "12 May 2099").replace("*Yours sincerely,*\n", "")
    document = tmp_path / "case.md"
    document.write_text(said, encoding="utf-8")
    editor.get_by_role("link", name="Prepare").click()
    looked_at(editor, "list", "All appeals")
    editor.get_by_label("Document").set_input_files(document)
    editor.get_by_role("button", name="Read the document").click()
    looked_at(editor, "draft", "FREE JANBOLAT MAMAÏ, JAILED FOR SPEAKING OUT")
    editor.get_by_role("link", name="Edit English").click()
    looked_at(editor, "text", "The words in English")
    expect(editor.get_by_text("The letter has no closing words.")).to_be_visible()
    editor.get_by_label("The letter ends with").fill("Yours sincerely,")
    editor.get_by_role("button", name="Keep").click()
    editor.get_by_role("button", name="Ask for it to be published").click()
    expect(editor.get_by_text("asked on")).to_be_visible()
    coordinator.goto("/staff/appeals")
    expect(coordinator.get_by_text("waits to be published")).to_be_visible()
    coordinator.goto(f"{AT}/edit")
    coordinator.get_by_role("button", name="Publish", exact=True).click()
    expect(coordinator.get_by_text("It is public now.")).to_be_visible()
    published_at = time.monotonic()
    public = coordinator.context.browser.new_page() if coordinator.context.browser else coordinator
    while (answer := public.goto(f"{demonstration[0]}/en/appeals/ua-99-26")) is None or answer.status != 200:
        assert time.monotonic() - published_at < 2, "the public page did not show it within 2 seconds"
    expect(public.get_by_role("heading", level=1)).to_contain_text("FREE JANBOLAT MAMAÏ")


PAGES = ("", "/edit", "/texts/en", "/texts/de", "/targets/1", "/targets/0", "/facts", "/texts/en/mail")


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_for_everybody_at_both_widths(coordinator: Page, path: str) -> None:
    answer = coordinator.goto(AT + path)
    assert answer is not None
    assert answer.status == 200
    looked_at(coordinator, path)


def test_the_second_to_write_sees_what_the_first_wrote(
    browser: Browser, coordinator: Page, editor: Page, demonstration: Site
) -> None:
    for page in (editor, coordinator):
        page.goto(f"{AT}/texts/en")
    editor.get_by_label("Headline").fill("THEIR HEADLINE")
    editor.get_by_role("button", name="Keep").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("THEIR HEADLINE")
    coordinator.get_by_label("Headline").fill("MY HEADLINE")
    coordinator.get_by_role("button", name="Keep").click()
    expect(coordinator.get_by_text("Somebody else has changed this")).to_be_visible()
    expect(coordinator.get_by_label("Headline")).to_have_value("MY HEADLINE")
    expect(coordinator.locator(".theirs")).to_contain_text("THEIR HEADLINE")
    looked_at(coordinator, "conflict")
    coordinator.get_by_role("button", name="Keep").click()
    expect(coordinator.get_by_role("heading", level=1)).to_have_text("MY HEADLINE")


def test_a_hundred_megabytes_are_refused_before_and_after_they_are_sent(editor: Page, tmp_path: Path) -> None:
    large = tmp_path / "film.pdf"
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    editor.goto("/staff/appeals")
    editor.get_by_label("Document").set_input_files(large)
    editor.get_by_role("button", name="Read the document").click()
    message = editor.get_by_label("Document").evaluate("one => one.validationMessage")
    assert "2 MB at most" in message
    editor.evaluate("document.querySelector('#document').setCustomValidity('')")
    editor.get_by_role("button", name="Read the document").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("That is too long")


def test_the_end_is_told(coordinator: Page) -> None:
    coordinator.goto(f"{AT}/edit")
    coordinator.get_by_label("goes on with the case").check()
    coordinator.get_by_label("Goes on until").fill("2099-06-30")
    coordinator.locator("form", has=coordinator.get_by_label("Goes on until")).get_by_role("button").click()
    expect(coordinator.get_by_text("goes on until June 30, 2099")).to_be_visible()
    coordinator.get_by_text("Stop it: writing no longer helps").click()
    coordinator.get_by_label("What became of it, in English").fill("He is **free**.")
    coordinator.get_by_role("button", name="Stop it now").click()
    looked_at(coordinator, "stopped")
    time.sleep(1)
    coordinator.goto("/en/appeals/ua-99-26")
    expect(coordinator.locator("#outcome + .lead strong")).to_have_text("free")
