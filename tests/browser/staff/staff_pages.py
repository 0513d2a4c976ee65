"""Helpers of the browser tests of the staff pages: an account that is logged in, and a check of the current page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from passlib.totp import TOTP
from playwright.sync_api import Browser, Page, expect

from tests.deploy.processes import flask

PASSWORD = "four words put together"
WIDTHS = (390, 1280)


def check_page(page: Page, name: str, heading: str = "") -> None:
    """Check that axe finds nothing on the page and that it fits a phone and a desktop window.

    After a click or a key, pass the heading of the next page, so that the check waits until that page is shown.
    """
    if heading:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        result = Axe().run(page)
        assert result.violations_count == 0, f"{name}: {result.generate_report()}"
        excess_pixels = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert excess_pixels <= 0, f"{name} is {excess_pixels} pixels wider than {width}"


def confirm_draft(page: Page) -> None:
    """Tick each doubt on the draft's page, and confirm all doubts and targets."""
    while (forms := page.locator("form.confirm")).count():
        for box in forms.first.get_by_role("checkbox").all():
            box.check()
        forms.first.get_by_role("button").click()
        expect(page.get_by_text("Confirmed.", exact=True)).to_be_visible()


def set_up_second_factor(page: Page) -> None:
    """Set up an authenticator app, which every role except viewer needs at the first log-in."""
    page.get_by_role("button", name="Show me the key").click()
    key = page.locator(".key code").inner_text().replace("-", "")
    page.get_by_label("Six digits").fill(TOTP(key=key, format="base32").generate().token or "")
    page.keyboard.press("Enter")


def open_account(
    browser: Browser, demonstration: tuple[str, dict[str, str]], name: str, role: str, section: str
) -> Page:
    """Invite a member of staff; return a browser that has accepted the invitation and is logged in."""
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
