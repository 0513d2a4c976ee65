"""Documents on the staff pages: read, with warnings, refused, and uploaded again."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from campaign.models import Appeal, AppealText, Target
from campaign.platform import db
from tests.appeals.editing.editor import DRAFT_PAGE, send_form, upload
from tests.conftest import DOCUMENT, FRENCH
from tests.document.support.builders import docx
from tests.document.support.files import html
from tests.document.test_refusals import pdf_bomb

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow


def test_warnings_stand_beside_their_field_with_the_documents_line(editor: FlaskClient) -> None:
    text = DOCUMENT.replace("*Yours sincerely,*\n", "").replace("12 April 2026", "12 April")
    upload(editor, text.encode())
    page = editor.get(f"{DRAFT_PAGE}/texts/en").text
    closing = page[page.index('<label for="closing">') : page.index('<label for="talking_points">')]
    assert "The letter has no closing words." in closing
    line = re.search(r'href="#line-en-(\d+)"', closing)
    assert line
    assert f'<li value="{line[1]}" id="line-en-{line[1]}" class="doubted">' in page
    assert "No year is said" in editor.get(f"{DRAFT_PAGE}/facts").text


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "case.md", "This file is empty."),
        (b"GIF89a\x01\x00\x01\x00", "case.gif", "no"),
        (b"PK\x03\x04 damaged", "case.docx", "damaged"),
        (b"%PDF-1.7 damaged", "case.pdf", "damaged"),
        (b"A shopping list: bread, butter, milk.", "list.txt", "asks nobody to act"),
        (b"{\\rtf1 hello}", "case.rtf", "asks nobody to act"),
        (b"<html><img src=x>", "case.html", "pictures of pages and no text"),
        (b"x" * (2 * 1024 * 1024 + 1), "case.txt", "too large (2 MB at most)"),
        (pdf_bomb(), "case.pdf", "choose its text instead"),
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
    refused_answer = send_form(editor, "/staff/appeals")
    assert refused_answer.status_code == 422
    assert "Please choose a file, or paste its text." in refused_answer.text


def test_a_hundred_megabytes_are_refused_without_reading_them(app: Flask, editor: FlaskClient) -> None:
    class UnreadableStream(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    refused_answer = editor.post(
        "/staff/appeals",
        environ_overrides={
            "wsgi.input": UnreadableStream(),
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(100 * 1024 * 1024),
        },
    )
    assert refused_answer.status_code == 413
    assert "too long" in refused_answer.text or "too large" in refused_answer.text
    # Every other form accepts small bodies only.
    small = send_form(editor, f"{DRAFT_PAGE}/request-review", words="x" * 300_000)
    assert small.status_code == 413


def test_pasted_text_is_read_without_scripts(editor: FlaskClient) -> None:
    assert send_form(editor, "/staff/appeals", pasted=DOCUMENT).status_code == 303
    assert db.session.scalars(select(AppealText.headline)).one().startswith("TEACHER THREATENED")


def test_pasted_html_gives_the_links_that_the_text_has_lost(editor: FlaskClient) -> None:
    link = '<a href="mailto:minister@interior.example" onclick="x()">the office</a>'
    page = html(DOCUMENT.replace("minister@interior.example", "LINK")).decode().replace("LINK", link)
    text = DOCUMENT.replace("minister@interior.example", "the office")
    answer = send_form(editor, "/staff/appeals", pasted=text, pasted_html=page + "<script>alert(1)</script>")
    assert answer.status_code == 303
    assert db.session.scalars(select(Target.emails)).one() == ["minister@interior.example"]


def test_pasted_text_is_read_where_its_html_is_no_appeal(editor: FlaskClient) -> None:
    answer = send_form(editor, "/staff/appeals", pasted=DOCUMENT, pasted_html="<p>Something else</p>")
    assert answer.status_code == 303


def test_pasted_text_that_is_no_appeal_stands_in_the_form_again(editor: FlaskClient) -> None:
    answer = send_form(editor, "/staff/appeals", pasted="Lunch is at <noon>.", pasted_html="<p>Lunch")
    assert answer.status_code == 422
    assert "asks nobody to act" in answer.text
    assert ">Lunch is at &lt;noon&gt;.</textarea>" in answer.text
    assert "<details open><summary>Or paste its text" in answer.text


def test_a_file_precedes_a_pasted_text(editor: FlaskClient) -> None:
    file = FileStorage(io.BytesIO(DOCUMENT.encode()), "case.md")
    assert send_form(editor, "/staff/appeals", document=file, pasted="Lunch is at noon.").status_code == 303
    assert len(db.session.scalars(select(Appeal)).all()) == 1


def test_word_documents_are_read_too(editor: FlaskClient) -> None:
    assert upload(editor, docx(DOCUMENT), "case.docx").status_code == 303


def test_the_same_case_again_leads_to_its_draft(editor: FlaskClient, draft: str) -> None:
    refused = upload(editor)
    assert refused.status_code == 422
    assert f'href="{DRAFT_PAGE}/edit"' in refused.text


def test_a_corrected_document_shows_what_changed(editor: FlaskClient, draft: str) -> None:
    again = upload(
        editor, DOCUMENT.replace("three death threats", "four death threats").encode(), path=f"{DRAFT_PAGE}/document"
    )
    assert again.status_code == 200
    assert "summary (en)" in again.text
    assert "four death threats" in again.text
    same = upload(
        editor, DOCUMENT.replace("three death threats", "four death threats").encode(), path=f"{DRAFT_PAGE}/document"
    )
    assert same.status_code == 303


def test_a_corrected_deadline_is_shown(editor: FlaskClient, draft: str) -> None:
    again = upload(editor, DOCUMENT.replace("12 April 2026", "20 April 2026").encode(), path=f"{DRAFT_PAGE}/document")
    assert again.status_code == 200
    assert "2026-04-12" in again.text
    assert "2026-04-20" in again.text


def test_a_second_language_with_another_deadline_is_reported(editor: FlaskClient, draft: str) -> None:
    french = upload(editor, FRENCH.replace("12 AVRIL 2026", "20 AVRIL 2026").encode(), path=f"{DRAFT_PAGE}/document")
    assert french.status_code == 200
    assert "says some facts otherwise" in french.text
    assert "2026-04-20" in french.text
    appeal = db.session.scalars(select(Appeal)).one()
    assert appeal.deadline == date(2026, 4, 12)
    assert set(db.session.scalars(select(AppealText.language))) == {"en", "fr"}
