"""Characters that no PDF may hold do not stop a letter from being printed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.document import parse_text
from campaign.document.draft import DraftLetter
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from tests.conftest import DOCUMENT, START


@pytest.mark.parametrize("character", ["\ufeff", "\ufffe", "\\ufeff", "\\"])
def test_a_letter_with_odd_characters_is_printed(app: Flask, client: FlaskClient, character: str) -> None:
    draft = replace(parse_text(DOCUMENT), letter=DraftLetter("Dear Minister,", (f"One{character}two.",), "Yours,"))
    import_draft(draft, ImportOptions(slug="odd"), now=START)
    publish("odd", now=START)
    page = client.get("/en/appeals/odd/letter.pdf")
    assert (page.status_code, page.data[:5]) == (200, b"%PDF-")
