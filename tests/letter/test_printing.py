"""Characters that a PDF must not contain are omitted from a letter, a poster and a paper sheet."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from campaign.document import parse_text
from campaign.document.draft import DraftLetter
from campaign.domain.staff.roles import Role
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import DOCUMENT, context
from tests.staff.staff_clients import join_staff, log_in

FORBIDDEN = "\ufeff\ufffe\x01\x08\x7f\x85"


@pytest.mark.parametrize(
    "character", ["\ufeff", "\ufffe", "\x01", "\x08", "\x7f", "\x85", "\\\ufeff", "\\\\\ufffe", "\\ufeff", "\\"]
)
def test_forbidden_characters_are_omitted_and_the_rest_is_printed(
    app: Flask, client: FlaskClient, character: str
) -> None:
    odd = f"One{character}two."
    letter = DraftLetter("Dear Minister,", (odd,), "Yours,")
    draft = replace(parse_text(DOCUMENT), headline=odd, summary=odd, letter=letter)
    import_draft(draft, ImportOptions(slug="odd"), context=context())
    publish("odd", context=context())
    join_staff(app, "ana@staff.example", Role.EDITOR)
    desk = log_in(app, "ana@staff.example")
    for answer in (
        client.get("/en/appeals/odd/letter.pdf"),
        client.get("/en/appeals/odd/poster/fr.pdf"),
        desk.get("/staff/appeals/odd/sheet/print.pdf"),
    ):
        assert (answer.status_code, answer.data[:5]) == (200, b"%PDF-")
        assert f"One{character.strip(FORBIDDEN)}two." in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    card = client.get("/en/appeals/odd/card.png")
    assert (card.status_code, card.data[1:4]) == (200, b"PNG")
