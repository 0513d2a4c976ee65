"""Addresses of targets and of the application itself: the answer is the same as for others, and no mail is sent."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from campaign.document import parse_text
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.staff.roles import Role
from campaign.models import FunnelCount, Mail, Signature, Target
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.web.public.signing.sign import TARGET_MAILBOXES
from tests.conftest import DOCUMENT, Postbox, clear_caches, context, form
from tests.offline.sheets import enter_rows, sign_waiting_rows
from tests.platform.statements import recorded_statements
from tests.staff.staff_clients import csrf, staff_client

URL = "/en/appeals/ana-ruiz-vega/sign"
TARGET_EMAIL, OTHER_TARGET_EMAIL = "ministro@interior.gob.example", "embajada@elsewhere.example"
REFUSED_EMAILS = [
    TARGET_EMAIL,
    TARGET_EMAIL.upper(),
    "ministro+a@interior.gob.example",
    "minis.tro@interior.gob.example",
    OTHER_TARGET_EMAIL,
    "{sender}",
    "{tagged}",
    "bounce@{bounces}",
    "bounce+12.abcdefghijklmnop@{bounces}",
    "Bounce+x@{bounces}",
]


@pytest.fixture
def appeal_with_targets(app: Flask, appeal: AppealView) -> AppealView:
    """Return the appeal with a target of that address; another appeal has the other target."""
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="another"), context=context()).slug
    publish(slug, context=context())
    db.session.execute(update(Target).where(Target.appeal_id == appeal.id).values(emails=[TARGET_EMAIL]))
    db.session.execute(update(Target).where(Target.appeal_id != appeal.id).values(emails=[OTHER_TARGET_EMAIL.title()]))
    db.session.commit()
    clear_caches(app)
    app.extensions.pop(TARGET_MAILBOXES, None)
    return appeal


def comparable_answer(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    headers = sorted((name, value) for name, value in answer.headers if not name.startswith("X-RateLimit"))
    return answer.status_code, answer.data, headers


def resolved(email: str) -> str:
    """Return the address with the values of the settings filled in."""
    settings = runtime().settings
    sender = settings.mail_from.rpartition("<")[2].rstrip(">")
    local, _, domain = sender.partition("@")
    return email.format(sender=sender, tagged=f"{local}+x@{domain}", bounces=settings.bounce_domain)


@pytest.mark.parametrize("email", REFUSED_EMAILS)
def test_a_refused_address_gets_no_mail_and_the_same_answer(
    client: FlaskClient, appeal_with_targets: AppealView, deliver: Any, postbox: Postbox, email: str
) -> None:
    email = resolved(email)
    as_others = comparable_answer(client.post(URL, data=form(email="jeanne@interior.gob.example")))
    assert comparable_answer(client.post(URL, data=form(email=email, checked=email))) == as_others
    client.post("/en/new-link", data={"email": email})
    deliver()
    assert postbox.recipients == ["jeanne@interior.gob.example"]
    answers = select(Mail.state).where(Mail.kind != MailKind.NEW_LINK).order_by(Mail.id)
    assert db.session.scalars(answers).all() == ["sent", "suppressed"]


def test_a_target_added_to_the_appeal_is_refused_at_once(
    app: Flask, client: FlaskClient, appeal_with_targets: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    db.session.execute(
        update(Target).where(Target.appeal_id == appeal_with_targets.id).values(emails=["new@interior.example"])
    )
    db.session.commit()
    clear_caches(app)
    client.post(URL, data=form(email="new@interior.example"))
    deliver()
    assert postbox.recipients == ["jeanne@mail.example"]


def test_a_target_added_while_the_mail_waits_gets_no_mail(
    app: Flask, client: FlaskClient, appeal_with_targets: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form(email="new@interior.example"))
    db.session.execute(
        update(Target).where(Target.appeal_id == appeal_with_targets.id).values(emails=["new@interior.example"])
    )
    db.session.commit()
    assert deliver() == {"suppressed": 1}
    assert postbox.recipients == []


def test_a_refused_address_on_a_paper_sheet_gets_no_mail(
    app: Flask, client: FlaskClient, appeal_with_targets: AppealView, deliver: Any, postbox: Postbox
) -> None:
    editor = staff_client(app, Role.EDITOR)
    emails = [*dict.fromkeys(resolved(email).lower() for email in REFUSED_EMAILS), "jeanne@interior.gob.example"]
    rows = [[f"Signer {chr(65 + number)}", email, "FR", "y"] for number, email in enumerate(emails)]
    assert enter_rows(editor, appeal_with_targets, rows).status_code == 303
    sign_waiting_rows()
    deliver()
    assert [to for to in postbox.recipients if not to.endswith("@staff.example")] == ["jeanne@interior.gob.example"]
    states = db.session.scalars(select(Mail.state).where(Mail.kind == "confirmation")).all()
    assert sorted(states) == ["sent", *["suppressed"] * (len(emails) - 1)]
    db.session.rollback()
    signed = db.session.scalar(
        select(func.sum(FunnelCount.quantity)).where(
            FunnelCount.funnel_stage == "signed", FunnelCount.aspect == "source"
        )
    )
    assert signed == 1, "only the supporter's form is counted as a sign-up"


@pytest.mark.parametrize("email", REFUSED_EMAILS)
def test_a_refused_address_gets_no_mail_about_a_change_of_address(
    app: Flask, client: FlaskClient, appeal_with_targets: AppealView, deliver: Any, postbox: Postbox, email: str
) -> None:
    client.post(URL, data=form())
    deliver()
    me = client.post(postbox.link()).location.replace("/act", "/me")
    deliver()
    answers, statements_sent, earlier_mails = [], [], len(postbox.recipients)
    for new in ("jeanne@interior.gob.example", resolved(email)):
        with recorded_statements() as recorded:
            answers.append(comparable_answer(client.post(me, data={"do": "address", "email": new})))
        statements_sent.append(recorded)
        deliver()
    assert answers[0] == answers[1]
    assert statements_sent[0] == statements_sent[1]
    desk = staff_client(app, Role.EDITOR)
    signature_id = db.session.scalars(select(Signature.id)).one()
    path = f"/staff/moderation/signatures/{signature_id}/address"
    for new in ("jeanne@interior.gob.example", resolved(email)):
        data = {"email": new, "reason": "wrote a letter", "csrf_token": csrf(desk.get("/staff/account"))}
        assert desk.post(path, data=data).status_code == 303
    deliver()
    mailed = [to for to in postbox.recipients[earlier_mails:] if not to.endswith("@staff.example")]
    assert mailed == ["jeanne@interior.gob.example"] * 2
