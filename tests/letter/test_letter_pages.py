"""The letter in the chosen language and form, with a name or without, as a page and as a PDF."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from campaign.queries.appeals.appeal import AppealView
from tests.letter.letters import text_of_pdf
from tests.letter.pages import ACT_PAGE, OWN_LETTER_PAGE, PDF, mail_body


def test_the_pdf_has_the_signers_name_or_none(client: FlaskClient, act_page: str) -> None:
    unsigned = client.get(PDF + "?lang=en")
    assert (unsigned.status_code, unsigned.headers["Content-Type"]) == (200, "application/pdf")
    assert unsigned.data.startswith(b"%PDF-")
    said = text_of_pdf(unsigned.data)
    for part in ("Pedro Alba Montes", "Calle Ejemplo 1", "Dear Minister,", "I ask you to protect her at once."):
        assert part in said
    assert "March 1, 2026" in said
    assert "Jeanne" not in said
    signed = client.get(act_page.replace("/act", "/letter.pdf"))
    assert signed.headers["Cache-Control"] == "no-store"
    assert text_of_pdf(signed.data).endswith("Yours sincerely, Jeanne Martin March 1, 2026")


def test_the_letter_is_in_the_chosen_language_and_form(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    for query, wanted in (
        ("", "I fear for the life"),
        ("?lang=fr", "Je suis préoccupé-e :"),
        ("?lang=fr&form=f", "Je suis préoccupée :"),
        ("?lang=fr&form=m", "Je suis préoccupé :"),
        ("?lang=xx&form=zz&country=QQ", "I fear for the life"),
    ):
        assert wanted in mail_body(client.get(ACT_PAGE + query).text)
        assert wanted in text_of_pdf(client.get(PDF + query).data)
    page = client.get(ACT_PAGE).text
    assert page.index('value="fr"') < page.index('value="en"'), "the language of the target's country comes first"
    assert '<option value="en" selected>' in page


def test_the_language_switch_keeps_the_choices(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    for path in (ACT_PAGE, OWN_LETTER_PAGE):
        picked = client.get(path + "?lang=fr&country=DE&form=f").text
        assert f'href="{path.replace("/en/", "/de/")}?lang=fr&amp;country=DE&amp;form=f" lang="de"' in picked
        assert f'href="{path.replace("/en/", "/de/")}" lang="de"' in client.get(path).text


def test_a_page_without_a_text_in_its_language_says_so(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    page = client.get(ACT_PAGE.replace("/en/", "/ar/")).text
    assert '<html lang="ar" dir="rtl">' in page
    assert '<div class="letter" id="text" lang="en" dir="ltr">' in page
    assert "you read it in" in page or "الإنجليزية" in page


def test_a_french_text_breaks_no_line_before_punctuation(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    page = client.get("/fr/appeals/ana-ruiz-vega").text
    assert "<p>Je suis préoccupé-e\u00a0: on menace" in page
    act_page = client.get(ACT_PAGE.replace("/en/", "/fr/")).text
    assert "<p>Je suis préoccupé-e\u00a0: on menace" in act_page
    assert "Je suis préoccupé-e : on menace" in mail_body(act_page), "the sent text is the written text"


def test_damaged_links_offer_a_new_one(client: FlaskClient, app: Flask) -> None:
    for path in ("/en/m/x/letter.pdf", "/en/m/x/words", "/en/m/x/act.svg"):
        page = client.get(path)
        assert page.status_code == 404
        assert 'action="/en/new-link"' in page.text
