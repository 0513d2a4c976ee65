"""The staff pages in a browser: invitation, log-in, passkey and announcements; each page is checked by axe."""

from __future__ import annotations

import time

import pytest
from passlib.totp import TOTP
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import mails_of
from tests.browser.staff.staff_pages import PASSWORD, check_page
from tests.conftest import link_of
from tests.deploy.processes import flask, post_form

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def desk(browser: Browser, demonstration: tuple[str, dict[str, str]]) -> Page:
    """Return an administrator's browser, shared by the tests in order; by name, as WebAuthn refuses IP addresses."""
    return browser.new_context(locale="en", base_url=demonstration[0].replace("127.0.0.1", "localhost")).new_page()


def test_from_the_invitation_to_the_dashboard(desk: Page, demonstration: tuple[str, dict[str, str]]) -> None:
    printed = flask(demonstration[1], "staff", "add", "ana@staff.example", "--section", "fr", "--role", "admin",
                    "--locale", "en")  # fmt: skip
    desk.goto(printed.strip().replace("127.0.0.1", "localhost"))
    check_page(desk, "invitation", "Your account")
    desk.get_by_label("Password").fill(PASSWORD)
    desk.get_by_role("button", name="Open my account").click()
    check_page(desk, "login", "Log in")
    desk.get_by_label("Your e-mail address").fill("ana@staff.example")
    desk.get_by_label("Password").fill(PASSWORD)
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Your role needs more than a password")).to_be_visible()
    desk.get_by_role("button", name="Show me the key").click()
    check_page(desk, "second-factor", "Second factor")
    key = desk.locator(".key code").inner_text()
    desk.get_by_label("Six digits").fill(TOTP(key=key.replace("-", ""), format="base32").generate().token or "")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name="Appeals", exact=True)).to_be_visible()
    check_page(desk, "dashboard", "Appeals")
    desk.get_by_role("link", name="Make recovery codes now").click()
    desk.get_by_role("button", name="Make new codes").click()
    expect(desk.locator(".codes li")).to_have_count(8)
    check_page(desk, "recovery-codes", "Recovery codes")


def test_a_passkey_is_a_second_factor(desk: Page) -> None:
    session = desk.context.new_cdp_session(desk)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    desk.goto("/staff/wan-register")
    check_page(desk, "passkeys", "Passkeys")
    desk.get_by_label("A name for the new passkey").fill("office key")
    desk.get_by_role("button", name="Add a passkey").click()
    expect(desk.get_by_text("The passkey office key was added")).to_be_visible()
    desk.get_by_role("button", name="Log out").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Log in")
    desk.get_by_label("Your e-mail address").fill("ana@staff.example")
    desk.get_by_label("Password").fill(PASSWORD)
    desk.keyboard.press("Enter")
    check_page(desk, "choose-second-factor", "Second factor")
    desk.get_by_role("button", name="Use a passkey").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Passkey")
    desk.get_by_role("button", name="Use a passkey").click()
    expect(desk.get_by_role("heading", name="Appeals", exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def supporter(demonstration: tuple[str, dict[str, str]]) -> None:
    """Make a supporter who has confirmed and subscribed to updates."""
    address, environ = demonstration
    fields = {"name": "Ada Example", "email": "ada@mail.example", "country": "FR", "consent": "y"}
    post_form(f"{address}/fr/appeals/janbolat-mamai/sign", fields)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for mail in mails_of(environ):
            if mail["To"] == "ada@mail.example":
                post_form(address + link_of(mail), {"updates": "y"})
                return
        time.sleep(0.2)
    raise AssertionError("no mail came within 30 s")


def test_an_announcement_is_drafted_previewed_tested_sent_and_recalled(desk: Page, supporter: None) -> None:
    desk.goto("/staff/appeals/janbolat-mamai")
    desk.get_by_role("link", name="Mail to supporters").click()
    expect(desk.get_by_text("One confirmed signer asked to hear how the case goes on.")).to_be_visible()
    check_page(desk, "announcements", "Mail to supporters")
    desk.get_by_role("link", name="Write to them").click()
    desk.get_by_label("Subject (English)").fill("He is free")
    desk.get_by_role("button", name="Keep the draft and look at it").click()
    expect(desk.get_by_text("Please write what you have to say.")).to_be_visible()
    check_page(desk, "announcement-faults", "Write to supporters")
    desk.get_by_label("Text (English)").fill("He **walked out** this morning.\n\nThank you.")
    desk.get_by_role("button", name="Keep the draft and look at it").click()
    check_page(desk, "announcement", "He is free")
    expect(desk.frame_locator("iframe").get_by_text("walked out")).to_be_visible()
    # Press Enter: a click right after scrolling may reach the frame, which runs in its own process.
    desk.get_by_role("button", name="Send this as a test to me").press("Enter")
    expect(desk.get_by_text("A test is on its way to ana@staff.example.")).to_be_visible()
    desk.get_by_role("button", name="Send it to one person").press("Enter")
    expect(desk.get_by_role("button", name="Take it back")).to_be_visible()
    check_page(desk, "announcement-going")
    desk.get_by_role("button", name="Take it back").press("Enter")
    expect(desk.get_by_text("Taken back: it is a draft again, and nobody has it.")).to_be_visible()
    desk.get_by_role("link", name="Change it").press("Enter")
    check_page(desk, "announcement-edit", "Change the draft")


def test_a_wrong_address_leads_to_the_appeals(desk: Page) -> None:
    desk.goto("/staff/nowhere")
    check_page(desk, "nowhere")
    desk.get_by_role("main").get_by_role("link", name="Appeals").click()
    expect(desk.get_by_role("heading", name="Appeals", exact=True)).to_be_visible()
