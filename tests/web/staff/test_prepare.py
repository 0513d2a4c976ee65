"""Preparing an appeal in the staff room: from a document to the public, by those who may, and two editors at once."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from campaign.domain.staff import Role
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import Appeal, AppealText, AuditEntry, Mail, Signature, Staff
from campaign.queries.appeal import AppealView
from campaign.services.appeals import close, stop
from campaign.services.staff import change
from tests.conftest import DOCUMENT, FRENCH, confirm_at, form, fresh
from tests.document.builders import docx
from tests.web.staff.room import csrf, join, log_in, staffed

# For the gate: the quick part has enough of the staff room.
pytestmark = pytest.mark.slow

SLUG = "ua-7-26"
AT = f"/staff/appeals/{SLUG}"


def send(desk: FlaskClient, path: str, **fields: Any) -> TestResponse:
    token = csrf(desk.get("/staff/account"))
    # Encoded here: the test client leaves its own temporary file of a large body open.
    boundary, body = encode_multipart({**fields, "csrf_token": token})
    return desk.post(path, data=body, content_type=f'multipart/form-data; boundary="{boundary}"')


def upload(
    desk: FlaskClient, content: bytes = DOCUMENT.encode(), name: str = "case.md", path: str = ""
) -> TestResponse:
    return send(desk, path or "/staff/appeals", document=FileStorage(io.BytesIO(content), name))


def filled(page: TestResponse) -> dict[str, Any]:
    """What the page's main form holds, as a browser would send it."""
    text = page.text
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', text):
        found.setdefault(name, []).append(html.unescape(value))
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = html.unescape(value)
    for name, body in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        found[name] = re.findall(r'value="([^"]*)" selected', body)
    for kind in ('type="hidden" name="seen"', 'id="deadline" name="deadline" type="date"'):
        match = re.search(rf'<input {kind} value="([^"]*)"', text)
        if match:
            found["seen" if "seen" in kind else "deadline"] = html.unescape(match[1])
    for name, value in re.findall(r'type="checkbox" name="([^"]+)" value="([^"]*)" checked', text):
        found.setdefault(name, []).append(value)
    return found


def listed(values: dict[str, Any]) -> dict[str, list[str]]:
    """Each field's values as a list."""
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    return staffed(app, Role.EDITOR)


@pytest.fixture
def coordinator(app: Flask) -> FlaskClient:
    return staffed(app, Role.COORDINATOR, "be-nl")


@pytest.fixture
def draft(editor: FlaskClient) -> str:
    """A draft that an editor has made of a document."""
    assert upload(editor).location == f"{AT}/edit"
    return SLUG


def publish(desk: FlaskClient) -> TestResponse:
    page = desk.get(f"{AT}/edit").text
    revision = re.search(r'name="revision" value="(\d+)"', page)
    return send(desk, f"{AT}/publish", revision=revision[1] if revision else "")


