"""Staff pages about mail: announcements from draft to delivery, the outbox, and previews of every message."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from campaign.config import LOCALES
from campaign.domain.announcements.announcement import RECALL_PERIOD
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.staff.roles import Role
from campaign.mail.messages import samples as sample
from campaign.models import Announcement, AuditEntry, Mail, QueuePause
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.announcements.fan_out import fan_out_all
from tests.announcements.announcements import confirmed_signer, mark_other_mail_sent, publish_follow_up
from tests.conftest import START, Clock, Postbox, context, form, text_of
from tests.staff.staff_clients import csrf, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

ANNOUNCEMENTS = "/staff/appeals/ana-ruiz-vega/announcements"
TYPED_FIELDS = {
    "kind": "update",
    "section": "fr",
    "subject_fr": "Elle est libre",
    "body_fr": "Ana est **libre**.\r\n\r\nMerci.",
}


def post(browser: FlaskClient, path: str, **data: Any) -> TestResponse:
    """Post the fields with a valid CSRF token; return the response."""
    return browser.post(path, data={**data, "csrf_token": csrf(browser.get("/staff/account"))})


def fan_out_at(clock: Clock) -> int:
    return fan_out_all(context=context(clock.now))


def edition_on(page: TestResponse) -> str:
    match = re.search(r'name="seen" value="(\w+)"', page.text)
    assert match, page.text
    return match[1]


def test_an_announcement_can_go_to_all_signers_of_the_case(app: Flask, appeal: AppealView) -> None:
    confirmed_signer(appeal, "a")
    browser = staff_client(app, Role.COORDINATOR)
    assert 'name="case"' not in browser.get(f"{ANNOUNCEMENTS}/new").text, (
        "an appeal without a follow-up has no other signers"
    )
    second = publish_follow_up(appeal)
    confirmed_signer(second, "b")
    prepared = browser.get(f"/staff/appeals/{second.slug}/edit").text
    offered = re.search(r'href="(/staff/appeals/second/announcements/new\?case=1)"', prepared)
    assert offered, prepared
    form = browser.get(offered[1]).text
    assert re.search(r'name="case" value="y" checked>.*?\(1\)', form)
    there = f"/staff/appeals/{second.slug}/announcements"
    saved = post(browser, f"{there}/new", **TYPED_FIELDS, case="y")
    assert "Send it to 2 people" in browser.get(saved.location).text
    assert "who signed any appeal of this case" in browser.get(saved.location).text
    assert 'value="y" checked' in browser.get(f"{saved.location}/edit").text
    seen = edition_on(browser.get(f"{saved.location}/edit"))
    post(browser, f"{saved.location}/edit", **TYPED_FIELDS, seen=seen)
    assert "Send it to one person" in browser.get(saved.location).text


def test_an_editor_drafts_previews_tests_and_sends_it(
    app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock
) -> None:
    confirmed_signer(appeal, "a")
    confirmed_signer(appeal, "b", section="be-nl")
    confirmed_signer(appeal, "c", updates=False)
    browser = staff_client(app, Role.EDITOR)
    mark_other_mail_sent()
    assert "One confirmed signer of your section asked" in browser.get(ANNOUNCEMENTS).text
    saved = post(browser, f"{ANNOUNCEMENTS}/new", **TYPED_FIELDS)
    assert saved.status_code == 303
    page = browser.get(saved.location)
    assert "Elle est libre" in page.text
    assert "Send it to one person" in page.text
    framed = browser.get(f"{saved.location}/fr.html")
    assert "Ana est <strong>libre</strong>" in framed.text
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    post(browser, f"{saved.location}/test", lang="fr")
    assert deliver() == {"sent": 1}
    assert postbox.recipients == ["editor.fr@staff.example"]
    sent = post(browser, f"{saved.location}/send", seen=edition_on(page))
    assert sent.status_code == 303
    assert "Take it back" in browser.get(saved.location).text
    assert fan_out_at(clock) == 0
    clock.now += RECALL_PERIOD
    assert fan_out_at(clock) == 1
    assert deliver() == {"sent": 1}
    assert postbox.recipients[1:] == ["a@mail.example"]
    assert "Ana est libre." in text_of(postbox.messages[1]).replace("*", "")
    assert postbox.messages[1]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    after = browser.get(saved.location).text
    assert "What became of it" in after
    assert "Send it to" not in after


def test_an_announcement_sent_too_early_is_recalled_and_discarded(app: Flask, appeal: AppealView, clock: Clock) -> None:
    confirmed_signer(appeal, "a")
    browser = staff_client(app, Role.EDITOR)
    here = post(browser, f"{ANNOUNCEMENTS}/new", **TYPED_FIELDS).location
    post(browser, f"{here}/send", seen=edition_on(browser.get(here)))
    assert post(browser, f"{here}/recall").status_code == 303
    assert "Taken back" in browser.get(here).text
    clock.now += RECALL_PERIOD * 2
    assert fan_out_at(clock) == 0
    assert post(browser, f"{here}/recall").status_code == 303
    assert "That is no longer possible" in browser.get(here).text
    assert post(browser, f"{here}/discard").location == ANNOUNCEMENTS
    assert browser.get(here).status_code == 404
    told = select(AuditEntry.act).where(AuditEntry.subject.like("announcement:%")).order_by(AuditEntry.id)
    acts = db.session.scalars(told).all()
    assert [act.partition(".")[2] for act in acts] == ["draft", "send", "recall", "discard"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject_fr": ""}, "Please write a subject."),
        ({"subject_fr": "x" * 121}, "120 characters at most"),
        ({"subject_fr": "a\0b"}, "We could not read this subject."),
        ({"body_fr": ""}, "Please write what you have to say."),
        ({"body_fr": "x" * 10_001}, "10,000 characters at most"),
        ({"subject_fr": "", "body_fr": " "}, "one language is enough"),
        ({"section": "be-nl"}, "Other sections write to their own supporters."),
        ({"section": ""}, "Other sections write to their own supporters."),
        ({"kind": "deadline_reminder"}, "Please choose one of these."),
    ],
)
def test_errors_are_shown_and_typed_values_stay(
    app: Flask, appeal: AppealView, changes: dict[str, str], said: str
) -> None:
    answer = post(
        staff_client(app, Role.EDITOR), f"{ANNOUNCEMENTS}/new", **{**TYPED_FIELDS, "locales": "ar", **changes}
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="ar" checked' in answer.text
    for kept in ({**TYPED_FIELDS, **changes}["subject_fr"], {**TYPED_FIELDS, **changes}["body_fr"]):
        assert str(escape(kept))[:8].strip() in answer.text
    assert db.session.scalars(select(Announcement.id)).first() is None


def test_two_editors_of_a_draft_see_each_others_text(app: Flask, appeal: AppealView) -> None:
    editor, coordinator = staff_client(app, Role.EDITOR), staff_client(app, Role.COORDINATOR)
    here = post(editor, f"{ANNOUNCEMENTS}/new", **TYPED_FIELDS).location
    seen = edition_on(coordinator.get(f"{here}/edit"))
    assert post(editor, f"{here}/edit", **{**TYPED_FIELDS, "subject_fr": "Enfin libre"}, seen=seen).status_code == 303
    late = post(coordinator, f"{here}/edit", **{**TYPED_FIELDS, "body_fr": "Le mien"}, seen=seen)
    assert late.status_code == 409
    assert "Somebody else has changed this draft meanwhile." in late.text
    assert "Enfin libre" in late.text
    assert "Le mien" in late.text
    # Sending is allowed after the new edition was shown.
    assert (
        post(coordinator, f"{here}/edit", **{**TYPED_FIELDS, "body_fr": "Le mien"}, seen=edition_on(late)).status_code
        == 303
    )
    assert post(editor, f"{here}/send", seen=seen).status_code == 303
    assert "Somebody has changed it since you looked" in editor.get(here).text


def test_sending_asks_for_the_password_again(app: Flask, appeal: AppealView, monkeypatch: pytest.MonkeyPatch) -> None:
    confirmed_signer(appeal, "a")
    browser = staff_client(app, Role.EDITOR)
    here = post(browser, f"{ANNOUNCEMENTS}/new", **TYPED_FIELDS).location
    monkeypatch.setattr("campaign.web.staff.staff.access._is_fresh", lambda: False)
    answer = post(browser, f"{here}/send", seen=edition_on(browser.get(here)))
    assert "/verify" in answer.location
    assert db.session.scalars(select(Announcement.state)).all() == ["draft"]


def test_a_coordinator_writes_to_all_sections_and_editors_can_read_it(
    app: Flask, appeal: AppealView, clock: Clock
) -> None:
    confirmed_signer(appeal, "a")
    confirmed_signer(appeal, "b", section="be-nl", locale="de")
    coordinator, editor = staff_client(app, Role.COORDINATOR), staff_client(app, Role.EDITOR)
    here = post(
        coordinator, f"{ANNOUNCEMENTS}/new", **{**TYPED_FIELDS, "section": "", "subject_en": "Free", "body_en": "x"}
    ).location
    page = coordinator.get(here)
    assert "Send it to 2 people" in page.text
    assert "Send it to" not in editor.get(here).text
    assert post(editor, f"{here}/send", seen=edition_on(page)).status_code == 404
    post(coordinator, f"{here}/send", seen=edition_on(page))
    clock.now += RECALL_PERIOD
    assert fan_out_at(clock) == 2
    assert post(coordinator, f"{here}/stop").status_code == 303


@pytest.fixture
def failed_mails(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    """Make failed mail of another section, with two reasons."""
    for name in ("a", "b", "c"):
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email=f"{name}@mail.example", country="BE"))
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "data", 554, "looks like <spam>") for _ in range(2)]
    postbox.answers.append(DeliveryAttempt(DeliveryOutcome.DEAD, "render", None, 'LookupError: "gone"'))
    deliver()
    db.session.rollback()


def keys_on(page: TestResponse) -> list[str]:
    keys = re.findall(r'name="reason" value="([^"]+)"', page.text)
    return [key.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">") for key in keys]


def test_failed_mail_is_retried_or_dropped_after_a_confirmation(app: Flask, failed_mails: None, deliver: Any) -> None:
    browser = staff_client(app, Role.COORDINATOR)
    deliver()
    page = browser.get("/staff/outbox")
    assert "looks like &lt;spam&gt;" in page.text
    spam, gone = keys_on(page)
    nothing = post(browser, "/staff/outbox", do="retry")
    assert nothing.status_code == 422
    assert "Please choose what to try again" in nothing.text
    assert post(browser, "/staff/outbox", do="burn", reason=spam).status_code == 422
    asked = post(browser, "/staff/outbox", do="retry", reason=spam)
    assert "2 mails would be tried again" in asked.text
    assert post(browser, "/staff/outbox", do="retry", reason=keys_on(asked), sure="y").status_code == 303
    assert "2 mails will be tried again." in browser.get("/staff/outbox").text
    assert deliver() == {"sent": 2}
    assert "This cannot be undone" in post(browser, "/staff/outbox", do="drop", reason=gone).text
    post(browser, "/staff/outbox", do="drop", reason=gone, sure="y")
    assert "Everything was delivered." in browser.get("/staff/outbox").text
    db.session.rollback()
    states = db.session.scalars(select(Mail.state).where(Mail.kind == MailKind.CONFIRMATION).order_by(Mail.id)).all()
    assert sorted(states) == ["sent", "sent", "suppressed"]
    told = select(AuditEntry.act).where(AuditEntry.subject == "mail").order_by(AuditEntry.id)
    acts = db.session.scalars(told).all()
    assert list(acts) == ["mail.retry", "mail.drop"]


def test_a_paused_queue_is_shown_on_the_staff_pages(app: Flask, appeal: AppealView) -> None:
    browser = staff_client(app, Role.COORDINATOR)
    assert "refuses us" not in browser.get("/staff/").text
    times = {"began_at": START, "probe_at": START + timedelta(minutes=1), "probes": 0}
    db.session.add(QueuePause(is_open=True, phase="auth", code=535, detail="wrong <password>", **times))
    db.session.commit()
    assert "refuses us" in browser.get("/staff/").text
    page = browser.get("/staff/outbox").text
    assert "535 wrong &lt;password&gt;" in page
    db.session.execute(update(QueuePause).values(is_open=False, ended_at=START))
    db.session.commit()
    assert "refuses us" not in browser.get("/staff/outbox").text


def test_every_message_is_shown_in_every_language(app: Flask, appeal: AppealView) -> None:
    browser = staff_client(app, Role.VIEWER)
    index = browser.get("/staff/messages").text
    for name in sample.message_names():
        for locale in LOCALES:
            assert f"/staff/messages/{name}?lang={locale}" in index
    for position, name in enumerate(sample.message_names()):
        locale = LOCALES[position % len(LOCALES)]
        assert browser.get(f"/staff/messages/{name}?lang={locale}").status_code == 200
        html = browser.get(f"/staff/messages/{name}/{locale}.html")
        assert f'lang="{locale}"' in html.text
    assert browser.get("/staff/messages/nothing").status_code == 404
    assert browser.get("/staff/messages/confirmation/xx.html").status_code == 404
