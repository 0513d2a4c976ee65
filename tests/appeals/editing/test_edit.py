"""Editing texts, facts and targets: accepted changes, errors beside their fields, and what the public sees."""

from __future__ import annotations

import html

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.models import Appeal, AppealText
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from tests.appeals.editing.editor import DRAFT_PAGE, form_values, send_form
from tests.conftest import clear_caches, confirm_newest, form

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow


def test_an_unchanged_form_changes_nothing(editor: FlaskClient, draft: str) -> None:
    before = db.session.scalars(select(Appeal.revision)).one()
    for part in ("texts/en", "targets/1", "facts"):
        assert (
            send_form(editor, f"{DRAFT_PAGE}/{part}", **form_values(editor.get(f"{DRAFT_PAGE}/{part}"))).status_code
            == 303
        )
    assert db.session.scalars(select(Appeal.revision)).one() == before
    assert db.session.scalars(select(AppealText.version)).all() == [1]


def test_a_language_is_added_by_hand_with_the_same_targets(editor: FlaskClient, draft: str) -> None:
    page = editor.get(f"{DRAFT_PAGE}/texts?language=fr")
    assert page.location == f"{DRAFT_PAGE}/texts/fr"
    empty = editor.get(f"{DRAFT_PAGE}/texts/fr")
    assert send_form(editor, f"{DRAFT_PAGE}/texts/fr", **form_values(empty)).status_code == 422
    fields = {**form_values(empty), "headline": "UNE INSTITUTRICE MENACÉE", "letter": "Je crains.\n\nJe demande."}
    assert send_form(editor, f"{DRAFT_PAGE}/texts/fr", **fields).status_code == 303
    text = db.session.scalars(select(AppealText).where(AppealText.language == "fr")).one()
    assert text.paragraphs == ["Je crains.", "Je demande."]
    assert "Pedro Alba Montes" in editor.get(f"{DRAFT_PAGE}/targets/1").text
    assert "fr" in db.session.scalars(select(Appeal)).one().targets[0].words
    assert editor.get(f"{DRAFT_PAGE}/texts/xx").status_code == 404


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
def test_errors_stand_beside_their_field_and_the_input_stays(
    editor: FlaskClient, draft: str, part: str, field: str, value: str, words: str
) -> None:
    sent = {**form_values(editor.get(f"{DRAFT_PAGE}/{part}")), field: value}
    refused_answer = send_form(editor, f"{DRAFT_PAGE}/{part}", **sent)
    assert refused_answer.status_code == 422
    assert words in refused_answer.text
    if part != "facts" or field in {"goal", "slug", "deadline"}:
        assert value.strip() in html.unescape(refused_answer.text) or field == "kind"
    assert db.session.scalars(select(Appeal.revision)).one() == 1 + 1


def test_a_slug_can_be_changed_in_a_draft_but_not_in_an_open_appeal(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient, appeal: AppealView
) -> None:
    values = form_values(editor.get(f"{DRAFT_PAGE}/facts"))
    taken = send_form(editor, f"{DRAFT_PAGE}/facts", **{**values, "slug": appeal.slug})
    assert "has this name already" in taken.text
    moved = send_form(editor, f"{DRAFT_PAGE}/facts", **{**values, "slug": "ana"})
    assert moved.location.startswith("/staff/appeals/ana/edit")
    values = form_values(coordinator.get(f"/staff/appeals/{appeal.slug}/facts"))
    answer = send_form(coordinator, f"/staff/appeals/{appeal.slug}/facts", **{**values, "slug": "other", "goal": "9"})
    assert answer.location.startswith(f"/staff/appeals/{appeal.slug}/edit")


def test_a_correction_of_an_open_appeal_keeps_its_signatures(
    app: Flask, client: FlaskClient, coordinator: FlaskClient, appeal: AppealView
) -> None:
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form())
    confirm_newest(app.extensions["tocsin"].clock())
    at = f"/staff/appeals/{appeal.slug}"
    values = form_values(coordinator.get(f"{at}/texts/en"))
    assert send_form(coordinator, f"{at}/texts/en", **{**values, "closing": "Respectfully,"}).status_code == 303
    db.session.rollback()
    text = db.session.scalars(select(AppealText).where(AppealText.is_current)).one()
    assert (text.version, text.signed_before) == (2, 1)
    assert "1 signature had been confirmed before" in coordinator.get(f"{at}/edit").text
    clear_caches(app)
    page = client.get(f"/en/appeals/{appeal.slug}").text
    assert "Respectfully," in page
    assert client.get(f"/api/v1/appeals/{appeal.slug}").get_json()["counts"]["signatures"] == 1


def test_the_letter_as_mail_and_as_pdf(editor: FlaskClient, draft: str) -> None:
    page = editor.get(f"{DRAFT_PAGE}/texts/en/mail")
    assert "your name" in page.text, "the mail has a placeholder for the name"
    assert "protect her at once" in page.text
    framed = editor.get(f"{DRAFT_PAGE}/texts/en/mail.html")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "protect her at once" in framed.text
    paper = editor.get(f"{DRAFT_PAGE}/texts/en/letter.pdf")
    assert paper.data.startswith(b"%PDF")
    assert editor.get(f"{DRAFT_PAGE}/texts/de/mail").status_code == 404


def test_targets_are_added_and_removed(editor: FlaskClient, draft: str) -> None:
    empty = form_values(editor.get(f"{DRAFT_PAGE}/targets/0"))
    assert send_form(editor, f"{DRAFT_PAGE}/targets/0", **empty).status_code == 422
    fields = {
        **empty,
        "kind": "embassy",
        "country": "FR",
        "role_en": "Embassy of Colombia",
        "emails": "e@embassy.example",
    }
    assert send_form(editor, f"{DRAFT_PAGE}/targets/0", **fields).status_code == 303
    assert "Embassy of Colombia" in editor.get(f"{DRAFT_PAGE}/edit").text
    assert send_form(editor, f"{DRAFT_PAGE}/targets/2/remove").status_code == 303
    assert "Embassy of Colombia" not in editor.get(f"{DRAFT_PAGE}/edit").text
    assert send_form(editor, f"{DRAFT_PAGE}/targets/2/remove").status_code == 404
