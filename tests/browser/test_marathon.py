"""A marathon on a phone: one person signs ten appeals, and one link of few mails confirms them all."""

from __future__ import annotations

import json
import mailbox
import time
import urllib.request
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, expect

from campaign.config import ROOT
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
    said = (ROOT / "examples" / "janbolat-mamai.fr.md").read_text(encoding="utf-8")
    assert HEADLINE in said
    document, made = tmp_path_factory.mktemp("documents") / "case.md", []
    for number in range(10):
        document.write_text(said.replace(HEADLINE, f"{HEADLINE} ({number})"), encoding="utf-8")
        made.append(f"marathon-{number}")
        flask(demonstration[1], "appeal", "import", str(document), "--slug", made[-1], "--deadline", "2099-01-01",
              "--publish")  # fmt: skip
    return made


def mails(environ: dict[str, str]) -> list[EmailMessage]:
    """Return the signer's mails, the oldest first."""
    box = mailbox.Maildir(environ["TOCSIN_MAIL_URL"].removeprefix("maildir:"))
    found = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in sorted(box.keys())]
    return sorted((one for one in found if one["To"] == SIGNER), key=lambda one: one["Date"].datetime)


def settled(environ: dict[str, str]) -> list[EmailMessage]:
    """The signer's mails once the workers, who look each second, have sent none for four."""
    end, since, before = time.monotonic() + 60, time.monotonic(), len(mails(environ))
    while time.monotonic() < end and (not before or time.monotonic() - since < 4):
        time.sleep(0.2)
        if (now := len(mails(environ))) != before:
            before, since = now, time.monotonic()
    return mails(environ)


def sign(page: Page, address: str, slug: str) -> None:
    """Fill in the form and send it."""
    page.goto(f"{address}/fr/appeals/{slug}")
    page.locator("#name").fill("Jeanne Martin")
    page.locator("#email").fill(SIGNER)
    page.locator("#country").select_option("FR")
    page.locator("#consent").check()
    page.locator("#form button").click()
    expect(page.get_by_role("heading", name="regardez vos courriels")).to_be_visible()


def signatures(address: str, slug: str) -> int:
    """Return the number of signatures in the public API."""
    with urllib.request.urlopen(f"{address}/api/v1/appeals/{slug}", timeout=10) as answer:
        return int(json.load(answer)["counts"]["signatures"])


def test_ten_appeals_are_confirmed_by_one_link_of_three_mails(
    browser: Browser, demonstration: Site, slugs: list[str]
) -> None:
    address, environ = demonstration
    context = browser.new_context(viewport=PHONE, locale="fr")  # type: ignore[arg-type]
    page = context.new_page()
    for slug in slugs:
        sign(page, address, slug)
    got = settled(environ)
    assert 1 <= len(got) <= 3
    assert [signatures(address, slug) for slug in slugs] == [0] * 10
    # The oldest: it was written when least was known.
    link = address + link_of(got[0])
    page.goto(link)
    ticks = page.locator("input[name=appeal]")
    assert sorted(one.get_attribute("value") or "" for one in ticks.all()) == sorted(slugs)
    assert all(one.is_checked() for one in ticks.all())
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmez vos signatures")
    wishes = page.locator("input[name=updates], input[name=share_name]")
    expect(wishes).to_have_count(2)
    assert not any(one.is_checked() for one in wishes.all()), "asked for here, and by nobody ticked beforehand"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Confirmer ce qui est coché").click()
    expect(page.get_by_role("heading", name="votre signature compte")).to_be_visible()
    end = time.monotonic() + 10
    while [signatures(address, slug) for slug in slugs] != [1] * 10:
        assert time.monotonic() < end, "a count may be a second old"
        time.sleep(0.3)
    # Every link of these mails leads to what it became.
    for one in got[1:]:
        page.goto(address + link_of(one))
        expect(page.locator("input[name=appeal]")).to_have_count(0)
    context.close()
