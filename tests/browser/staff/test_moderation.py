"""Bulk entries, a paper sheet typed by keyboard, and the invalidation of a flood, in a browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import mails_of
from tests.browser.staff.staff_pages import check_page, open_account
from tests.conftest import link_of
from tests.deploy.processes import post_form

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
APPEAL = "/staff/appeals/janbolat-mamai"


def confirmation_links(environ: dict[str, str], domain: str, number: int) -> list[str]:
    """Wait for that many mails to the domain; return the link in each."""
    end, found = time.monotonic() + 60, dict[str, str]()
    while len(found) < number:
        assert time.monotonic() < end, f"{len(found)} mails came within a minute"
        time.sleep(0.2)
        for mail in mails_of(environ):
            if mail["To"].endswith(domain):
                found[mail["To"]] = link_of(mail)
    return list(found.values())


@pytest.fixture(scope="module")
def desk(browser: Browser, demonstration: tuple[str, dict[str, str]]) -> Page:
    """Return the browser of a logged-in editor."""
    return open_account(browser, demonstration, "ed", "editor", "fr")


def test_a_large_entry_is_questioned_confirmed_and_undone(desk: Page) -> None:
    desk.goto(APPEAL)
    desk.get_by_role("link", name="Letters written elsewhere").click()
    desk.get_by_label("How many").fill("5000")
    desk.get_by_label("Place").fill("Lyon")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("more than ten times what your section usually enters")).to_be_visible()
    check_page(desk, "entries-doubted")
    desk.get_by_label("Yes, it is right.").check()
    desk.get_by_role("button", name="Count it").click()
    expect(desk.get_by_text("counted once somebody else has confirmed it")).to_be_visible()
    expect(desk.get_by_text("not counted yet")).to_be_visible()
    check_page(desk, "entries")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("undone by ed@staff.example")).to_be_visible()
    check_page(desk, "entries-undone")


def test_a_sheet_is_typed_by_keyboard_only(desk: Page) -> None:
    desk.goto(f"{APPEAL}/sheet")
    check_page(desk, "sheet")
    desk.locator("#name-0").focus()
    for name, email in (("Ana Ruiz", "ana@mail.example"), ("Jean Martin", "")):
        desk.keyboard.type(name)
        desk.keyboard.press("Tab")
        desk.keyboard.type(email)
        for key in ("Tab", "Tab", "Space", "Enter"):
            desk.keyboard.press(key)
    expect(desk.locator("#name-2")).to_be_focused()
    desk.get_by_role("button", name="Check the rows").last.click()
    check_page(desk, "sheet-preview", "Is this right?")
    desk.get_by_role("button", name="Enter the sheet").click()
    expect(desk.get_by_text("1 signer will be asked by mail to confirm. Counted: 1.")).to_be_visible()


def test_a_flood_is_found_invalidated_and_restored(desk: Page, demonstration: tuple[str, dict[str, str]]) -> None:
    address, environ = demonstration
    for letter in "ABCDEFGHIJKL":
        fields = {"name": f"Bot {letter}", "email": f"bot{letter}@spam.example", "country": "FR", "consent": "y"}
        post_form(f"{address}/en/appeals/janbolat-mamai/sign", fields)
    # Staff see confirmed signatures only, so all of these confirm.
    for link in confirmation_links(environ, "@spam.example", 12):
        post_form(address + link, {})
    desk.goto("/staff/")
    desk.get_by_role("link", name="Moderation").click()
    check_page(desk, "moderation", "Moderation")
    desk.locator("#why-domain").fill("to see whether it is a flood")
    desk.get_by_role("button", name="Look at them: spam.example").click()
    desk.get_by_text("Show the first of them").click()
    desk.get_by_label("What you need the names and addresses for").fill("to see whether it is a flood")
    desk.get_by_role("button", name="Show names and addresses").click()
    expect(desk.get_by_text("botL@spam.example")).to_be_visible()
    check_page(desk, "invalidation-preview", "Signatures out of the counts")
    desk.get_by_label("Reason").fill("a flood")
    desk.get_by_role("button", name="Take 12 signatures out of the counts").click()
    expect(desk.get_by_role("button", name="Put 12 signatures back")).to_be_visible()
    check_page(desk, "invalidation-done")
    desk.get_by_label("Reason").fill("it was a school")
    desk.get_by_role("button", name="Put 12 signatures back").click()
    expect(desk.get_by_text("put back")).to_be_visible()
    check_page(desk, "invalidation-undone")
