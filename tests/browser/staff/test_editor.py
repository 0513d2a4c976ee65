"""Two people prepare and publish an appeal in their browsers; each page is checked by axe at both widths."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

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


def test_a_pasted_page_is_sent_with_its_links_until_the_text_is_changed(editor: Page) -> None:
    editor.goto("/staff/appeals")
    editor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.get_by_text("Or paste its text").click()
    area, sent = editor.get_by_label("Pasted text"), editor.locator("#pasted_html")
    copied = '<p>Write to <a href="mailto:a@b.example">the minister</a></p>'
    editor.evaluate(
        """html => navigator.clipboard.write([new ClipboardItem({
        "text/html": new Blob([html], {type: "text/html"}),
        "text/plain": new Blob(["Write to the minister"], {type: "text/plain"}),
        })])""",
        copied,
    )
    area.press("Control+v")
    expect(area).to_have_value("Write to the minister")
    expect(sent).to_have_value(re.compile(r'href="mailto:a@b.example"'))
    check_page(editor, "paste")
    area.press("End")
    area.press("x")
    expect(sent).to_have_value("")
    area.fill("")
    area.press("Control+v")
    area.press("Control+v")
    expect(area).to_have_value("Write to the minister" * 2)
    expect(sent).to_have_value("")


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


THREE_TARGETS = """UA: 98/26 Index: AMR 23/9098/2026 Colombia Date: 20 February 2026

# URGENT ACTION

## LAWYER HELD WITHOUT CHARGE

**Inés Prado Luz, a lawyer, has been held for two weeks. She must be released.**

**TAKE ACTION: WRITE AN APPEAL IN YOUR OWN WORDS OR USING THIS MODEL LETTER**

**Minister of Justice**
Tomás Vela Cruz
Calle Ejemplo 1
Bogotá, Colombia
Email: minister@justice.example

**Attorney General**
Lucía Rey Paz
Carrera Muestra 9
Bogotá, Colombia
Fax: +57 1 555 0100

**Governor of the Prison**
Avenida Prueba 4
Cali, Colombia
Email: governor@prison.example

*Dear Minister,*

*I am concerned about Inés Prado Luz.*

***I ask you to release her at once.***

*Yours sincerely,*

## ADDITIONAL INFORMATION

{background}

**PREFERRED LANGUAGE TO ADDRESS TARGET:** Spanish

**PLEASE TAKE ACTION AS SOON AS POSSIBLE UNTIL:** 12 April 2099

**NAME AND PREFERRED PRONOUN:** Inés Prado Luz (she/her)
"""


def tab_to(page: Page, element: Locator, most: int = 400) -> None:
    """Press Tab until the element has the focus, as a person without a mouse does."""
    for _ in range(most):
        if element.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{element} is not reached by the keyboard")


def press(page: Page, role: Literal["button", "link"], name: str) -> None:
    """Go to the first button or link of that name by the keyboard, and press Enter."""
    tab_to(page, page.get_by_role(role, name=name).first)
    page.keyboard.press("Enter")


def choose(page: Page, select: Locator, label: str, group: str) -> None:
    """Choose the option of that label in that group by the keyboard."""
    tab_to(page, select)
    place = select.evaluate(
        "(each, [label, group]) => [...each.options].findIndex("
        "option => option.label === label && option.parentElement.label === group)",
        [label, group],
    )
    for _ in range(place):
        page.keyboard.press("ArrowDown")
    expect(select.locator("option:checked")).to_have_text(label)


def test_three_targets_are_published_by_keyboard_only(editor: Page, coordinator: Page, tmp_path: Path) -> None:
    background = "\n\n".join(
        f"The court of the district has postponed the hearing {count} times." for count in range(40)
    )
    document = tmp_path / "three.md"
    document.write_text(THREE_TARGETS.format(background=background), encoding="utf-8")
    began_at = time.monotonic()
    editor.goto("/staff/appeals")
    tab_to(editor, editor.get_by_label("Document"))
    with editor.expect_file_chooser() as chooser:
        editor.keyboard.press("Space")
    chooser.value.set_files(document)
    press(editor, "button", "Read the document")
    expect(editor.get_by_role("heading", level=1)).to_have_text("Document and result")
    # One line is moved: the number is a telephone's.
    line = editor.locator(".marked-lines > li", has_text="Fax: +57 1 555 0100")
    tab_to(editor, line.locator("summary"))
    editor.keyboard.press("Enter")
    choose(editor, line.locator("select"), "Telephone", "Target 2")
    editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    expect(editor.get_by_text("Moved.")).to_be_visible()
    expect(editor.locator("#field-2-phones dd")).to_have_text("+57 1 555 0100")
    while (forms := editor.locator("form.confirm")).count():
        count = forms.count()
        for box in forms.first.get_by_role("checkbox").all():
            tab_to(editor, box)
            editor.keyboard.press("Space")
        tab_to(editor, forms.first.get_by_role("button"))
        editor.keyboard.press("Enter")
        expect(editor.locator("form.confirm")).to_have_count(count - 1)
    assert editor.locator(".confirmed").count() == 3
    press(editor, "link", "To publishing")
    expect(editor.get_by_text("Nothing is missing.")).to_be_visible()
    press(editor, "button", "Ask for it to be published")
    expect(editor.get_by_text("asked on")).to_be_visible()
    coordinator.goto("/staff/appeals/ua-98-26/edit")
    press(coordinator, "button", "Publish")
    expect(coordinator.get_by_text("It is public now.")).to_be_visible()
    assert time.monotonic() - began_at < 300


def test_scripts_save_clicks_when_lines_move(editor: Page, tmp_path: Path) -> None:
    document = tmp_path / "again.md"
    text = THREE_TARGETS.format(background="A short one.").replace("98/26", "97/26")
    document.write_text(text, encoding="utf-8")
    editor.goto("/staff/appeals")
    editor.get_by_label("Document").set_input_files(document)
    editor.get_by_role("button", name="Read the document").click()
    here = editor.get_by_role("button", name="Make a new target of the ticked lines")
    expect(here).to_be_hidden()
    ticks = editor.locator(".marked-lines [name=lines]")
    first = editor.locator(".marked-lines > li", has_text="Governor of the Prison").locator("input")
    last = editor.locator(".marked-lines > li", has_text="governor@prison.example").locator("input")
    first.check()
    last.click(modifiers=["Shift"])
    assert ticks.evaluate_all("all => all.filter(each => each.checked).length") == 4
    here.click()
    expect(editor.get_by_role("heading", name="Target 4: Governor of the Prison")).to_be_visible()
    check_page(editor, "moved")
    editor.locator(".move-bar").get_by_role("button").click()
    expect(editor.get_by_text("Choose at least one line.")).to_be_visible()
    check_page(editor, "refused")
