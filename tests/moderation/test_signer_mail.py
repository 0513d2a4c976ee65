"""Staff see why a signer's mail was not delivered and resend it, in their own section and without the name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.staff.roles import Role
from campaign.models import AuditEntry, Mail, Signature, Suppression
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import START, Postbox, confirm_newest, form
from tests.staff.staff_clients import csrf, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

REFUSED = DeliveryAttempt(DeliveryOutcome.DEAD, "rcpt", 552, "5.2.2 the box is full")


@dataclass(frozen=True)
class SignerMail:
    """A confirmed signer whose thank-you mail was not delivered, and the page about it."""

    browser: FlaskClient
    signature_id: int

    @property
    def path(self) -> str:
        return f"/staff/moderation/signatures/{self.signature_id}/mails"

    def mail(self) -> Mail:
        """Return the newest mail, read again."""
        db.session.rollback()
        return db.session.scalars(
            select(Mail).where(Mail.signature_id == self.signature_id).order_by(Mail.id.desc())
        ).all()[0]

    def press(self, page: TestResponse) -> TestResponse:
        """Press the button beside the newest mail that has one; return the response."""
        match = re.search(r'action="([^"]+/mails/\d+)".*?name="seen" value="(\d+)"', page.text)
        assert match, page.text
        return self.browser.post(match[1], data={"seen": match[2], "csrf_token": csrf(page)})


@pytest.fixture
def signer_mail(app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> SignerMail:
    browser = staff_client(app, Role.EDITOR)
    deliver()  # the mail about the new log-in
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form())
    deliver()
    client.post(postbox.link())
    signature = db.session.scalars(select(Signature.id)).one()
    postbox.answers = [REFUSED]
    deliver()
    db.session.rollback()
    return SignerMail(browser, signature)


def test_the_reason_is_shown_and_the_mail_resent(signer_mail: SignerMail, deliver: Any, postbox: Postbox) -> None:
    page = signer_mail.browser.get(signer_mail.path)
    assert "the box is full" in page.text
    assert "552" in page.text
    first = postbox.messages[-1]
    assert signer_mail.press(page).location == signer_mail.path
    assert deliver() == {"sent": 1}
    assert postbox.messages[-1]["Message-ID"] == first["Message-ID"], "the same message"
    second_answer = signer_mail.browser.get(signer_mail.path)
    assert "Send again</button>" not in second_answer.text
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).all()[0]
    assert (entry.act, entry.section_code) == ("mail.resend", "fr")
    assert entry.staff_id is not None


def test_the_page_shows_no_name(signer_mail: SignerMail) -> None:
    page = signer_mail.browser.get(signer_mail.path).text
    assert "Jeanne" not in page
    assert "jeanne" not in page


def test_the_search_results_link_to_the_mails(signer_mail: SignerMail) -> None:
    moderation = signer_mail.browser.get("/staff/moderation")
    data = {"who": "jeanne@mail.example", "reason": "she wrote a letter", "csrf_token": csrf(moderation)}
    assert f'href="{signer_mail.path}"' in signer_mail.browser.post("/staff/moderation/search", data=data).text


def test_an_outdated_page_resends_nothing(signer_mail: SignerMail, deliver: Any) -> None:
    page = signer_mail.browser.get(signer_mail.path)
    assert signer_mail.press(page).status_code == 303
    assert signer_mail.press(page).status_code == 409
    assert deliver() == {"sent": 1}
    assert signer_mail.press(page).status_code == 409
    assert deliver() == {}


@pytest.mark.parametrize(
    ("state", "detail", "words"),
    [
        ("suppressed", "this mailbox got 3 mails within 24 hours", "had as many mails as may go to one"),
        ("suppressed", "flagged: burst", "part of a flood"),
        ("suppressed", "the appeal was stopped", "The appeal was stopped"),
        ("unknown", "the worker broke off", "It may arrive twice"),
    ],
)
def test_each_reason_is_explained(signer_mail: SignerMail, deliver: Any, state: str, detail: str, words: str) -> None:
    mail = signer_mail.mail().id
    db.session.execute(update(Mail).where(Mail.id == mail).values(state=state, phase="before", detail=detail))
    db.session.commit()
    page = signer_mail.browser.get(signer_mail.path)
    assert words in page.text
    assert signer_mail.press(page).status_code == 303
    assert deliver() == {"sent": 1}


def test_an_ineligible_mail_is_not_resent(signer_mail: SignerMail, deliver: Any) -> None:
    mail = signer_mail.mail()
    where = Mail.id == mail.id
    db.session.execute(update(Mail).where(where).values(state="suppressed", phase="before", detail="erased"))
    db.session.execute(update(Signature).values(name_sealed=None, email_sealed=None))
    db.session.commit()
    assert signer_mail.press(signer_mail.browser.get(signer_mail.path)).status_code == 303
    assert deliver() == {"suppressed": 1}
    assert "were erased" in signer_mail.browser.get(signer_mail.path).text
    assert db.session.scalars(select(Suppression)).all() == []


def test_another_section_gets_a_404(app: Flask, signer_mail: SignerMail) -> None:
    other = staff_client(app, Role.COORDINATOR, "be-nl")
    assert other.get(signer_mail.path).status_code == 404
    mail = signer_mail.mail()
    data = {"seen": str(mail.fence), "csrf_token": csrf(other.get("/staff/account"))}
    assert other.post(f"{signer_mail.path}/{mail.id}", data=data).status_code == 404
    assert signer_mail.mail().state == "dead"


def test_a_mail_of_another_signer_cannot_be_resent(
    app: Flask, signer_mail: SignerMail, client: FlaskClient, appeal: AppealView
) -> None:
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="be@mail.example", country="BE"))
    theirs = confirm_newest(START)
    assert theirs != signer_mail.signature_id
    db.session.execute(update(Mail).where(Mail.signature_id == theirs).values(state="dead"))
    db.session.commit()
    foreign = db.session.scalars(select(Mail.id).where(Mail.signature_id == theirs)).first()
    db.session.rollback()
    data = {"seen": "0", "csrf_token": csrf(signer_mail.browser.get(signer_mail.path))}
    assert signer_mail.browser.post(f"{signer_mail.path}/{foreign}", data=data).status_code == 404
    assert set(db.session.scalars(select(Mail.state).where(Mail.signature_id == theirs))) == {"dead"}


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 40])
def test_an_invalid_form_resends_nothing(signer_mail: SignerMail, deliver: Any, seen: str) -> None:
    data = {"seen": seen, "csrf_token": csrf(signer_mail.browser.get(signer_mail.path))}
    assert signer_mail.browser.post(f"{signer_mail.path}/{signer_mail.mail().id}", data=data).status_code == 409
    assert deliver() == {}


def test_coordinators_see_why_mail_was_suppressed(app: Flask, signer_mail: SignerMail) -> None:
    reason = "this mailbox got 3 mails within 24 hours"
    db.session.execute(update(Mail).values(state="suppressed", phase="before", detail=reason))
    db.session.commit()
    page = staff_client(app, Role.COORDINATOR, "be-nl").get("/staff/outbox").text
    assert "had as many mails as may go to one" in page
