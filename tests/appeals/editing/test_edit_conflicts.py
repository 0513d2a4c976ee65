"""Two editors at once: the second sees what changed, nothing is overwritten, and no typed text is lost."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.staff.roles import Role
from campaign.models import Appeal, AppealText, Staff
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import close, stop
from tests.appeals.editing.editor import (
    DRAFT_PAGE,
    SLUG,
    as_lists,
    confirm_draft,
    form_values,
    publish,
    send_form,
    upload,
)
from tests.conftest import DOCUMENT, FRENCH, context
from tests.staff.staff_clients import join_staff, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow


def test_the_second_editor_sees_the_conflict_and_loses_no_text(
    editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    mine, theirs = (
        form_values(editor.get(f"{DRAFT_PAGE}/texts/en")),
        form_values(coordinator.get(f"{DRAFT_PAGE}/texts/en")),
    )
    theirs |= {"headline": "THEIR HEADLINE", "closing": "Their closing,"}
    assert send_form(coordinator, f"{DRAFT_PAGE}/texts/en", **theirs).status_code == 303
    mine |= {"headline": "MY HEADLINE", "background": "My background."}
    told = send_form(editor, f"{DRAFT_PAGE}/texts/en", **mine)
    assert told.status_code == 409
    assert "Somebody else has changed this" in told.text
    assert "THEIR HEADLINE" in told.text
    merged = form_values(told)
    assert merged["headline"] == ["MY HEADLINE"]
    assert merged["background"] == "My background."
    assert merged["closing"] == "Their closing,"
    current = db.session.scalars(select(AppealText).where(AppealText.is_current)).one()
    assert current.headline == "THEIR HEADLINE"
    assert send_form(editor, f"{DRAFT_PAGE}/texts/en", **merged).status_code == 303
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
    mine = form_values(editor.get(f"{DRAFT_PAGE}/{part}")) | {field: ours}
    theirs = form_values(coordinator.get(f"{DRAFT_PAGE}/{part}")) | {field: others}
    assert send_form(coordinator, f"{DRAFT_PAGE}/{part}", **theirs).status_code == 303
    told = send_form(editor, f"{DRAFT_PAGE}/{part}", **mine)
    assert told.status_code == 409
    assert ours in told.text
    assert others in told.text
    assert send_form(editor, f"{DRAFT_PAGE}/{part}", **form_values(told)).status_code == 303


def test_a_damaged_copy_of_former_values_overwrites_nothing(editor: FlaskClient, draft: str) -> None:
    values = form_values(editor.get(f"{DRAFT_PAGE}/facts"))
    for seen in ("", "{", "[]", json.dumps({"goal": 1})):
        assert send_form(editor, f"{DRAFT_PAGE}/facts", **{**values, "goal": "77", "seen": seen}).status_code == 409


@pytest.mark.parametrize(("end", "said"), [(close, "was closed"), (stop, "was stopped")])
def test_text_typed_while_the_appeal_ends_is_shown_and_not_saved(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient, end: Any, said: str
) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert publish(coordinator).status_code == 303
    typed: dict[str, dict[str, Any]] = {
        "texts/en": {
            **form_values(editor.get(f"{DRAFT_PAGE}/texts/en")),
            "letter": "Typed for an hour.",
            "headline": "",
        },
        "texts/fr": {**form_values(editor.get(f"{DRAFT_PAGE}/texts/fr")), "headline": "TAPÉ PENDANT UNE HEURE"},
        "targets/1": {**form_values(editor.get(f"{DRAFT_PAGE}/targets/1")), "address_en": "Typed Street 1"},
        "targets/0": {**form_values(editor.get(f"{DRAFT_PAGE}/targets/0")), "role_en": "Typed Embassy"},
        "facts": {**form_values(editor.get(f"{DRAFT_PAGE}/facts")), "goal": "54321"},
    }
    end(SLUG, context=context(runtime().clock()))
    before = [(appeal.goal, appeal.revision) for appeal in db.session.scalars(select(Appeal))]
    db.session.rollback()
    for part, values in typed.items():
        answer = send_form(editor, f"{DRAFT_PAGE}/{part}", **values)
        assert answer.status_code == 409, part
        assert f"This appeal {said} while you were writing" in answer.text
        assert ">Keep</button>" not in answer.text
        back = as_lists(form_values(answer))
        assert back == {name: value for name, value in as_lists(values).items() if name in back}, part
        assert set(back) >= {"seen", *(name for name, value in as_lists(values).items() if "yped" in str(value))}, part
    assert "Typed for an hour." in send_form(editor, f"{DRAFT_PAGE}/texts/en", **typed["texts/en"]).text
    db.session.rollback()
    assert [(appeal.goal, appeal.revision) for appeal in db.session.scalars(select(Appeal))] == before
    stranger = staff_client(app, Role.EDITOR, "be-nl")
    for part, values in typed.items():
        assert send_form(stranger, f"{DRAFT_PAGE}/{part}", **values).status_code == 404, part
        assert editor.get(f"{DRAFT_PAGE}/{part}").status_code == 404, "an ended appeal cannot be edited"


def test_text_typed_for_a_removed_target_is_shown(editor: FlaskClient, draft: str) -> None:
    send_form(
        editor,
        f"{DRAFT_PAGE}/targets/0",
        **{**form_values(editor.get(f"{DRAFT_PAGE}/targets/0")), "role_en": "Embassy", "kind": "embassy"},
    )
    values = {**form_values(editor.get(f"{DRAFT_PAGE}/targets/2")), "address_en": "Typed Street 1"}
    assert send_form(editor, f"{DRAFT_PAGE}/targets/2/remove").status_code == 303
    answer = send_form(editor, f"{DRAFT_PAGE}/targets/2", **values)
    assert answer.status_code == 409
    assert "Somebody else took this one away" in answer.text
    assert "Typed Street 1" in answer.text


def outcome_values(page: TestResponse) -> dict[str, str]:
    """Return the values of the outcome form."""
    fields = re.findall(r'name="(seen_\w\w)" value="([^"]*)"', page.text)
    fields += re.findall(r'<textarea[^>]* name="(outcome_\w\w)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    return {name: html.unescape(value) for name, value in fields}


@pytest.mark.parametrize("end", [close, stop])
def test_an_outcome_typed_while_the_appeal_ends_is_shown_again(
    editor: FlaskClient, draft: str, coordinator: FlaskClient, end: Any
) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert publish(coordinator).status_code == 303
    typed = {**outcome_values(coordinator.get(f"{DRAFT_PAGE}/edit")), "outcome_en": "He was **released** today."}
    end(SLUG, context=context(runtime().clock()))
    answer = send_form(coordinator, f"{DRAFT_PAGE}/stop", **typed)
    assert answer.status_code == 422
    assert outcome_values(answer)["outcome_en"] == "He was **released** today."
    assert send_form(coordinator, f"{DRAFT_PAGE}/outcome", **outcome_values(answer)).status_code == 303
    assert db.session.scalars(select(Appeal.outcome)).one() == {"en": "He was **released** today."}


def test_two_editors_of_the_outcome_overwrite_nothing(
    editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    upload(editor, FRENCH.encode(), path=DRAFT_PAGE + "/document")
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert publish(coordinator).status_code == 303
    stop(SLUG, context=context(runtime().clock()))
    first = second = outcome_values(coordinator.get(f"{DRAFT_PAGE}/edit"))
    assert set(first) == {"seen_en", "seen_fr", "outcome_en", "outcome_fr"}
    assert (
        send_form(coordinator, f"{DRAFT_PAGE}/outcome", **{**first, "outcome_en": "Free.\nAt last."}).status_code == 303
    )
    # The text of the first editor in the other language stays.
    assert send_form(coordinator, f"{DRAFT_PAGE}/outcome", **{**second, "outcome_fr": "Libre."}).status_code == 303
    assert db.session.scalars(select(Appeal.outcome)).one() == {"en": "Free.\nAt last.", "fr": "Libre."}
    db.session.rollback()
    told = send_form(coordinator, f"{DRAFT_PAGE}/outcome", **{**second, "outcome_en": "Still held."})
    assert told.status_code == 409
    assert re.search(r"Meanwhile somebody else wrote:</strong><pre[^>]*>Free\.\nAt last\.</pre>", told.text)
    assert outcome_values(told)["outcome_en"] == "Still held."
    assert send_form(coordinator, f"{DRAFT_PAGE}/outcome", **outcome_values(told)).status_code == 303
    assert db.session.scalars(select(Appeal.outcome)).one()["en"] == "Still held."


def former_values(page: TestResponse, name: str) -> str:
    """Return the form's copy of the former values."""
    match = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert match is not None
    return html.unescape(match[1])


