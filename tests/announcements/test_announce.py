"""Announcements: recipients, language, and one mail for each signer even if workers crash."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.announcements.announcement import RECALL_PERIOD, AnnouncementKind
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.roles import Role
from campaign.models import Announcement, Appeal, AppealText, AuditEntry, Consent, Mail, Signature, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.announcements.announcement import (
    announcements_of,
    audience,
    find_announcement,
    without_duplicates,
)
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.appeals.editor import text_values
from campaign.services.announcements import fan_out as fan_out_module
from campaign.services.announcements.announce import (
    AnnouncementWording,
    Audience,
    create_draft,
    discard,
    recall,
    revise,
    send,
    send_test,
    stop,
)
from campaign.services.announcements.deadline_reminders import start_deadline_reminders
from campaign.services.announcements.fan_out import fan_out, fan_out_all
from campaign.services.appeals.edit_text import store_version
from campaign.services.staff.audit import verify as verify_log
from tests.announcements.announcements import (
    TEXTS,
    confirmed_signer,
    edition_of,
    fan_out_now,
    mark_other_mail_sent,
    publish_follow_up,
    send_announcement,
    sign_up_signer,
    staff_context,
)
from tests.conftest import START, Postbox, context, text_of


def enqueued_mails(announcement_id: int) -> list[tuple[int | None, str | None]]:
    db.session.rollback()
    rows = db.session.execute(
        select(Mail.signature_id, Mail.text_language).where(Mail.announcement_id == announcement_id).order_by(Mail.id)
    )
    return [(signature, language) for signature, language in rows]


def test_only_confirmed_subscribers_get_it_in_their_language(appeal: AppealView) -> None:
    french, german = confirmed_signer(appeal, "a"), confirmed_signer(appeal, "b", locale="de")
    confirmed_signer(appeal, "c", updates=False)
    sign_up_signer(appeal, "d")
    announcement_id = send_announcement(appeal)
    assert fan_out_now() == 2
    assert enqueued_mails(announcement_id) == [(french, "fr"), (german, "en")]
    announcement = find_announcement(announcement_id)
    assert announcement is not None
    assert (announcement.state, announcement.mails) == ("sent", {"queued": 2})
    assert audience(appeal.id) == {"fr": 1, "de": 1}
    assert [view.id for view in announcements_of(appeal.id)] == [announcement_id]
    assert announcements_of(appeal.id, "fr") == ()


def test_a_section_and_a_language_narrow_the_audience(appeal: AppealView) -> None:
    confirmed_signer(appeal, "a")
    belgian = confirmed_signer(appeal, "b", section="be-nl", locale="en")
    confirmed_signer(appeal, "c", section="be-nl", locale="fr")
    announcement_id = send_announcement(appeal, Audience("be-nl", ("en",)))
    assert fan_out_now() == 1
    assert enqueued_mails(announcement_id) == [(belgian, "en")]


def reword(appeal: AppealView) -> None:
    """Change what the English letter asks for."""
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.is_current)).one()
        row = session.get_one(Appeal, appeal.id)
        store_version(session, row, "en", text_values(text) | {"paragraphs": ["Set her free."]}, text, START)


def test_signers_of_an_earlier_wording_are_told_and_can_withdraw(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    early, silent = confirmed_signer(appeal, "early"), confirmed_signer(appeal, "silent", updates=False)
    assert audience(appeal.id, is_rewording=True) == {}, "no signer, while the text is unchanged"
    reword(appeal)
    late_signature_id = confirmed_signer(appeal, "late")
    with transaction() as session:
        session.execute(update(Consent).where(Consent.signature_id == late_signature_id).values(text_version=2))
    mark_other_mail_sent()
    assert audience(appeal.id, is_rewording=True) == {"fr": 1}
    assert audience(appeal.id) == {"fr": 2}
    announcement_id = send_announcement(appeal, Audience(is_rewording=True), AnnouncementKind.UPDATE)
    assert fan_out_now() == 1
    assert enqueued_mails(announcement_id) == [(early, "fr")]
    assert silent not in dict(enqueued_mails(announcement_id))
    assert deliver() == {"sent": 1}
    text = text_of(postbox.messages[-1])
    assert "La lettre a été reformulée depuis que vous l’avez signée." in text
    link = re.search(r"retirez votre signature ici[^\n]*\n(?:[^\n]+\n)*?\S*(/fr/m/\S+/me)", text)
    assert link
    page = client.get(link[1])
    assert page.status_code == 200
    assert "withdraw" in page.text
    # Another announcement to all of them does not mention it.
    send_announcement(appeal, Audience(), AnnouncementKind.UPDATE)
    assert fan_out_now() == 2
    deliver()
    assert "reformulée" not in text_of(postbox.messages[-1])


def test_a_draft_about_a_rewording_is_another_edition(appeal: AppealView) -> None:
    announcement_id = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    seen = edition_of(announcement_id)
    revise(announcement_id, Audience(is_rewording=True), TEXTS, context=staff_context(), expected=seen)
    assert edition_of(announcement_id) != seen
    with pytest.raises(ConflictError):
        send(announcement_id, context=staff_context(), expected=seen)


def test_a_signer_who_leaves_during_a_batch_causes_no_error(app: Flask, appeal: AppealView) -> None:
    publish_follow_up(appeal)
    signature = db.session.get_one(Signature, confirmed_signer(appeal, "gone"))
    address = parse_address("gone@mail.example")
    unsubscribed = update(Signature).values(wants_updates=False).execution_options(synchronize_session=False)
    db.session.execute(unsubscribed)
    row = Announcement(appeal_id=appeal.id, section_code=None, locales=[], to_case=True, is_rewording=False)
    assert without_duplicates([(signature, address)], row, runtime().vault) == [(signature, address)]


def test_the_signers_of_a_case_get_one_mail_each(appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    old, both = confirmed_signer(appeal, "old"), confirmed_signer(appeal, "both")
    confirmed_signer(appeal, "silent", updates=False)
    sign_up_signer(appeal, "pending")
    second = publish_follow_up(appeal)
    again, new = confirmed_signer(second, "both", locale="en"), confirmed_signer(second, "new")
    mark_other_mail_sent()
    assert audience(second.id) == {"en": 1, "fr": 1}
    # Only the decrypted address links two appeals. A signer of both is counted for each, but gets one mail.
    assert audience(second.id, to_case=True) == {"en": 1, "fr": 3}
    assert audience(appeal.id, to_case=True) == {"en": 1, "fr": 3}
    assert audience(second.id, "be-nl", to_case=True) == {}
    announcement_id = send_announcement(second, Audience(to_case=True), AnnouncementKind.UPDATE)
    assert fan_out_now() == 3
    assert enqueued_mails(announcement_id) == [(old, "fr"), (again, "en"), (new, "fr")]
    assert both not in {signature for signature, _ in enqueued_mails(announcement_id)}
    assert deliver() == {"sent": 3}
    first = next(mail for mail in postbox.messages if mail["To"] == "old@mail.example")
    assert "/fr/appeals/second" in text_of(first)
    assert f"/fr/appeals/{appeal.slug}" not in text_of(first)
    # Without the case, only signers of the appeal itself get it.
    alone = send_announcement(second, kind=AnnouncementKind.UPDATE)
    fan_out_now()
    assert enqueued_mails(alone) == [(again, "en"), (new, "fr")]


def test_other_recipients_of_the_case_make_another_edition(appeal: AppealView) -> None:
    announcement_id = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    seen = edition_of(announcement_id)
    revise(announcement_id, Audience(to_case=True), TEXTS, context=staff_context(), expected=seen)
    with pytest.raises(ConflictError):
        send(announcement_id, context=staff_context(), expected=seen)
    assert edition_of(announcement_id) != seen


def test_an_interrupted_fan_out_resumes_and_each_signer_gets_it_once(
    appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out_module, "BATCH_SIZE", 2)
    ids = [confirmed_signer(appeal, f"s{number}") for number in range(5)]
    announcement_id = send_announcement(appeal)
    assert fan_out(announcement_id, context=context()) == 2
    # A worker whose progress was lost enqueues the same batch again: no signer gets two mails.
    db.session.execute(update(Announcement).values(after_id=ids[0]))
    db.session.commit()
    fan_out_now()
    assert [signature for signature, _ in enqueued_mails(announcement_id)] == ids
    assert fan_out_now() == 0


def test_it_can_be_unsubscribed_by_one_click_and_is_checked_before_sending(
    appeal: AppealView, deliver: Any, postbox: Postbox, client: FlaskClient
) -> None:
    confirmed_signer(appeal, "a")
    left, stays = confirmed_signer(appeal, "b"), confirmed_signer(appeal, "c", locale="en")
    mark_other_mail_sent()
    send_announcement(appeal)
    fan_out_now()
    db.session.execute(update(Signature).where(Signature.id == left).values(wants_updates=False))
    db.session.execute(update(Appeal).values(state="stopped"))
    db.session.commit()
    assert deliver() == {"sent": 2, "suppressed": 1}
    french, english = postbox.messages
    assert postbox.recipients == ["a@mail.example", "c@mail.example"]
    assert (french["Subject"], english["Subject"]) == ("Elle est libre", "She is free")
    assert english["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = english["List-Unsubscribe"].strip("<>")
    assert address in text_of(english)
    assert "walked out today" in text_of(english)
    html = english.get_body(("html",))
    assert html is not None
    assert "<strong>walked out</strong>" in html.get_content()
    path = address.removeprefix(runtime().settings.base_url)
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    db.session.rollback()
    assert db.session.get_one(Signature, stays).wants_updates is False


def test_a_stopped_announcement_sends_no_further_mail(appeal: AppealView, deliver: Any) -> None:
    confirmed_signer(appeal, "a")
    mark_other_mail_sent()
    announcement_id = send_announcement(appeal)
    fan_out_now()
    stop(announcement_id, context=staff_context())
    assert deliver() == {"suppressed": 1}
    stop(announcement_id, context=staff_context())
    with pytest.raises(StateError):
        send(announcement_id, context=staff_context(), expected=edition_of(announcement_id))


def test_staff_change_test_and_discard_a_draft(appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    announcement_id = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience("fr"), TEXTS, context=staff_context())
    revise(
        announcement_id,
        Audience(),
        {"fr": AnnouncementWording("Un  sujet", " corps ")},
        context=staff_context(),
        expected=edition_of(announcement_id),
    )
    to = parse_address("editor@section.example")
    send_test(announcement_id, "fr", to, context=staff_context(), name="Édith")
    assert deliver() == {"sent": 1}
    assert postbox.recipients == ["editor@section.example"]
    assert postbox.messages[0]["Subject"] == "Un sujet"
    assert postbox.messages[0]["List-Unsubscribe"] is None
    with pytest.raises(InputError):
        send_test(announcement_id, "de", to, context=staff_context(), name="É")
    discard(announcement_id, context=staff_context())
    assert find_announcement(announcement_id) is None
    with pytest.raises(NotFoundError):
        discard(announcement_id, context=staff_context())


def test_a_sent_announcement_can_be_recalled_until_a_batch_is_enqueued(appeal: AppealView) -> None:
    confirmed_signer(appeal, "a")
    announcement_id = create_draft(appeal.id, AnnouncementKind.OUTCOME, Audience(), TEXTS, context=staff_context())
    send(announcement_id, context=staff_context(), expected=edition_of(announcement_id))
    almost = START + RECALL_PERIOD - timedelta(seconds=1)
    assert fan_out_all(context=context(almost)) == 0
    assert fan_out(announcement_id, context=context(almost)) is None
    recall(announcement_id, context=staff_context(almost))
    assert fan_out_all(context=context(START + RECALL_PERIOD * 2)) == 0
    send(announcement_id, context=staff_context(), expected=edition_of(announcement_id))
    with pytest.raises(StateError):
        recall(announcement_id, context=staff_context(START + RECALL_PERIOD))
    assert fan_out_all(context=context(START + RECALL_PERIOD)) == 1
    # A worker whose clock is ahead has already begun.
    with pytest.raises(StateError):
        recall(announcement_id, context=staff_context())


def test_two_writers_overwrite_nothing_and_send_no_unseen_edition(appeal: AppealView) -> None:
    announcement_id = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    seen = edition_of(announcement_id)
    other = {"fr": AnnouncementWording("Autre", "Autre chose")}
    revise(announcement_id, Audience(), other, context=staff_context(), expected=seen)
    with pytest.raises(ConflictError) as error:
        revise(announcement_id, Audience("fr"), TEXTS, context=staff_context(), expected=seen)
    assert error.value.current["texts"] == {"fr": ("Autre", "Autre chose")}
    with pytest.raises(ConflictError):
        send(announcement_id, context=staff_context(), expected=seen)
    assert edition_of(announcement_id) not in {seen, ""}


def test_editors_write_to_signers_of_their_own_section_only(appeal: AppealView) -> None:
    editor, viewer = staff_context(role=Role.EDITOR), staff_context(role=Role.VIEWER)
    theirs = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience("be-nl"), TEXTS, context=staff_context())
    to_all = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    for to, who in ((Audience(), editor), (Audience("be-nl"), editor), (Audience("fr"), viewer)):
        with pytest.raises(InputError):
            create_draft(appeal.id, AnnouncementKind.UPDATE, to, TEXTS, context=who)
    own = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience("fr"), TEXTS, context=editor)
    with pytest.raises(InputError):
        revise(own, Audience(), TEXTS, context=editor, expected=edition_of(own))
    address = parse_address("editor@section.example")
    for announcement_id in (theirs, to_all):
        seen = edition_of(announcement_id)
        acts: list[Callable[[], object]] = [
            partial(revise, announcement_id, Audience("fr"), TEXTS, context=editor, expected=seen),
            partial(send, announcement_id, context=editor, expected=seen),
            partial(send_test, announcement_id, "fr", address, context=editor, name="É"),
            *(partial(act, announcement_id, context=editor) for act in (discard, recall, stop)),
        ]
        for act in acts:
            with pytest.raises(NotFoundError):
                act()


def test_each_action_is_in_the_audit_log_with_its_actor(appeal: AppealView) -> None:
    announcement_id = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience("fr"), TEXTS, context=staff_context())
    revise(
        announcement_id,
        Audience("fr"),
        {"fr": TEXTS["fr"]},
        context=staff_context(),
        expected=edition_of(announcement_id),
    )
    revise(
        announcement_id,
        Audience("fr"),
        {"fr": TEXTS["fr"]},
        context=staff_context(),
        expected=edition_of(announcement_id),
    )
    send(announcement_id, context=staff_context(), expected=edition_of(announcement_id))
    recall(announcement_id, context=staff_context())
    send(announcement_id, context=staff_context(), expected=edition_of(announcement_id))
    stop(announcement_id, context=staff_context())
    gone = create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    discard(gone, context=staff_context())
    of_announcements = select(AuditEntry).where(AuditEntry.subject.startswith("announcement:"))
    entries = db.session.scalars(of_announcements.order_by(AuditEntry.id)).all()
    acts = ["draft", "revise", "send", "recall", "send", "stop", "draft", "discard"]
    assert [entry.act for entry in entries] == [f"announcement.{act}" for act in acts]
    assert {entry.staff_id for entry in entries} == set(db.session.scalars(select(Staff.id)))
    assert "She is free" in str(entries[1].before)
    assert "She is free" not in str(entries[1].after)
    db.session.rollback()
    assert verify_log(vault=runtime().vault).broken_at is None


@pytest.mark.parametrize(
    ("to", "texts", "field"),
    [
        (Audience(), {}, "texts"),
        (Audience("xx"), TEXTS, "section"),
        (Audience(None, ("xx",)), TEXTS, "language"),
        (Audience(), {"xx": TEXTS["en"]}, "language"),
        (Audience(), {"en": AnnouncementWording(" ", "b")}, "subject"),
        (Audience(), {"en": AnnouncementWording("s\0", "b")}, "subject"),
        (Audience(), {"en": AnnouncementWording("s\r\nBcc: x@y.example", "b")}, "subject"),
        (Audience(), {"en": AnnouncementWording("s" * 121, "b")}, "subject"),
        (Audience(), {"en": AnnouncementWording("s", "\x07")}, "body"),
        (Audience(), {"en": AnnouncementWording("s", "b" * 10_001)}, "body"),
    ],
)
def test_an_invalid_announcement_is_refused(
    appeal: AppealView, to: Audience, texts: dict[str, AnnouncementWording], field: str
) -> None:
    with pytest.raises(InputError) as error:
        create_draft(appeal.id, AnnouncementKind.UPDATE, to, texts, context=staff_context())
    assert error.value.field == field


def test_a_draft_or_unknown_appeal_gets_no_announcement(app: Flask, appeal: AppealView) -> None:
    db.session.execute(update(Appeal).values(state="draft"))
    db.session.commit()
    with pytest.raises(StateError):
        create_draft(appeal.id, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())
    with pytest.raises(NotFoundError):
        create_draft(appeal.id + 99, AnnouncementKind.UPDATE, Audience(), TEXTS, context=staff_context())


def test_each_section_gets_one_deadline_reminder_on_its_own_morning(
    appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    """Expect the reminder five days before 12 April, at nine o'clock in Paris, which is seven in UTC."""
    signature_id = confirmed_signer(appeal, "a")
    morning = datetime(2026, 4, 7, 7, 0, tzinfo=UTC)
    start_deadline_reminders(context=context(morning - timedelta(minutes=1)))
    assert "fr" not in set(db.session.scalars(select(Announcement.section_code)))
    start_deadline_reminders(context=context(morning))
    assert "fr" in set(db.session.scalars(select(Announcement.section_code)))
    db.session.rollback()
    late_signature_id = confirmed_signer(appeal, "late")
    confirm_time = (
        update(Signature).where(Signature.id == late_signature_id).values(confirmed_at=morning - timedelta(hours=1))
    )
    db.session.execute(confirm_time)
    db.session.commit()
    mark_other_mail_sent()
    assert fan_out_all(context=context(morning)) == 1
    start_deadline_reminders(context=context(morning + timedelta(hours=1)))
    assert fan_out_all(context=context(morning)) == 0
    assert deliver() == {"sent": 1}
    assert postbox.messages[0]["Subject"] == "Plus que 5 jours\u00a0: TEACHER THREATENED FOR TEACHING"
    assert postbox.messages[0]["List-Unsubscribe"]
    db.session.rollback()
    assert db.session.scalars(select(Mail.signature_id).where(Mail.announcement_id.is_not(None))).all() == [
        signature_id
    ]


def test_a_deadline_that_is_too_near_gets_no_reminder(appeal: AppealView) -> None:
    assert start_deadline_reminders(context=context(datetime(2026, 4, 10, 12, 0, tzinfo=UTC))) == 0
