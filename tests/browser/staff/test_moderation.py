"""Letters from a stall, a paper sheet typed by keyboard, and a flood taken out of the counts, in a browser."""

from __future__ import annotations

import mailbox
import time
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.staff.test_staff import PASSWORD, looked_at, set_up_second_factor
from tests.conftest import link_of
from tests.deploy.processes import flask, post_form

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
APPEAL = "/staff/appeals/janbolat-mamai"


def links_to(environ: dict[str, str], domain: str, number: int) -> list[str]:
    """The links of so many mails to that domain, once they have come."""
    box = mailbox.Maildir(environ["TOCSIN_MAIL_URL"].removeprefix("maildir:"))
    end, found = time.monotonic() + 60, dict[str, str]()
    while len(found) < number:
        assert time.monotonic() < end, f"{len(found)} mails came within a minute"
        time.sleep(0.2)
        for mail in (message_from_bytes(box.get_bytes(key), policy=policy.default) for key in list(box.keys())):
            if mail["To"].endswith(domain):
                found[mail["To"]] = link_of(mail)
    return list(found.values())


@pytest.fixture(scope="module")
def desk(browser: Browser, demonstration: tuple[str, dict[str, str]]) -> Page:
    """An editor's browser, logged in."""
    address, environ = demonstration
    page = browser.new_context(locale="en", base_url=address).new_page()
    printed = flask(
        environ, "staff", "add", "ed@staff.example", "--section", "fr", "--role", "editor", "--locale", "en"
    )
    page.goto(printed.strip())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open my account").click()
    page.get_by_label("Your e-mail address").fill("ed@staff.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    set_up_second_factor(page)
    expect(page.get_by_role("heading", name="Appeals", exact=True)).to_be_visible()
    return page


def test_letters_are_entered_doubted_confirmed_and_undone(desk: Page) -> None:
    desk.goto(APPEAL)
    desk.get_by_role("link", name="Letters written elsewhere").click()
    desk.get_by_label("How many").fill("5000")
    desk.get_by_label("Place").fill("Lyon")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("more than ten times what your section usually enters")).to_be_visible()
    looked_at(desk, "entries-doubted")
    desk.get_by_label("Yes, it is right.").check()
    desk.get_by_role("button", name="Count it").click()
    expect(desk.get_by_text("counted once somebody else has confirmed it")).to_be_visible()
    expect(desk.get_by_text("not counted yet")).to_be_visible()
    looked_at(desk, "entries")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.get_by_text("undone by ed@staff.example")).to_be_visible()
    looked_at(desk, "entries-undone")


def test_a_sheet_is_typed_by_keyboard_alone(desk: Page) -> None:
    desk.goto(f"{APPEAL}/sheet")
    looked_at(desk, "sheet")
    desk.locator("#name-0").focus()
    for name, email in (("Ana Ruiz", "ana@mail.example"), ("Jean Martin", "")):
        desk.keyboard.type(name)
        desk.keyboard.press("Tab")
        desk.keyboard.type(email)
        for key in ("Tab", "Tab", "Space", "Enter"):
            desk.keyboard.press(key)
    expect(desk.locator("#name-2")).to_be_focused()
    desk.get_by_role("button", name="Check the rows").last.click()
    looked_at(desk, "sheet-preview", "Is this right?")
    desk.get_by_role("button", name="Enter the sheet").click()
    expect(desk.get_by_text("1 signer will be asked by mail to confirm. Counted: 1.")).to_be_visible()


def test_a_flood_is_seen_looked_at_taken_out_and_put_back(
    desk: Page, demonstration: tuple[str, dict[str, str]]
) -> None:
    address, environ = demonstration
    for letter in "ABCDEFGHIJKL":
        fields = {"name": f"Bot {letter}", "email": f"bot{letter}@spam.example", "country": "FR", "consent": "y"}
        post_form(f"{address}/en/appeals/janbolat-mamai/sign", fields)
    # What waits for its mailbox no staff see: these confirm.
    for link in links_to(environ, "@spam.example", 12):
        post_form(address + link, {})
    desk.goto("/staff/")
    desk.get_by_role("link", name="Moderation").click()
    looked_at(desk, "moderation", "Moderation")
    desk.locator("#why-domain").fill("to see whether it is a flood")
    desk.get_by_role("button", name="Look at them: spam.example").click()
    desk.get_by_text("Show the first of them").click()
    desk.get_by_label("What you need the names and addresses for").fill("to see whether it is a flood")
    desk.get_by_role("button", name="Show names and addresses").click()
    expect(desk.get_by_text("botL@spam.example")).to_be_visible()
    looked_at(desk, "invalidation-preview", "Signatures out of the counts")
    desk.get_by_label("Reason").fill("a flood")
    desk.get_by_role("button", name="Take 12 signatures out of the counts").click()
    expect(desk.get_by_role("button", name="Put 12 signatures back")).to_be_visible()
    looked_at(desk, "invalidation-done")
    desk.get_by_label("Reason").fill("it was a school")
    desk.get_by_role("button", name="Put 12 signatures back").click()
    expect(desk.get_by_text("put back")).to_be_visible()
    looked_at(desk, "invalidation-undone")