def test_two_editors_of_the_follow_up_overwrite_nothing(
    editor: FlaskClient, draft: str, coordinator: FlaskClient, appeal: AppealView
) -> None:
    third = import_draft(parse_text(DOCUMENT), ImportOptions(slug="third"), context=context(runtime().clock())).slug
    before = former_values(editor.get(f"{DRAFT_PAGE}/edit"), "seen_follows")
    assert before == ""
    assert send_form(coordinator, f"{DRAFT_PAGE}/follows", follows=appeal.slug, seen_follows=before).status_code == 303
    told = send_form(editor, f"{DRAFT_PAGE}/follows", follows=third, seen_follows=before)
    assert told.status_code == 409
    assert "Meanwhile somebody else has kept:" in told.text
    assert f'<option value="{third}" selected>' in told.text, "the choice stays"
    follows = select(Appeal.follows_id).where(Appeal.slug == SLUG)
    assert db.session.scalars(follows).one() == appeal.id
    db.session.rollback()
    # Fields that the second did not change are no conflict, and after seeing the conflict they may save their own.
    assert send_form(editor, f"{DRAFT_PAGE}/follows", follows=appeal.slug, seen_follows=before).status_code == 303
    answer = send_form(editor, f"{DRAFT_PAGE}/follows", follows=third, seen_follows=former_values(told, "seen_follows"))
    assert answer.status_code == 303
    assert db.session.scalars(follows).one() != appeal.id


