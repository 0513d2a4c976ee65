"""A letter-writing marathon on a phone: one person signs ten appeals and confirms them by one link."""

from __future__ import annotations

import json
import time
import urllib.request
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.config import ROOT
from tests.browser.conftest import mails_of
from tests.conftest import link_of
from tests.deploy.processes import flask

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Site = tuple[str, dict[str, str]]
SIGNER = "marathon@mail.example"
PHONE = {"width": 390, "height": 844}
HEADLINE = "LIBÉREZ JANBOLAT MAMAÏ, EMPRISONNÉ POUR SES OPINIONS"


@pytest.fixture(scope="module")
def slugs(demonstration: Site, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the slugs of ten open appeals, each with a headline of its own."""
    text = (ROOT / "examples" / "janbolat-mamai.fr.md").read_text(encoding="utf-8")
    assert HEADLINE in text
    document, slugs_made = tmp_path_factory.mktemp("documents") / "case.md", []
    for number in range(10):
        document.write_text(text.replace(HEADLINE, f"{HEADLINE} ({number})"), encoding="utf-8")
        slugs_made.append(f"marathon-{number}")
        flask(demonstration[1], "appeal", "import", str(document), "--slug", slugs_made[-1], "--deadline", "2099-01-01",
              "--publish")  # fmt: skip
    return slugs_made


def signer_mails(environ: dict[str, str]) -> list[EmailMessage]:
    """Return the signer's mails, the oldest first."""
    mails = [mail for mail in mails_of(environ) if mail["To"] == SIGNER]
    return sorted(mails, key=lambda mail: mail["Date"].datetime)


def mails_once_complete(environ: dict[str, str]) -> list[EmailMessage]:
    """Wait until the workers have sent no mail for four seconds; return the signer's mails."""
    end, since, before = time.monotonic() + 60, time.monotonic(), len(signer_mails(environ))
    while time.monotonic() < end and (not before or time.monotonic() - since < 4):
        time.sleep(0.2)
        if (now := len(signer_mails(environ))) != before:
            before, since = now, time.monotonic()
    return signer_mails(environ)


def sign(page: Page, address: str, slug: str) -> None:
    """Fill in the form and send it."""
    page.goto(f"{address}/fr/appeals/{slug}")
    page.locator("#name").fill("Jeanne Martin")
    page.locator("#email").fill(SIGNER)
    page.locator("#country").select_option("FR")
    page.locator("#consent").check()
    page.locator("#form button").click()
    expect(page.get_by_role("heading", name="regardez vos courriels")).to_be_visible()


def count_signatures(address: str, slug: str) -> int:
    """Return the number of signatures in the public API."""
    with urllib.request.urlopen(f"{address}/api/v1/appeals/{slug}", timeout=10) as answer:
        return int(json.load(answer)["counts"]["signatures"])


def test_ten_appeals_are_confirmed_by_one_link_of_at_most_three_mails(
    browser: Browser, demonstration: Site, slugs: list[str]
) -> None:
    address, environ = demonstration
    context = browser.new_context(viewport=PHONE, locale="fr")  # type: ignore[arg-type]
    page = context.new_page()
    for slug in slugs:
        sign(page, address, slug)
    mails = mails_once_complete(environ)
    assert 1 <= len(mails) <= 3
    assert [count_signatures(address, slug) for slug in slugs] == [0] * 10
    # The link of the oldest mail, which was sent before most forms.
    link = address + link_of(mails[0])
    page.goto(link)
    tick_boxes = page.locator("input[name=appeal]")
    assert sorted(element.get_attribute("value") or "" for element in tick_boxes.all()) == sorted(slugs)
    assert all(element.is_checked() for element in tick_boxes.all())
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmez vos signatures")
    consents = page.locator("input[name=updates], input[name=share_name]")
    expect(consents).to_have_count(2)
    assert not any(element.is_checked() for element in consents.all()), "consents are not ticked beforehand"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Confirmer ce qui est coché").click()
    expect(page.get_by_role("heading", name="votre signature compte")).to_be_visible()
    end = time.monotonic() + 10
    while [count_signatures(address, slug) for slug in slugs] != [1] * 10:
        assert time.monotonic() < end, "a count may be a second old"
        time.sleep(0.3)
    # Each link of the other mails leads to the confirmed signatures.
    for mail in mails[1:]:
        page.goto(address + link_of(mail))
        expect(page.locator("input[name=appeal]")).to_have_count(0)
    context.close()