def test_from_the_document_to_the_public(
    app: Flask, client: FlaskClient, editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    assert "waits to be published" not in editor.get("/staff/appeals").text
    assert client.get(f"/en/appeals/{draft}").status_code == 404
    assert send(editor, f"{AT}/ask").status_code == 303
    assert "waits to be published" in coordinator.get("/staff/appeals").text
    db.session.rollback()
    owed = db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all()
    assert len(owed) == 1
    assert publish(coordinator).status_code == 303
    db.session.rollback()
    fresh(app)
    page = client.get(f"/en/appeals/{draft}")
    assert page.status_code == 200
    assert "TEACHER THREATENED" in page.text
    acts = db.session.scalars(select(AuditEntry.act).where(AuditEntry.subject == f"appeal:{draft}")).all()
    assert acts == ["appeal.import", "appeal.ask", "appeal.publish"]


def test_who_wrote_it_does_not_publish_it(app: Flask, coordinator: FlaskClient) -> None:
    upload(coordinator)
    assert send(coordinator, f"{AT}/ask").status_code == 303
    page = coordinator.get(f"{AT}/edit").text
    assert "somebody else has to publish it" in page
    assert 'name="revision"' not in page
    revision = db.session.scalars(select(Appeal.revision)).one()
    refused = send(coordinator, f"{AT}/publish", revision=str(revision))
    assert refused.status_code == 422
    assert "somebody else has to publish it" in refused.text
    assert db.session.scalars(select(Appeal.state)).one() == "draft"


def test_who_edits_it_last_does_not_publish_it_either(
    editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    values = filled(coordinator.get(f"{AT}/texts/en"))
    assert send(coordinator, f"{AT}/texts/en", **{**values, "headline": "Another headline"}).status_code == 303
    send(editor, f"{AT}/ask")
    assert 'name="revision"' not in coordinator.get(f"{AT}/edit").text


def test_what_was_changed_after_it_was_looked_at_is_not_published(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    send(editor, f"{AT}/ask")
    revision = db.session.scalars(select(Appeal.revision)).one()
    values = filled(editor.get(f"{AT}/facts"))
    assert send(editor, f"{AT}/facts", **{**values, "goal": "5000"}).status_code == 303
    refused = send(coordinator, f"{AT}/publish", revision=str(revision))
    assert refused.status_code == 409
    assert "look at it once more" in refused.text
    assert publish(coordinator).status_code == 303


def test_an_edit_takes_the_question_back(editor: FlaskClient, draft: str, coordinator: FlaskClient) -> None:
    send(editor, f"{AT}/ask")
    values = filled(editor.get(f"{AT}/texts/en"))
    send(editor, f"{AT}/texts/en", **{**values, "closing": "With respect,"})
    assert 'name="revision"' not in coordinator.get(f"{AT}/edit").text


def test_a_coordinator_gives_it_back_with_words(editor: FlaskClient, draft: str, coordinator: FlaskClient) -> None:
    send(editor, f"{AT}/ask")
    assert send(coordinator, f"{AT}/send-back", words="The letter is too long.").status_code == 303
    assert "Ask for it to be published" in editor.get(f"{AT}/edit").text
    assert len(db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all()) == 2


def test_an_unchanged_form_changes_nothing(editor: FlaskClient, draft: str) -> None:
    before = db.session.scalars(select(Appeal.revision)).one()
    for part in ("texts/en", "targets/1", "facts"):
        assert send(editor, f"{AT}/{part}", **filled(editor.get(f"{AT}/{part}"))).status_code == 303
    assert db.session.scalars(select(Appeal.revision)).one() == before
    assert db.session.scalars(select(AppealText.version)).all() == [1]


def test_the_doubts_stand_beside_their_field_with_the_documents_line(editor: FlaskClient) -> None:
    text = DOCUMENT.replace("*Yours sincerely,*\n", "").replace("12 April 2026", "12 April")
    upload(editor, text.encode())
    page = editor.get(f"{AT}/texts/en").text
    closing = page[page.index('<label for="closing">') : page.index('<label for="talking_points">')]
    assert "The letter has no closing words." in closing
    line = re.search(r'href="#line-en-(\d+)"', closing)
    assert line
    assert f'<li value="{line[1]}" id="line-en-{line[1]}" class="doubted">' in page
    assert "No year is said" in editor.get(f"{AT}/facts").text


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "case.md", "This file is empty."),
        (b"GIF89a\x01\x00\x01\x00", "case.gif", "no"),
        (b"PK\x03\x04 damaged", "case.docx", "damaged"),
        (b"%PDF-1.7 damaged", "case.pdf", "damaged"),
        (b"A shopping list: bread, butter, milk.", "list.txt", "asks nobody to act"),
        (b"{\\rtf1 hello}", "case.rtf", "cannot be read"),
        (b"x" * (2 * 1024 * 1024 + 1), "case.txt", "too large"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    editor: FlaskClient, content: bytes, name: str, words: str
) -> None:
    refused = upload(editor, content, name)
    assert refused.status_code == 422
    wrong = re.search(r'<p class="wrong" role="alert">(.*?)</p>', refused.text)
    assert wrong
    assert words in wrong[1]
    assert db.session.scalars(select(Appeal)).all() == []


def test_no_file_is_refused(editor: FlaskClient) -> None:
    refused = send(editor, "/staff/appeals")
    assert refused.status_code == 422
    assert "Please choose a file." in refused.text


def test_a_hundred_megabytes_are_refused_unread(app: Flask, editor: FlaskClient) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    refused = editor.post(
        "/staff/appeals",
        environ_overrides={
            "wsgi.input": Unread(),
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(100 * 1024 * 1024),
        },
    )
    assert refused.status_code == 413
    assert "too long" in refused.text or "too large" in refused.text
    # Every other form stays small.
    small = send(editor, f"{AT}/ask", words="x" * 300_000)
    assert small.status_code == 413


def test_word_documents_are_read_too(editor: FlaskClient) -> None:
    assert upload(editor, docx(DOCUMENT), "case.docx").status_code == 303


def test_the_same_case_again_leads_to_its_draft(editor: FlaskClient, draft: str) -> None:
    refused = upload(editor)
    assert refused.status_code == 422
    assert f'href="{AT}/edit"' in refused.text


def test_a_corrected_document_shows_what_changed(editor: FlaskClient, draft: str) -> None:
    again = upload(
        editor, DOCUMENT.replace("three death threats", "four death threats").encode(), path=f"{AT}/document"
    )
    assert again.status_code == 200
    assert "summary (en)" in again.text
    assert "four death threats" in again.text
    same = upload(editor, DOCUMENT.replace("three death threats", "four death threats").encode(), path=f"{AT}/document")
    assert same.status_code == 303


def test_a_corrected_deadline_is_shown(editor: FlaskClient, draft: str) -> None:
    again = upload(editor, DOCUMENT.replace("12 April 2026", "20 April 2026").encode(), path=f"{AT}/document")
    assert again.status_code == 200
    assert "2026-04-12" in again.text
    assert "2026-04-20" in again.text


def test_a_further_language_with_another_deadline_is_told(editor: FlaskClient, draft: str) -> None:
    french = upload(editor, FRENCH.replace("12 AVRIL 2026", "20 AVRIL 2026").encode(), path=f"{AT}/document")
    assert french.status_code == 200
    assert "says some facts otherwise" in french.text
    assert "2026-04-20" in french.text
    appeal = db.session.scalars(select(Appeal)).one()
    assert appeal.deadline == date(2026, 4, 12)
    assert set(db.session.scalars(select(AppealText.language))) == {"en", "fr"}


def test_a_language_is_added_by_hand_with_the_same_targets(editor: FlaskClient, draft: str) -> None:
    page = editor.get(f"{AT}/texts?language=fr")
    assert page.location == f"{AT}/texts/fr"
    empty = editor.get(f"{AT}/texts/fr")
    assert send(editor, f"{AT}/texts/fr", **filled(empty)).status_code == 422
    fields = {**filled(empty), "headline": "UNE INSTITUTRICE MENACÉE", "letter": "Je crains.\n\nJe demande."}
    assert send(editor, f"{AT}/texts/fr", **fields).status_code == 303
    text = db.session.scalars(select(AppealText).where(AppealText.language == "fr")).one()
    assert text.paragraphs == ["Je crains.", "Je demande."]
    assert "Pedro Alba Montes" in editor.get(f"{AT}/targets/1").text
    assert "fr" in db.session.scalars(select(Appeal)).one().targets[0].words
    assert editor.get(f"{AT}/texts/xx").status_code == 404


def test_the_second_editor_is_told_and_nothing_is_lost(
    editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    mine, theirs = filled(editor.get(f"{AT}/texts/en")), filled(coordinator.get(f"{AT}/texts/en"))
    theirs |= {"headline": "THEIR HEADLINE", "closing": "Their closing,"}
    assert send(coordinator, f"{AT}/texts/en", **theirs).status_code == 303
    mine |= {"headline": "MY HEADLINE", "background": "My background."}
    told = send(editor, f"{AT}/texts/en", **mine)
    assert told.status_code == 409
    assert "Somebody else has changed this" in told.text
    assert "THEIR HEADLINE" in told.text
    merged = filled(told)
    assert merged["headline"] == ["MY HEADLINE"]
    assert merged["background"] == "My background."
    assert merged["closing"] == "Their closing,"
    current = db.session.scalars(select(AppealText).where(AppealText.is_current)).one()
    assert current.headline == "THEIR HEADLINE"
    assert send(editor, f"{AT}/texts/en", **merged).status_code == 303
    db.session.rollback()
    current = db.session.scalars(select(AppealText).where(AppealText.is_current)).one()
    assert (current.headline, current.closing, current.background) == (
        "MY HEADLINE",
        "Their closing,",
        "My background.",
    )


@pytest.mark.parametrize("part", ["facts", "targets/1"])
def test_two_editors_of_facts_and_targets(editor: FlaskClient, draft: str, coordinator: FlaskClient, part: str) -> None:
    field, ours, others = ("goal", "2000", "3000") if part == "facts" else ("phones", "+57 1 11111", "+57 1 22222")
    mine = filled(editor.get(f"{AT}/{part}")) | {field: ours}
    theirs = filled(coordinator.get(f"{AT}/{part}")) | {field: others}
    assert send(coordinator, f"{AT}/{part}", **theirs).status_code == 303
    told = send(editor, f"{AT}/{part}", **mine)
    assert told.status_code == 409
    assert ours in told.text
    assert others in told.text
    assert send(editor, f"{AT}/{part}", **filled(told)).status_code == 303


def test_a_damaged_memory_of_the_form_overwrites_nothing(editor: FlaskClient, draft: str) -> None:
    values = filled(editor.get(f"{AT}/facts"))
    for seen in ("", "{", "[]", json.dumps({"goal": 1})):
        assert send(editor, f"{AT}/facts", **{**values, "goal": "77", "seen": seen}).status_code == 409


@pytest.mark.parametrize(
    ("part", "field", "value", "words"),
    [
        ("texts/en", "headline", "  ", "must not be empty"),
        ("texts/en", "headline", "x" * 301, "too long"),
        ("texts/en", "background", "x" * 40_001, "too long"),
        ("targets/1", "emails", "minister at interior", "no e-mail address"),
        ("targets/1", "phones", "call me", "no number"),
        ("targets/1", "social", "@nobody", "one account a line"),
        ("targets/1", "kind", "friend", "choose from the list"),
        ("facts", "goal", "-5", "must be 1 at least"),
        ("facts", "goal", "a lot", "whole number"),
        ("facts", "goal", "999999999999", "100 million"),
        ("facts", "deadline", "2020-01-01", "has passed"),
        ("facts", "deadline", "3026-01-01", "ten years"),
        ("facts", "deadline", "tomorrow", "no date"),
        ("facts", "slug", "Not A Slug", "letters a to z"),
        ("facts", "country", "ZZ", "choose from the list"),
        ("facts", "sections", "nowhere", "choose from the list"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_field_and_kept(
    editor: FlaskClient, draft: str, part: str, field: str, value: str, words: str
) -> None:
    sent = {**filled(editor.get(f"{AT}/{part}")), field: value}
    refused = send(editor, f"{AT}/{part}", **sent)
    assert refused.status_code == 422
    assert words in refused.text
    if part != "facts" or field in {"goal", "slug", "deadline"}:
        assert value.strip() in html.unescape(refused.text) or field == "kind"
    assert db.session.scalars(select(Appeal.revision)).one() == 1 + 1


def test_the_slug_of_a_draft_can_be_changed_and_that_of_an_open_appeal_not(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient, appeal: AppealView
) -> None:
    values = filled(editor.get(f"{AT}/facts"))
    taken = send(editor, f"{AT}/facts", **{**values, "slug": appeal.slug})
    assert "has this name already" in taken.text
    moved = send(editor, f"{AT}/facts", **{**values, "slug": "ana"})
    assert moved.location.startswith("/staff/appeals/ana/edit")
    values = filled(coordinator.get(f"/staff/appeals/{appeal.slug}/facts"))
    kept = send(coordinator, f"/staff/appeals/{appeal.slug}/facts", **{**values, "slug": "other", "goal": "9"})
    assert kept.location.startswith(f"/staff/appeals/{appeal.slug}/edit")


def test_a_correction_of_an_open_appeal_keeps_its_signatures(
    app: Flask, client: FlaskClient, coordinator: FlaskClient, appeal: AppealView
) -> None:
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form())
    signature = db.session.scalars(select(Signature.id)).one()
    confirm_at(signature, app.extensions["tocsin"].clock())
    at = f"/staff/appeals/{appeal.slug}"
    values = filled(coordinator.get(f"{at}/texts/en"))
    assert send(coordinator, f"{at}/texts/en", **{**values, "closing": "Respectfully,"}).status_code == 303
    db.session.rollback()
    text = db.session.scalars(select(AppealText).where(AppealText.is_current)).one()
    assert (text.version, text.signed_before) == (2, 1)
    assert "1 signature had been confirmed before" in coordinator.get(f"{at}/edit").text
    fresh(app)
    page = client.get(f"/en/appeals/{appeal.slug}").text
    assert "Respectfully," in page
    assert client.get(f"/api/v1/appeals/{appeal.slug}").get_json()["counts"]["signatures"] == 1


def test_the_letter_as_mail_and_as_pdf(editor: FlaskClient, draft: str) -> None:
    page = editor.get(f"{AT}/texts/en/mail")
    assert "Name of the signer" in page.text
    assert "protect her at once" in page.text
    framed = editor.get(f"{AT}/texts/en/mail.html")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "protect her at once" in framed.text
    paper = editor.get(f"{AT}/texts/en/letter.pdf")
    assert paper.data.startswith(b"%PDF")
    assert editor.get(f"{AT}/texts/de/mail").status_code == 404


def test_targets_are_added_and_taken_away(editor: FlaskClient, draft: str) -> None:
    empty = filled(editor.get(f"{AT}/targets/0"))
    assert send(editor, f"{AT}/targets/0", **empty).status_code == 422
    fields = {
        **empty,
        "kind": "embassy",
        "country": "FR",
        "role_en": "Embassy of Colombia",
        "emails": "e@embassy.example",
    }
    assert send(editor, f"{AT}/targets/0", **fields).status_code == 303
    assert "Embassy of Colombia" in editor.get(f"{AT}/edit").text
    assert send(editor, f"{AT}/targets/2/remove").status_code == 303
    assert "Embassy of Colombia" not in editor.get(f"{AT}/edit").text
    assert send(editor, f"{AT}/targets/2/remove").status_code == 404


@pytest.mark.parametrize(("end", "said"), [(close, "was closed"), (stop, "was stopped")])
def test_what_is_typed_while_somebody_ends_the_appeal_is_shown_and_not_kept(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient, end: Any, said: str
) -> None:
    send(editor, f"{AT}/ask")
    assert publish(coordinator).status_code == 303
    typed: dict[str, dict[str, Any]] = {
        "texts/en": {**filled(editor.get(f"{AT}/texts/en")), "letter": "Typed for an hour.", "headline": ""},
        "texts/fr": {**filled(editor.get(f"{AT}/texts/fr")), "headline": "TAPÉ PENDANT UNE HEURE"},
        "targets/1": {**filled(editor.get(f"{AT}/targets/1")), "address_en": "Typed Street 1"},
        "targets/0": {**filled(editor.get(f"{AT}/targets/0")), "role_en": "Typed Embassy"},
        "facts": {**filled(editor.get(f"{AT}/facts")), "goal": "54321"},
    }
    end(SLUG, now=runtime().clock())
    before = [(one.goal, one.revision) for one in db.session.scalars(select(Appeal))]
    db.session.rollback()
    for part, values in typed.items():
        answer = send(editor, f"{AT}/{part}", **values)
        assert answer.status_code == 409, part
        assert f"This appeal {said} while you were writing" in answer.text
        assert ">Keep</button>" not in answer.text
        back = listed(filled(answer))
        assert back == {name: value for name, value in listed(values).items() if name in back}, part
        assert set(back) >= {"seen", *(name for name, value in listed(values).items() if "yped" in str(value))}, part
    assert "Typed for an hour." in send(editor, f"{AT}/texts/en", **typed["texts/en"]).text
    db.session.rollback()
    assert [(one.goal, one.revision) for one in db.session.scalars(select(Appeal))] == before
    stranger = staffed(app, Role.EDITOR, "be-nl")
    for part, values in typed.items():
        assert send(stranger, f"{AT}/{part}", **values).status_code == 404, part
        assert editor.get(f"{AT}/{part}").status_code == 404, "there is nothing to change any more"


def test_what_is_typed_for_somebody_who_was_taken_away_is_shown(editor: FlaskClient, draft: str) -> None:
    send(
        editor, f"{AT}/targets/0", **{**filled(editor.get(f"{AT}/targets/0")), "role_en": "Embassy", "kind": "embassy"}
    )
    values = {**filled(editor.get(f"{AT}/targets/2")), "address_en": "Typed Street 1"}
    assert send(editor, f"{AT}/targets/2/remove").status_code == 303
    answer = send(editor, f"{AT}/targets/2", **values)
    assert answer.status_code == 409
    assert "Somebody else took this one away" in answer.text
    assert "Typed Street 1" in answer.text


def test_an_editor_of_another_section_looks_and_does_not_touch(app: Flask, editor: FlaskClient, draft: str) -> None:
    stranger = staffed(app, Role.EDITOR, "be-nl")
    page = stranger.get(f"{AT}/edit")
    assert page.status_code == 200
    assert f'{AT}/texts/en"' not in page.text
    values = filled(editor.get(f"{AT}/texts/en"))
    assert stranger.get(f"{AT}/texts/en").status_code == 404
    for part in ("texts/en", "targets/1", "facts", "ask", "follows", "document"):
        assert send(stranger, f"{AT}/{part}", **values).status_code == 404, part


def test_a_role_that_changes_meanwhile_counts_at_once(app: Flask, editor: FlaskClient, draft: str) -> None:
    values = filled(editor.get(f"{AT}/texts/en"))
    token = csrf(editor.get("/staff/account"))
    who = db.session.scalars(select(Staff.id).where(Staff.email == "editor.fr@staff.example")).one()
    at = runtime()
    change(who, role=Role.VIEWER, section="fr", active=True, by=None, now=at.clock(), vault=at.vault)
    answer = editor.post(f"{AT}/texts/en", data={**values, "headline": "LATE", "csrf_token": token})
    assert answer.status_code in {302, 400}
    assert db.session.scalars(select(AppealText.headline)).one() != "LATE"


def test_the_whole_case_is_linked_and_never_in_a_circle(
    editor: FlaskClient, draft: str, coordinator: FlaskClient, appeal: AppealView
) -> None:
    assert send(editor, f"{AT}/follows", follows=appeal.slug).status_code == 303
    assert "It follows:" in editor.get(f"{AT}/edit").text
    assert "It is followed by:" in editor.get(f"/staff/appeals/{appeal.slug}/edit").text
    send(editor, f"{AT}/ask")
    publish(coordinator)
    # Who signed the first may want to hear of the second: the way to tell them stands there.
    assert f"/staff/appeals/{appeal.slug}/announcements/new" in coordinator.get(f"{AT}/edit").text
    circle = send(coordinator, f"/staff/appeals/{appeal.slug}/follows", follows=draft)
    assert circle.status_code == 422
    assert "cannot follow each other" in circle.text
    assert send(editor, f"{AT}/follows", follows="").status_code == 303
    assert "It follows:" not in editor.get(f"{AT}/edit").text


def test_every_write_is_in_the_audit_log_with_before_and_after(app: Flask, editor: FlaskClient, draft: str) -> None:
    values = filled(editor.get(f"{AT}/targets/1"))
    send(editor, f"{AT}/targets/1", **{**values, "emails": "other@interior.example"})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert entry.act == "appeal.write-target"
    assert entry.before == {"target 1 emails": ["minister@interior.example"]}
    assert entry.after == {"target 1 emails": ["other@interior.example"]}
    join(app, "root@staff.example", Role.ADMIN)
    assert "other@interior.example" in log_in(app, "root@staff.example").get("/staff/audit").text
