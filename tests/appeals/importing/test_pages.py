"""The staff room's import: an update, the question with both texts, the changes of an open appeal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.domain.staff.roles import Role
from campaign.services.appeals.lifecycle import close, publish
from tests.appeals.editing.editor import DRAFT_PAGE, send_form, upload
from tests.appeals.importing.cases import PLAIN_TEXT, UPDATE_TEXT, slugs, stored_rows
from tests.conftest import DOCUMENT, FRENCH, context
from tests.staff.staff_clients import staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

UNCLEAR = PLAIN_TEXT.replace("THREATENED FOR", "IN DANGER <b>FOR</b>").encode()
CORRECTED = DOCUMENT.replace("TEACHER THREATENED FOR TEACHING", "TEACHER THREATENED AGAIN").encode()
DOCUMENT_PATH = f"{DRAFT_PAGE}/document"


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    return staff_client(app, Role.EDITOR)


@pytest.fixture
def before(editor: FlaskClient) -> dict[str, Any]:
    """Return all rows of an open appeal of the editor's section."""
    assert upload(editor).status_code == 303
    publish("ua-7-26", context=context())
    return stored_rows("ua-7-26")


def answer(editor: FlaskClient, page: TestResponse, **fields: str) -> TestResponse:
    """Send the form of the page, as a browser without scripts does."""
    form = re.search(r'<form method="post" action="(/staff/appeals[^"]*)" enctype.*?</form>', page.text, re.DOTALL)
    assert form
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    hidden.pop("csrf_token")
    return send_form(editor, form[1], **{**hidden, **fields})


def test_an_update_becomes_a_new_appeal_and_the_open_one_stays(editor: FlaskClient, before: dict[str, Any]) -> None:
    done = upload(editor, UPDATE_TEXT.encode())
    assert done.location == "/staff/appeals/ua-7-26-2/comparison"
    assert "follows ua-7-26" in editor.get(done.location).text
    assert stored_rows("ua-7-26") == before
    assert upload(editor, UPDATE_TEXT.encode()).status_code == 422
    assert slugs() == ["ua-7-26", "ua-7-26-2"]


def test_an_update_on_the_page_of_the_first_becomes_a_new_appeal_too(
    editor: FlaskClient, before: dict[str, Any]
) -> None:
    done = upload(editor, UPDATE_TEXT.encode(), path=DOCUMENT_PATH)
    assert done.location == "/staff/appeals/ua-7-26-2/comparison"
    assert stored_rows("ua-7-26") == before


@pytest.mark.parametrize("path", ["", DOCUMENT_PATH])
def test_an_unclear_document_is_shown_beside_the_appeal(editor: FlaskClient, before: dict[str, Any], path: str) -> None:
    page = upload(editor, UNCLEAR, path=path)
    assert page.status_code == 409
    assert "TEACHER THREATENED FOR TEACHING" in page.text
    assert "TEACHER IN DANGER" in page.text
    assert "<b>" not in page.text
    for value in ("update", "correction"):
        assert f'name="answer" value="{value}">' in page.text
    assert "other-case" not in page.text
    assert stored_rows("ua-7-26") == before
    assert slugs() == ["ua-7-26"]


@pytest.mark.parametrize("path", ["", DOCUMENT_PATH])
def test_the_button_for_an_update_makes_a_new_appeal(editor: FlaskClient, before: dict[str, Any], path: str) -> None:
    done = answer(editor, upload(editor, UNCLEAR, path=path), answer="update")
    assert done.location == "/staff/appeals/ua-7-26-2/comparison"
    assert stored_rows("ua-7-26") == before


@pytest.mark.parametrize("path", ["", DOCUMENT_PATH])
def test_the_button_for_a_correction_shows_the_changes_first(
    editor: FlaskClient, before: dict[str, Any], path: str
) -> None:
    changes = answer(editor, upload(editor, UNCLEAR, path=path), answer="correction")
    assert changes.status_code == 409
    assert "TEACHER IN DANGER" in changes.text
    assert stored_rows("ua-7-26") == before
    done = answer(editor, changes)
    assert done.status_code == 200
    assert stored_rows("ua-7-26")["AppealText"][1]["headline"].startswith("TEACHER IN DANGER")
    assert slugs() == ["ua-7-26"]


