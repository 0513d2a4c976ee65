"""Two people prepare and publish an appeal in their browsers; each page is checked by axe at both widths."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.config import ROOT
from tests.browser.staff.staff_pages import check_page, confirm_draft, open_account

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
APPEAL = "/staff/appeals/ua-99-26"
Site = tuple[str, dict[str, str]]


@pytest.fixture(scope="module")
def editor(browser: Browser, demonstration: Site) -> Page:
    return open_account(browser, demonstration, "ed", "editor", "fr")


@pytest.fixture(scope="module")
def coordinator(browser: Browser, demonstration: Site) -> Page:
    return open_account(browser, demonstration, "co", "coordinator", "be-fr")


def test_a_document_becomes_a_public_appeal(
    editor: Page, coordinator: Page, demonstration: Site, tmp_path: Path
) -> None:
    text = (ROOT / "examples" / "janbolat-mamai.en.md").read_text(encoding="utf-8")
    text = text.replace("12/22", "99/26").replace("12 May 2022", "12 May 2099").replace("*Yours sincerely,*\n", "")
    document = tmp_path / "case.md"
    document.write_text(text, encoding="utf-8")
    editor.get_by_role("link", name="Prepare").click()
    check_page(editor, "list", "All appeals")
    editor.get_by_label("Document").set_input_files(document)
    editor.get_by_role("button", name="Read the document").click()
    check_page(editor, "comparison", "Document and result")
    editor.get_by_role("link", name="To publishing").first.click()
    check_page(editor, "draft", "FREE JANBOLAT MAMAÏ, JAILED FOR SPEAKING OUT")
    editor.get_by_role("link", name="Edit English").click()
    check_page(editor, "text", "The words in English")
    expect(editor.get_by_text("The letter has no closing words.")).to_be_visible()
    editor.get_by_label("The letter ends with").fill("Yours sincerely,")
    editor.get_by_role("button", name="Keep").click()
    confirm_draft(editor)
    check_page(editor, "confirmed")
    editor.get_by_role("button", name="Ask for it to be published").click()
    expect(editor.get_by_text("asked on")).to_be_visible()
    coordinator.goto("/staff/appeals")
    expect(coordinator.get_by_text("waits to be published")).to_be_visible()
    coordinator.goto(f"{APPEAL}/edit")
    coordinator.get_by_role("button", name="Publish", exact=True).click()
    expect(coordinator.get_by_text("It is public now.")).to_be_visible()
    published_at = time.monotonic()
    public = coordinator.context.browser.new_page() if coordinator.context.browser else coordinator
    while (answer := public.goto(f"{demonstration[0]}/en/appeals/ua-99-26")) is None or answer.status != 200:
        assert time.monotonic() - published_at < 2, "the public page did not show it within 2 seconds"
    expect(public.get_by_role("heading", level=1)).to_contain_text("FREE JANBOLAT MAMAÏ")


PAGES = ("", "/edit", "/comparison", "/texts/en", "/texts/de", "/targets/1", "/targets/0", "/facts", "/texts/en/mail")


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible_at_both_widths(coordinator: Page, path: str) -> None:
    answer = coordinator.goto(APPEAL + path)
    assert answer is not None
    assert answer.status == 200
    check_page(coordinator, path)


def test_the_second_editor_sees_the_text_of_the_first(
    browser: Browser, coordinator: Page, editor: Page, demonstration: Site
) -> None:
    for page in (editor, coordinator):
        page.goto(f"{APPEAL}/texts/en")
    editor.get_by_label("Headline").fill("THEIR HEADLINE")
    editor.get_by_role("button", name="Keep").click()
    expect(editor.get_by_role("heading", level=1)).to_have_text("THEIR HEADLINE")
    coordinator.get_by_label("Headline").fill("MY HEADLINE")
    coordinator.get_by_role("button", name="Keep").click()
    expect(coordinator.get_by_text("Somebody else has changed this")).to_be_visible()
    expect(coordinator.get_by_label("Headline")).to_have_value("MY HEADLINE")
    expect(coordinator.locator(".theirs")).to_contain_text("THEIR HEADLINE")
    check_page(coordinator, "conflict")
    coordinator.get_by_role("button", name="Keep").click()
    expect(coordinator.get_by_role("heading", level=1)).to_have_text("MY HEADLINE")


def test_a_hundred_megabytes_are_refused_by_browser_and_server(editor: Page, tmp_path: Path) -> None:
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


def test_continuation_and_outcome_are_public(coordinator: Page) -> None:
    coordinator.goto(f"{APPEAL}/edit")
    coordinator.get_by_label("goes on with the case").check()
    coordinator.get_by_label("Goes on until").fill("2099-06-30")
    coordinator.locator("form", has=coordinator.get_by_label("Goes on until")).get_by_role("button").click()
    expect(coordinator.get_by_text("goes on until June 30, 2099")).to_be_visible()
    coordinator.get_by_text("Stop it: writing no longer helps").click()
    coordinator.get_by_label("What became of it, in English").fill("He is **free**.")
    coordinator.get_by_role("button", name="Stop it now").click()
    check_page(coordinator, "stopped")
    time.sleep(1)
    coordinator.goto("/en/appeals/ua-99-26")
    expect(coordinator.locator("#outcome + .lead strong")).to_have_text("free")