def test_two_editors_of_the_continuation_overwrite_nothing(
    app: Flask, editor: FlaskClient, draft: str, coordinator: FlaskClient
) -> None:
    confirm_draft(editor)
    send_form(editor, f"{DRAFT_PAGE}/request-review")
    assert publish(coordinator).status_code == 303
    at, colleague, neighbour = (
        f"{DRAFT_PAGE}/continuation",
        staff_client(app, Role.ADMIN),
        staff_client(app, Role.EDITOR, "be-nl"),
    )
    before = former_values(editor.get(f"{DRAFT_PAGE}/edit"), "seen_continuation")
    assert send_form(colleague, at, goes="on", until="2099-05-01", seen_continuation=before).status_code == 303
    told = send_form(editor, at, goes="stop", seen_continuation=before)
    assert told.status_code == 409
    assert re.search(r"Meanwhile somebody else has kept:</strong> goes on until [^<]*2099", told.text)
    assert 'value="stop" checked' in told.text
    assert db.session.scalars(select(Appeal.continuation)).one() == {"fr": "2099-05-01"}
    db.session.rollback()
    # Another section writes its own continuation, so it meets no conflict.
    assert send_form(neighbour, at, goes="stop", seen_continuation="").status_code == 303
    now = former_values(told, "seen_continuation")
    assert send_form(editor, at, goes="stop", seen_continuation=now).status_code == 303
    assert db.session.scalars(select(Appeal.continuation)).one() == {"fr": None, "be-nl": None}


def test_two_admins_who_change_an_account_overwrite_nothing(app: Flask) -> None:
    who = join_staff(app, "somebody@staff.example", Role.VIEWER)
    first, second = staff_client(app, Role.ADMIN), staff_client(app, Role.ADMIN, "be-nl")
    at = f"/staff/accounts/{who}"
    before = form_values(second.get(at))
    assert send_form(first, at, **{**before, "section": "be-nl", "role": "editor"}).status_code == 303
    told = send_form(second, at, **{**before, "role": "coordinator"})
    assert told.status_code == 409
    assert "Somebody else has changed this" in told.text
    assert re.search(r"Meanwhile somebody else wrote:</strong><pre[^>]*>[Ee]ditor</pre>", told.text)
    merged = form_values(told)
    assert (merged["role"], merged["section"]) == (["coordinator"], ["be-nl"])
    kept = select(Staff.role, Staff.section_code, Staff.active).where(Staff.id == who)
    assert tuple(db.session.execute(kept).one()) == ("editor", "be-nl", True)
    db.session.rollback()
    ended = {name: value for name, value in before.items() if name != "active"} | {"role": "editor"}
    assert "Meanwhile somebody else has kept:" not in send_form(second, at, **ended).text
    assert send_form(second, at, **merged).status_code == 303
    assert tuple(db.session.execute(kept).one()) == ("coordinator", "be-nl", True)