def test_changes_of_an_open_appeal_are_made_after_one_button(editor: FlaskClient, before: dict[str, Any]) -> None:
    page = upload(editor, CORRECTED, path=DOCUMENT_PATH)
    assert page.status_code == 409
    assert "TEACHER THREATENED FOR TEACHING" in page.text
    assert "TEACHER THREATENED AGAIN" in page.text
    assert page.text.partition('enctype="multipart/form-data"')[2].partition("</form>")[0].count("<button") == 1
    assert stored_rows("ua-7-26") == before
    assert answer(editor, page).status_code == 200
    assert stored_rows("ua-7-26")["AppealText"][1]["headline"] == "TEACHER THREATENED AGAIN"


def test_changes_that_differ_from_those_shown_are_shown_again(editor: FlaskClient, before: dict[str, Any]) -> None:
    page = upload(editor, CORRECTED, path=DOCUMENT_PATH)
    again = answer(editor, page, seen="0123456789abcdef")
    assert again.status_code == 409
    assert "These are the changes now" in again.text
    assert stored_rows("ua-7-26") == before
    assert answer(editor, again).status_code == 200


def test_a_further_language_and_a_draft_are_changed_without_a_question(editor: FlaskClient) -> None:
    upload(editor)
    assert upload(editor, CORRECTED, path=DOCUMENT_PATH).status_code == 200
    publish("ua-7-26", context=context())
    assert upload(editor, FRENCH.encode(), path=DOCUMENT_PATH).status_code == 303


def test_pasted_text_is_asked_about_too(editor: FlaskClient, before: dict[str, Any]) -> None:
    page = send_form(editor, "/staff/appeals", pasted=UNCLEAR.decode())
    assert answer(editor, page, answer="update").location == "/staff/appeals/ua-7-26-2/comparison"


def test_a_document_without_reference_may_be_another_case(editor: FlaskClient) -> None:
    text = DOCUMENT.partition("\n")[2]
    upload(editor, text.encode())
    page = upload(editor, text.replace("THREATENED", "IN DANGER").encode())
    assert page.status_code == 409
    done = answer(editor, page, answer="other-case")
    assert done.location == "/staff/appeals/ana-ruiz-vega-colombia-2/comparison"
    assert stored_rows("ana-ruiz-vega-colombia-2")["appeal"][0]["follows_id"] is None


def test_an_ended_appeal_offers_no_correction(editor: FlaskClient, before: dict[str, Any]) -> None:
    close("ua-7-26", context=context())
    page = upload(editor, UNCLEAR)
    assert page.status_code == 409
    assert 'value="update"' in page.text
    assert 'value="correction"' not in page.text
    assert answer(editor, page, answer="correction").status_code == 422


def test_another_sections_appeal_is_neither_shown_nor_changed(
    app: Flask, editor: FlaskClient, before: dict[str, Any]
) -> None:
    stranger = staff_client(app, Role.EDITOR, "be-nl")
    refused = upload(stranger, UNCLEAR)
    assert refused.status_code == 422
    assert "TEACHER THREATENED" not in refused.text.partition("<table")[0]
    page = upload(editor, UNCLEAR)
    assert answer(stranger, page, answer="correction").status_code == 404
    assert stored_rows("ua-7-26") == before


@pytest.mark.parametrize("content", ["*", "é", "YQ", ""])
def test_a_damaged_document_in_an_answer_is_refused(editor: FlaskClient, content: str) -> None:
    refused = send_form(editor, "/staff/appeals", content=content, name="a.md", answer="update")
    assert refused.status_code == 422
    assert slugs() == []


@pytest.mark.parametrize("compared", ["", "no-such-appeal", "../x", "\0"])
def test_a_correction_of_an_unknown_appeal_is_not_found(editor: FlaskClient, compared: str) -> None:
    page = send_form(editor, "/staff/appeals", pasted=DOCUMENT, answer="correction", compared=compared)
    assert page.status_code == 404
    assert slugs() == []
