"""Handover in a browser: of two signers one consents; the list is made and downloaded, and the signer withdraws."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browser.staff.staff_pages import check_page, open_account

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
APPEAL = "/staff/appeals/janbolat-mamai"


def sign(page: Page, name: str, email: str, *, shares: bool) -> None:
    """Sign and confirm as a supporter does, by the mailbox page."""
    page.goto("/en/appeals/janbolat-mamai")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_label("Your country").select_option("FR")
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="I sign").click()
    page.get_by_role("link", name="Open the mailbox").click()
    mail_link = page.get_by_role("row", name=email).get_by_role("link")
    for _ in range(40):
        if mail_link.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    mail_link.first.click()
    page.locator("pre.mail a").first.click()
    if shares:
        page.get_by_label("My name may be on the list").check()
    page.get_by_role("button", name="Confirm my signature").click()
    expect(page.get_by_role("heading", name="your signature counts")).to_be_visible()


def downloaded_file(desk: Page, name: re.Pattern[str]) -> bytes:
    """Click the link; return the content of the downloaded file."""
    with desk.expect_download() as download:
        desk.get_by_role("link", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_a_list_is_made_downloaded_and_left_by_a_signer(
    browser: Browser, demonstration: tuple[str, dict[str, str]]
) -> None:
    supporter = browser.new_context(locale="en", base_url=demonstration[0]).new_page()
    sign(supporter, "Olga Openly", "olga@mail.example", shares=True)
    act_page = supporter.url
    sign(supporter, "Quentin Quietly", "quentin@mail.example", shares=False)
    desk = open_account(browser, demonstration, "bob", "editor", "fr")
    desk.goto(APPEAL)
    desk.get_by_role("link", name="Hand the signatures over").click()
    check_page(desk, "handover-form", "Hand the signatures over")
    desk.get_by_label("What you need them for").fill("For the meeting in May")
    desk.get_by_role("button", name="Make it").click()
    expect(desk.get_by_text("1 name", exact=False)).to_be_visible(timeout=90_000)
    check_page(desk, "handover-made", "Hand the signatures over")
    names, paper = downloaded_file(desk, re.compile(r"-names\.csv$")), downloaded_file(desk, re.compile(r"\.pdf$"))
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
    assert hashlib.sha256(names).hexdigest() in text.replace("\n", "")
    assert "Olga Openly" in text
    assert "Quietly" not in text + names.decode()
    supporter.goto(act_page.replace("/act", "/me"))
    supporter.get_by_role("button", name="Do not hand over my name").click()
    expect(supporter.get_by_role("button", name="My name may be handed over")).to_be_visible()
    desk.goto(f"{APPEAL}/handovers")
    expect(desk.get_by_text("Somebody has left the list since")).to_be_visible()
    check_page(desk, "handover-left", "Hand the signatures over")
    desk.goto(f"{APPEAL}/signatures")
    desk.get_by_role("button", name="Take the file (CSV)").click()
    check_page(desk, "export-fault", "Take signatures out")
    desk.get_by_label("What you need them for").fill("For the meeting in May")
    with desk.expect_download() as download:
        desk.get_by_role("button", name="Take the file (CSV)").click()
    assert "Quentin Quietly" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    desk.goto(f"{APPEAL}/funnel")
    check_page(desk, "signing", "How signing goes")
    expect(desk.get_by_role("cell", name="2", exact=True).first).to_be_visible()
