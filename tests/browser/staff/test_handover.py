"""Handing over in a browser: two sign, one lets the name be handed over; the list is made, fetched, and left."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browser.staff.test_staff import PASSWORD, looked_at, set_up_second_factor
from tests.deploy.processes import flask

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
APPEAL = "/staff/appeals/janbolat-mamai"


def sign(page: Page, name: str, email: str, *, shares: bool) -> None:
    """Signs and confirms as a supporter does, by the mailbox page."""
    page.goto("/en/appeals/janbolat-mamai")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Your country").select_option("FR")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="I sign").click()
    page.get_by_role("link", name="Open the mailbox").click()
    mine = page.get_by_role("row", name=email).get_by_role("link")
    for _ in range(40):
        if mine.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    mine.first.click()
    page.locator("pre.mail a").first.click()
    if shares:
        page.get_by_label("My name may be on the list").check()
    page.get_by_role("button", name="Confirm my signature").click()
    expect(page.get_by_role("heading", name="your signature counts")).to_be_visible()


def fetched(desk: Page, name: re.Pattern[str]) -> bytes:
    """The file behind a link."""
    with desk.expect_download() as download:
        desk.get_by_role("link", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_the_list_is_made_fetched_and_left(browser: Browser, demonstration: tuple[str, dict[str, str]]) -> None:
    address, environ = demonstration
    printed = flask(
        environ, "staff", "add", "bob@staff.example", "--section", "fr", "--role", "editor", "--locale", "en"
    )
    supporter = browser.new_context(locale="en", base_url=address).new_page()
    sign(supporter, "Olga Openly", "olga@mail.example", shares=True)
    mine = supporter.url
    sign(supporter, "Quentin Quietly", "quentin@mail.example", shares=False)
    desk = browser.new_context(locale="en", base_url=address).new_page()
    desk.goto(printed.strip())
    desk.get_by_label("Password").fill(PASSWORD)
    desk.get_by_role("button", name="Open my account").click()
    desk.get_by_label("Your e-mail address").fill("bob@staff.example")
    desk.get_by_label("Password").fill(PASSWORD)
    desk.keyboard.press("Enter")
    set_up_second_factor(desk)
    expect(desk.get_by_role("heading", name="Appeals", exact=True)).to_be_visible()
    desk.goto(APPEAL)
    desk.get_by_role("link", name="Hand the signatures over").click()
    looked_at(desk, "handover-form", "Hand the signatures over")
    desk.get_by_label("What you need them for").fill("For the meeting in May")
    desk.get_by_role("button", name="Make it").click()
    expect(desk.get_by_text("1 name", exact=False)).to_be_visible(timeout=90_000)
    looked_at(desk, "handover-made", "Hand the signatures over")
    names, paper = fetched(desk, re.compile(r"-names\.csv$")), fetched(desk, re.compile(r"\.pdf$"))
    said = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    assert hashlib.sha256(names).hexdigest() in said.replace("\n", "")
    assert "Olga Openly" in said
    assert "Quietly" not in said + names.decode()
    supporter.goto(mine.replace("/act", "/me"))
    supporter.get_by_role("button", name="Do not hand over my name").click()
    expect(supporter.get_by_role("button", name="My name may be handed over")).to_be_visible()
    desk.goto(f"{APPEAL}/handovers")
    expect(desk.get_by_text("Somebody has left the list since")).to_be_visible()
    looked_at(desk, "handover-left", "Hand the signatures over")
    desk.goto(f"{APPEAL}/signatures")
    desk.get_by_role("button", name="Take the file (CSV)").click()
    looked_at(desk, "export-fault", "Take signatures out")
    desk.get_by_label("What you need them for").fill("For the meeting in May")
    with desk.expect_download() as download:
        desk.get_by_role("button", name="Take the file (CSV)").click()
    assert "Quentin Quietly" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    desk.goto(f"{APPEAL}/funnel")
    looked_at(desk, "signing", "How signing goes")
    expect(desk.get_by_role("cell", name="2", exact=True).first).to_be_visible()
