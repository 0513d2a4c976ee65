"""A letter in the supporter's own words: its links and PDF; the text is not stored."""

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
from tests.letter.pages import ACT_PAGE, OWN_LETTER, OWN_LETTER_PAGE, PDF, count_all_rows, mail_body


def test_an_own_letter_becomes_links_and_a_pdf_and_is_not_stored(client: FlaskClient, act_page: str) -> None:
    before = count_all_rows()
    for path in (OWN_LETTER_PAGE, act_page.replace("/act", "/words")):
        page = client.post(path, data={"words": OWN_LETTER, "lang": "en"})
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        assert mail_body(page.text) == OWN_LETTER.replace("\r\n", "\n")
        assert "<b>Proteja" not in page.text
        pdf = client.post(path, data={"words": OWN_LETTER, "lang": "en", "do": "pdf", "target": "1"})
        assert "Soy maestra. <b>Proteja</b> a Ana & su escuela." in text_of_pdf(pdf.data)
        assert "Calle Ejemplo 1" in text_of_pdf(pdf.data)
    assert count_all_rows() == before


def test_an_invalid_own_letter_is_returned_with_the_reason(client: FlaskClient, appeal: AppealView) -> None:
    for words in ("", "   \r\n ", "x" * 10_001, "caf\ufffd"):
        page = client.post(OWN_LETTER_PAGE, data={"words": words})
        assert page.status_code == 422
        assert 'id="words-wrong"' in page.text
    answer = client.post(OWN_LETTER_PAGE, data={"words": "a\x00b\x1bc \ue000d"})
    assert mail_body(answer.text) == "abc d"
    for do in ("pdf", "show"):
        page = client.post(OWN_LETTER_PAGE, data={"words": "名前", "do": do})
        assert page.status_code == (422 if do == "pdf" else 200)
        assert ('id="words-wrong"' in page.text) is (do == "pdf")
        assert "名前</textarea>" in page.text, "the typed text stays"
    assert client.post(OWN_LETTER_PAGE, data={"words": "a", "do": "pdf", "target": "99"}).status_code == 404


def test_no_pdf_is_offered_without_a_font_for_the_text(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView
) -> None:
    assert 'value="pdf"' in client.get(OWN_LETTER_PAGE).text
    assert "letter.pdf" in client.get(ACT_PAGE + "?country=FR").text
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.language == "en")).one()
        text.paragraphs = ["أطلب منكم حمايتها فوراً."]
    clear_caches(app)
    assert 'value="pdf"' not in client.get(OWN_LETTER_PAGE).text
    page = client.get(ACT_PAGE + "?country=FR").text
    assert "letter.pdf" not in page
    assert "No PDF: this server has no font" in page
    assert client.get(PDF).status_code == 422


def test_the_language_switch_keeps_the_typed_letter(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    assert 'value="carry"' not in client.get(OWN_LETTER_PAGE).text, "without typed text the switch has plain links"
    page = client.post(OWN_LETTER_PAGE, data={"words": OWN_LETTER, "lang": "fr"}).text
    assert 'form="own" formaction="/de/appeals/ana-ruiz-vega/words"' in page
    for typed in (OWN_LETTER, "x" * 10_001):
        carried = client.post(
            OWN_LETTER_PAGE.replace("/en/", "/de/"), data={"words": typed, "lang": "fr", "do": "carry"}
        )
        assert carried.status_code == 200
        assert '<html lang="de"' in carried.text
        assert html.escape(typed[:9_000].replace("\r\n", "\n"), quote=False)[:40] in carried.text
        assert '<input type="hidden" name="lang" value="fr">' in carried.text


def test_the_own_letter_can_start_from_the_model_letter(client: FlaskClient, appeal: AppealView, act_page: str) -> None:
    assert "Dear Minister" in client.get(OWN_LETTER_PAGE).text
    assert "<textarea" in client.get(OWN_LETTER_PAGE).text
    page = client.get(act_page.replace("/act", "/words") + "?start=model").text
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
