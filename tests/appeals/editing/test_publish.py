"""Publishing an appeal: by the permitted roles, and always by a second person."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.staff.roles import Role
from campaign.models import Appeal, AppealText, AuditEntry, Mail, Staff
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.staff.accounts import change_account
from tests.appeals.editing.editor import DRAFT_PAGE, confirm_draft, form_values, publish, send_form, upload
from tests.conftest import clear_caches, context
from tests.staff.staff_clients import csrf, join_staff, log_in, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow


def test_a_document_becomes_a_public_appeal(
    app: Flask, client: FlaskClient, editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    assert "waits to be published" not in editor.get("/staff/appeals").text
    assert client.get(f"/en/appeals/{draft}").status_code == 404
    confirm_draft(editor)
    assert send_form(editor, f"{DRAFT_PAGE}/request-review").status_code == 303
    assert "waits to be published" in coordinator.get("/staff/appeals").text
    db.session.rollback()
    owed = db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all()
    assert len(owed) == 1
    assert publish(coordinator).status_code == 303
    db.session.rollback()
    clear_caches(app)
    page = client.get(f"/en/appeals/{draft}")
    assert page.status_code == 200
    assert "TEACHER THREATENED" in page.text
    told = select(AuditEntry.act).where(AuditEntry.subject == f"appeal:{draft}").order_by(AuditEntry.id)
    acts = db.session.scalars(told).all()
    assert acts == ["appeal.import", "appeal.confirm", "appeal.ask", "appeal.publish"]


def test_the_writer_cannot_publish(app: Flask, coordinator: FlaskClient) -> None:
    upload(coordinator)
    confirm_draft(coordinator)
    assert send_form(coordinator, f"{DRAFT_PAGE}/request-review").status_code == 303
    page = coordinator.get(f"{DRAFT_PAGE}/edit").text
    assert "somebody else has to publish it" in page
    assert 'name="revision"' not in page
    revision = db.session.scalars(select(Appeal.revision)).one()
    refused_answer = send_form(coordinator, f"{DRAFT_PAGE}/publish", revision=str(revision))
    assert refused_answer.status_code == 422
    assert "somebody else has to publish it" in refused_answer.text
    assert db.session.scalars(select(Appeal.state)).one() == "draft"


def test_the_last_editor_cannot_publish(editor: FlaskClient, draft: str, coordinator: FlaskClient) -> None:
    values = form_values(coordinator.get(f"{DRAFT_PAGE}/texts/en"))
    assert (
        send_form(coordinator, f"{DRAFT_PAGE}/texts/en", **{**values, "headline": "Another headline"}).status_code
        == 303
    )
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert 'name="revision"' not in coordinator.get(f"{DRAFT_PAGE}/edit").text


def test_changes_after_the_review_are_not_published(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    revision = db.session.scalars(select(Appeal.revision)).one()
    values = form_values(editor.get(f"{DRAFT_PAGE}/facts"))
    assert send_form(editor, f"{DRAFT_PAGE}/facts", **{**values, "goal": "5000"}).status_code == 303
    refused_answer = send_form(coordinator, f"{DRAFT_PAGE}/publish", revision=str(revision))
    assert refused_answer.status_code == 409
    assert "look at it once more" in refused_answer.text
    assert publish(coordinator).status_code == 303


def test_an_edit_withdraws_the_review_request(editor: FlaskClient, draft: str, coordinator: FlaskClient) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    values = form_values(editor.get(f"{DRAFT_PAGE}/texts/en"))
    send_form(editor, f"{DRAFT_PAGE}/texts/en", **{**values, "closing": "With respect,"})
    assert 'name="revision"' not in coordinator.get(f"{DRAFT_PAGE}/edit").text


def test_a_coordinator_returns_it_with_a_reason(editor: FlaskClient, draft: str, coordinator: FlaskClient) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert (
        send_form(coordinator, f"{DRAFT_PAGE}/return-for-changes", words="The letter is too long.").status_code == 303
    )
    assert "Ask for it to be published" in editor.get(f"{DRAFT_PAGE}/edit").text
    assert len(db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all()) == 2


def test_an_editor_of_another_section_reads_and_does_not_edit(app: Flask, editor: FlaskClient, draft: str) -> None:
    stranger = staff_client(app, Role.EDITOR, "be-nl")
    page = stranger.get(f"{DRAFT_PAGE}/edit")
    assert page.status_code == 200
    assert f'{DRAFT_PAGE}/texts/en"' not in page.text
    values = form_values(editor.get(f"{DRAFT_PAGE}/texts/en"))
    assert stranger.get(f"{DRAFT_PAGE}/texts/en").status_code == 404
    for part in ("texts/en", "targets/1", "facts", "request-review", "follows", "document"):
        assert send_form(stranger, f"{DRAFT_PAGE}/{part}", **values).status_code == 404, part


def test_a_changed_role_applies_at_once(app: Flask, editor: FlaskClient, draft: str) -> None:
    values = form_values(editor.get(f"{DRAFT_PAGE}/texts/en"))
    token = csrf(editor.get("/staff/account"))
    who = db.session.scalars(select(Staff.id).where(Staff.email == "editor.fr@staff.example")).one()
    app_runtime = runtime()
    change_account(who, role=Role.VIEWER, section="fr", active=True, context=context(app_runtime.clock()))
    answer = editor.post(f"{DRAFT_PAGE}/texts/en", data={**values, "headline": "LATE", "csrf_token": token})
    assert answer.status_code in {302, 400}
    assert db.session.scalars(select(AppealText.headline)).one() != "LATE"


def test_the_appeals_of_a_case_are_linked_without_a_cycle(
    editor: FlaskClient, draft: str, coordinator: FlaskClient, appeal: AppealView
) -> None:
    assert send_form(editor, f"{DRAFT_PAGE}/follows", follows=appeal.slug).status_code == 303
    assert "It follows:" in editor.get(f"{DRAFT_PAGE}/edit").text
    assert "It is followed by:" in editor.get(f"/staff/appeals/{appeal.slug}/edit").text
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    publish(coordinator)
    # The page offers an announcement to the signers of the first appeal.
    assert f"{DRAFT_PAGE}/announcements/new?case=1" in coordinator.get(f"{DRAFT_PAGE}/edit").text
    circle = send_form(coordinator, f"/staff/appeals/{appeal.slug}/follows", follows=draft)
    assert circle.status_code == 422
    assert "cannot follow each other" in circle.text
    assert send_form(editor, f"{DRAFT_PAGE}/follows", follows="", seen_follows=appeal.slug).status_code == 303
    assert "It follows:" not in editor.get(f"{DRAFT_PAGE}/edit").text


def test_every_write_is_in_the_audit_log_with_before_and_after(app: Flask, editor: FlaskClient, draft: str) -> None:
    values = form_values(editor.get(f"{DRAFT_PAGE}/targets/1"))
    send_form(editor, f"{DRAFT_PAGE}/targets/1", **{**values, "emails": "other@interior.example"})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert entry.act == "appeal.write-target"
    assert entry.before == {"target 1 emails": ["minister@interior.example"]}
    assert entry.after == {"target 1 emails": ["other@interior.example"]}
    join_staff(app, "root@staff.example", Role.ADMIN)
    assert "other@interior.example" in log_in(app, "root@staff.example").get("/staff/audit").text
