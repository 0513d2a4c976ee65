"""A letter in the supporter's own words: links and a PDF of the text, which is stored nowhere."""

from __future__ import annotations

import html
import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.document import parse_text
from campaign.models import AppealText
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import DOCUMENT, clear_caches, context
from tests.letter.letters import text_of_pdf
from tests.letter.pages import ACT, OWN, PDF, WORDS, everything, mailed


def test_own_words_become_links_and_a_pdf_and_are_kept_nowhere(client: FlaskClient, act: str) -> None:
    before = everything()
    for path in (WORDS, act.replace("/act", "/words")):
        page = client.post(path, data={"words": OWN, "lang": "en"})
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        assert mailed(page.text) == OWN.replace("\r\n", "\n")
        assert "<b>Proteja" not in page.text
        pdf = client.post(path, data={"words": OWN, "lang": "en", "do": "pdf", "target": "1"})
        assert "Soy maestra. <b>Proteja</b> a Ana & su escuela." in text_of_pdf(pdf.data)
        assert "Calle Ejemplo 1" in text_of_pdf(pdf.data)
    assert everything() == before


def test_own_words_that_cannot_be_taken_come_back_with_the_reason(client: FlaskClient, appeal: AppealView) -> None:
    for words in ("", "   \r\n ", "x" * 10_001, "caf\ufffd"):
        page = client.post(WORDS, data={"words": words})
        assert page.status_code == 422
        assert 'id="words-wrong"' in page.text
    kept = client.post(WORDS, data={"words": "a\x00b\x1bc \ue000d"})
    assert mailed(kept.text) == "abc d"
    for do in ("pdf", "show"):
        page = client.post(WORDS, data={"words": "名前", "do": do})
        assert page.status_code == (422 if do == "pdf" else 200)
        assert ('id="words-wrong"' in page.text) is (do == "pdf")
        assert "名前</textarea>" in page.text, "what was typed is kept"
    assert client.post(WORDS, data={"words": "a", "do": "pdf", "target": "99"}).status_code == 404


def test_no_pdf_is_offered_that_no_font_can_show(client: FlaskClient, app: Flask, both: AppealView) -> None:
    assert 'value="pdf"' in client.get(WORDS).text
    assert "letter.pdf" in client.get(ACT + "?country=FR").text
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.language == "en")).one()
        text.paragraphs = ["أطلب منكم حمايتها فوراً."]
    clear_caches(app)
    assert 'value="pdf"' not in client.get(WORDS).text
    page = client.get(ACT + "?country=FR").text
    assert "letter.pdf" not in page
    assert "No PDF: this server has no font" in page
    assert client.get(PDF).status_code == 422


def test_switching_the_editors_language_keeps_what_was_typed(client: FlaskClient, both: AppealView) -> None:
    assert 'value="carry"' not in client.get(WORDS).text, "nothing is typed yet: plain links"
    page = client.post(WORDS, data={"words": OWN, "lang": "fr"}).text
    assert 'form="own" formaction="/de/appeals/ana-ruiz-vega/words"' in page
    for typed in (OWN, "x" * 10_001):
        carried = client.post(WORDS.replace("/en/", "/de/"), data={"words": typed, "lang": "fr", "do": "carry"})
        assert carried.status_code == 200
        assert '<html lang="de"' in carried.text
        assert html.escape(typed[:9_000].replace("\r\n", "\n"), quote=False)[:40] in carried.text
        assert '<input type="hidden" name="lang" value="fr">' in carried.text


def test_the_editor_can_start_from_the_model(client: FlaskClient, appeal: AppealView, act: str) -> None:
    assert "Dear Minister" in client.get(WORDS).text
    assert "<textarea" in client.get(WORDS).text
    page = client.get(act.replace("/act", "/words") + "?start=model").text
    started = re.search(r'<textarea id="words"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert started is not None
    assert html.unescape(started[1]).startswith("Dear Minister,")
    assert html.unescape(started[1]).endswith("Jeanne Martin")


def test_an_appeal_with_talking_points_only_offers_lines_to_write_on(client: FlaskClient, app: Flask) -> None:
    before, after = DOCUMENT[: DOCUMENT.index("*Dear Minister")], DOCUMENT[DOCUMENT.index("## ADDITIONAL") :]
    asked = "**Please write immediately:**\n\n- Urging them to protect her;\n- Asking who threatens her.\n\n"
    slug = import_draft(parse_text(before + asked + after), ImportOptions(slug="points"), context=context()).slug
    publish(slug, context=context())
    page = client.get("/en/appeals/points/act")
    assert page.status_code == 200
    assert "mailto:minister@interior.example" in page.text
    assert "Asking who threatens" in text_of_pdf(client.get("/en/appeals/points/letter.pdf").data)
    assert client.get("/en/appeals/points/words?start=model").status_code == 200
