"""The letter's pages: every channel, the language and form that were picked, a name or none, reports counted."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from campaign.document import parse_text
from campaign.extensions import db
from campaign.models import Action, Appeal, AppealText, Target
from campaign.queries.appeal import AppealView, find_appeal
from campaign.queries.counts import counts
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.services.transaction import transaction
from campaign.services.verify import verify
from tests.conftest import DOCUMENT, START, Clock, Postbox, form, fresh
from tests.letter.letters import text_of_pdf

ACT = "/en/appeals/ana-ruiz-vega/act"
PDF = "/en/appeals/ana-ruiz-vega/letter.pdf"
WORDS = "/en/appeals/ana-ruiz-vega/words"
FRENCH = (Path(__file__).parent.parent / "letter" / "ana-ruiz-vega.fr.md").read_text(encoding="utf-8")


@pytest.fixture
def both(appeal: AppealView) -> AppealView:
    """The appeal in English and in French, with every channel and an embassy in France."""
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), now=START)
    with transaction() as session:
        session.execute(update(Appeal).values(languages=["es", "fr"]))
    found = find_appeal("ana-ruiz-vega")
    assert found is not None
    assert set(found.texts) == {"en", "fr"}
    db.session.rollback()
    return found


@pytest.fixture
def act(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> str:
    """The act page of somebody who has confirmed."""
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    deliver()
    return str(client.post(postbox.link()).location)


def links(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]+)"', page)]


def picture_of(address: str) -> bytes:
    picture = io.BytesIO()
    code = segno.make_qr(address, error="m")
    code.save(picture, kind="svg", border=3, dark="#000", light="#fff", omitsize=True)
    return picture.getvalue()


def mailed(page: str) -> str:
    """The body of the page's first mail link."""
    url = next(link for link in links(page) if link.startswith("mailto:"))
    return unquote(url.partition("body=")[2]).replace("\r\n", "\n")


def test_the_pdf_is_the_letter_with_no_name_or_with_the_signers(client: FlaskClient, act: str) -> None:
    unsigned = client.get(PDF + "?lang=en")
    assert (unsigned.status_code, unsigned.headers["Content-Type"]) == (200, "application/pdf")
    assert unsigned.data.startswith(b"%PDF-")
    said = text_of_pdf(unsigned.data)
    for part in ("Pedro Alba Montes", "Calle Ejemplo 1", "Dear Minister,", "I ask you to protect her at once."):
        assert part in said
    assert "March 1, 2026" in said
    assert "Jeanne" not in said
    signed = client.get(act.replace("/act", "/letter.pdf"))
    assert signed.headers["Cache-Control"] == "no-store"
    assert text_of_pdf(signed.data).endswith("Yours sincerely, Jeanne Martin March 1, 2026")


def test_the_letter_is_in_the_language_and_form_that_were_picked(client: FlaskClient, both: AppealView) -> None:
    for query, wanted in (
        ("", "I fear for the life"),
        ("?lang=fr", "Je suis préoccupé-e :"),
        ("?lang=fr&form=f", "Je suis préoccupée :"),
        ("?lang=fr&form=m", "Je suis préoccupé :"),
        ("?lang=xx&form=zz&country=QQ", "I fear for the life"),
    ):
        assert wanted in mailed(client.get(ACT + query).text)
        assert wanted in text_of_pdf(client.get(PDF + query).data)
    page = client.get(ACT).text
    assert page.index('value="fr"') < page.index('value="en"'), "what is read there comes first"
    assert '<option value="en" selected>' in page


def test_switching_the_pages_language_keeps_what_was_picked(client: FlaskClient, both: AppealView) -> None:
    for path in (ACT, WORDS):
        picked = client.get(path + "?lang=fr&country=DE&form=f").text
        assert f'href="{path.replace("/en/", "/de/")}?lang=fr&amp;country=DE&amp;form=f" lang="de"' in picked
        assert f'href="{path.replace("/en/", "/de/")}" lang="de"' in client.get(path).text


def test_a_page_without_a_text_in_its_language_says_so(client: FlaskClient, both: AppealView) -> None:
    page = client.get(ACT.replace("/en/", "/ar/")).text
    assert '<html lang="ar" dir="rtl">' in page
    assert '<div class="letter" id="text" lang="en" dir="ltr">' in page
    assert "you read it in" in page or "الإنجليزية" in page


def test_every_channel_has_its_step_and_last_useful_day(client: FlaskClient, both: AppealView) -> None:
    page = client.get(ACT + "?lang=fr&country=FR").text
    for channel in ("email", "embassy", "letter", "fax", "phone", "social"):
        assert f'<li id="{channel}"' in page
    assert "By post until March 22, 2026" in page, "three weeks from France to Colombia"
    assert "By post until April 8, 2026" in page, "four days to the embassy in one’s own country"
    assert "@interior_example" in page
    assert "Bonjour. Je m’appelle" in page, "the script is in the letter's language"
    assert "tel:%2B5710000001" in page
    said = text_of_pdf(client.get(PDF + "?lang=fr&country=FR&target=1&as=fax").data)
    for part in ("Fax", "+57 1 000 00 00", "MENACÉE", "1 mars 2026"):
        assert part in said


def test_an_embassy_is_shown_where_it_stands_only(client: FlaskClient, both: AppealView) -> None:
    assert "embajada@interior.example" in client.get(ACT + "?lang=fr&country=FR").text
    for country in ("DE", ""):
        assert "embajada@interior.example" not in client.get(ACT + f"?lang=fr&country={country}").text
    said = text_of_pdf(client.get(PDF + "?lang=fr&country=FR&target=2").data)
    assert "75008 Paris" in said


def step(page: str, channel: str) -> str:
    """The part of the page that is that step, or nothing."""
    found = re.search(rf'<li id="{channel}".*?</li>', page, re.DOTALL)
    return found[0] if found else ""


def change_target(app: Flask, position: int, *, is_posted: bool = True, **values: Any) -> None:
    """Changes a target's columns; not posted: it loses its postal address."""
    with transaction() as session:
        target = session.scalars(select(Target).where(Target.position == position)).one()
        for name, value in values.items():
            setattr(target, name, value)
        if not is_posted:
            target.words = {code: {**words, "address": []} for code, words in target.words.items()}
    fresh(app)


def test_an_embassys_address_opens_a_mail_of_its_own(client: FlaskClient, both: AppealView, act: str) -> None:
    for path in (ACT, act):
        page = client.get(path + "?lang=fr&country=FR&form=f").text
        to_embassy = next(link for link in links(step(page, "embassy")) if link.startswith("mailto:"))
        assert to_embassy.startswith("mailto:embajada@interior.example?subject=")
        assert "Je suis préoccupée :" in mailed(step(page, "embassy"))
        assert sum("embajada" in link for link in links(page)) == 4, "the program's, Gmail, Outlook, Yahoo"
        assert "mailto:minister@interior.example?subject=" in "".join(links(step(page, "email"))), "no copy besides"
    for path in (WORDS, act.replace("/act", "/words")):
        page = client.post(path, data={"words": OWN, "lang": "fr", "country": "FR"}).text
        found = [link.partition("?")[0] for link in links(page) if link.startswith("mailto:")]
        assert found == ["mailto:minister@interior.example", "mailto:embajada@interior.example"]
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page))


def test_an_embassy_with_an_e_mail_address_only_is_no_matter_of_post(
    client: FlaskClient, app: Flask, both: AppealView, clock: Clock
) -> None:
    change_target(app, 2, is_posted=False, emails=["embajada@interior.example"], faxes=["+33 1 00"])
    fr = ACT + "?lang=fr&country=FR"
    found = step(client.get(fr).text, "embassy")
    assert "Until April 12, 2026." in found
    assert "By post" not in found
    assert "+33 1 00" in found
    assert "letter.pdf" not in found
    clock.now = START.replace(month=4, day=12)
    found = step(client.get(fr).text, "embassy")
    assert "Too late" not in found
    assert "mailto:embajada@interior.example" in found


def test_an_embassy_out_of_reach_by_post_is_still_written_to(
    client: FlaskClient, both: AppealView, act: str, clock: Clock
) -> None:
    clock.now = START.replace(month=4, day=11)
    client.post(act, data={"channel": "email", "target": "1"})
    found = step(client.get(act + "?lang=fr&country=FR").text, "embassy")
    assert found.startswith('<li id="embassy" class="next">')
    assert "Too late for the post" in found
    assert "letter.pdf" not in found
    assert "mailto:embajada@interior.example" in found


def test_where_only_a_copy_has_an_e_mail_address_the_mail_goes_there(
    client: FlaskClient, app: Flask, both: AppealView, act: str
) -> None:
    change_target(app, 1, emails=[])
    change_target(app, 2, kind="copy", country=None)
    page = client.get(act + "?lang=fr").text
    assert "mailto:embajada@interior.example?subject=" in "".join(links(step(page, "email")))
    assert '<input type="hidden" name="target" value="2">' in step(page, "email")
    client.post(act, data={"channel": "email", "target": "2"})
    assert step(client.get(act + "?lang=fr").text, "email").startswith('<li id="email" class="done">')
    assert "mailto:embajada" in client.post(WORDS, data={"words": OWN, "lang": "fr"}).text


def test_where_only_the_embassy_has_an_e_mail_address_it_is_still_written_to(
    client: FlaskClient, app: Flask, both: AppealView
) -> None:
    change_target(app, 1, emails=[])
    page = client.get(ACT + "?lang=fr&country=FR").text
    assert step(page, "email") == ""
    assert "mailto:embajada@interior.example" in step(page, "embassy")
    assert "act.svg" in step(page, "embassy")
    assert "mailto:" not in client.get(ACT + "?lang=fr&country=DE").text


def test_address_and_subject_can_be_copied_where_there_is_a_script(
    client: FlaskClient, app: Flask, both: AppealView
) -> None:
    change_target(app, 2, kind="copy", country=None)
    page = client.get(ACT + "?lang=fr").text
    for label, said in (
        ("Copy the address", "minister@interior.example"),
        ("Copy the address", "embajada@interior.example"),
        ("Copy the subject", "MENACÉE PARCE QU’ELLE ENSEIGNE"),
    ):
        assert re.search(rf'data-copy="{label}" data-copied="Copied">{said}</bdi>', page), said
    assert not re.search(r"<button[^>]*>\s*Copy", page), "a script makes them"
    assert "<script>" not in page


def test_post_that_would_come_too_late_is_not_offered(client: FlaskClient, both: AppealView, clock: Clock) -> None:
    clock.now += timedelta(days=30)
    page = client.get(ACT + "?lang=fr&country=FR").text
    assert '<li id="letter" class="late">' in page
    assert "Too late for the post" in page
    assert "By post until April 8, 2026" in page


def test_the_code_for_the_telephone_is_a_picture(client: FlaskClient, act: str) -> None:
    for path in ("/en/appeals/ana-ruiz-vega/act.svg", act.replace("/act", "/act.svg")):
        answer = client.get(path)
        assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert b"<svg" in answer.data
    assert client.get(act.replace("/act", "/act.svg")).headers["Cache-Control"] == "no-store"


def test_the_code_for_the_telephone_opens_the_letter_as_it_was_picked(
    client: FlaskClient, both: AppealView, act: str
) -> None:
    for path, query in (
        (ACT, "?lang=fr&country=CA&form=f"),
        (ACT, "?lang=fr&country=DE&form=f"),
        (ACT, "?lang=en"),
        (act, "?lang=fr&country=FR&form=m"),
    ):
        page = client.get(path + query).text
        found = re.search(r'<img src="([^"]+/act\.svg[^"]*)"', page)
        assert found is not None
        assert client.get(html.unescape(found[1])).data == picture_of(f"http://127.0.0.1:8000{path}{query}")


def test_reporting_without_a_signature_needs_a_country_and_is_counted_for_its_section(
    client: FlaskClient, both: AppealView
) -> None:
    refused = client.post(ACT, data={"channel": "fax", "target": "1"})
    assert refused.status_code == 422
    assert 'id="country-wrong"' in refused.text
    done = client.post(ACT, data={"channel": "fax", "target": "1", "country": "FR", "lang": "fr", "form": "f"})
    assert (done.status_code, done.location) == (303, f"{ACT}?lang=fr&country=FR&form=f&done=fax-1#fax")
    assert "Counted, thank you." in client.get(done.location).text
    db.session.rollback()
    found = counts(both.id)
    assert found.by_evidence == {"verified": 0, "reported": 1, "bulk": 0}
    assert found.by_section["fr"].by_channel == {"fax": 1}
    assert verify() == []
    row = db.session.scalars(select(Action)).one()
    assert (row.signature_id, row.target, row.happened_on) == (None, 1, START.date())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "signature"),
        ("channel", "event"),
        ("channel", "x"),
        ("target", "9"),
        ("target", "-1"),
        ("target", "٣"),
    ],
)
def test_only_what_a_supporter_can_do_is_counted(client: FlaskClient, both: AppealView, field: str, value: str) -> None:
    client.post(ACT, data={"channel": "email", "target": "1", "country": "FR", field: value})
    db.session.rollback()
    assert counts(both.id).total == 0


def test_one_network_reports_so_much_and_no_more(client: FlaskClient, appeal: AppealView) -> None:
    codes = [client.post(ACT, data={"channel": "email", "country": "FR"}).status_code for _ in range(45)]
    assert codes == [303] * 40 + [429] * 5
    db.session.rollback()
    assert counts(appeal.id).by_evidence["reported"] == 40
    assert client.post("/en/appeals/ana-ruiz-vega/sign", data=form()).status_code == 303


def test_nothing_is_reported_after_the_end(client: FlaskClient, appeal: AppealView, act: str, clock: Clock) -> None:
    clock.now = START.replace(month=4, day=13, hour=12)
    client.post(act, data={"channel": "letter", "target": "1"})
    clock.now = START.replace(month=4, day=15)
    client.post(act, data={"channel": "letter", "target": "1"})
    client.post(ACT, data={"channel": "email", "country": "FR"})
    db.session.rollback()
    assert counts(appeal.id).by_evidence == {"verified": 1, "reported": 1, "bulk": 0}


def test_what_was_reported_today_is_not_asked_again(client: FlaskClient, act: str, clock: Clock) -> None:
    client.post(act, data={"channel": "letter", "target": "1"})
    assert client.get(act).text.count('name="channel" value="letter"') == 0
    clock.now += timedelta(days=1)
    assert client.get(act).text.count('name="channel" value="letter"') == 1


def test_one_way_leads_to_the_next(client: FlaskClient, both: AppealView, act: str) -> None:
    def states(page: str) -> dict[str, str]:
        return dict(re.findall(r'<li id="(\w+)" class="(\w+)">', page))

    fr = "?lang=fr&country=FR"
    assert states(client.get(act + fr).text) == {
        "email": "next",
        "embassy": "later",
        "letter": "later",
        "fax": "later",
        "phone": "later",
        "social": "later",
    }
    client.post(act, data={"channel": "fax", "target": "1"})
    page = client.get(act + fr).text
    assert {"fax", "phone"} & states(page).keys()
    assert (states(page)["fax"], states(page)["phone"], states(page)["email"]) == ("done", "next", "later")
    assert page.count('class="next"') == 1
    client.post(act, data={"channel": "social", "target": "1"})
    assert states(client.get(act + fr).text)["email"] == "next", "from the last, on to what was left out"
    # Who has not signed is known by nothing but the address they were led to.
    led = client.post(ACT, data={"channel": "email", "target": "1", "country": "FR"}).location
    assert states(client.get(led).text)["email"] == "done"
    assert states(client.get(ACT + "?done=email-" + "9" * 5000).text)["email"] == "next"


def test_a_letter_in_a_language_without_addressees_goes_to_those_of_another(
    client: FlaskClient, app: Flask, both: AppealView
) -> None:
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.language == "fr")).one()
        columns = {column.key: getattr(text, column.key) for column in AppealText.__table__.columns}
        session.add(AppealText(**columns | {"language": "ar", "headline": "احموا آنا", "salutation": None}))
    fresh(app)
    page = client.get(ACT.replace("/en/", "/ar/")).text
    assert 'id="email"' in page
    assert '<address lang="en" dir="ltr">Minister of the Interior' in page
    assert "mailto:minister@interior.example" in page
    assert 'id="text" lang="ar" dir="rtl"' in page
    assert "Dear Minister" not in mailed(page), "nor is it greeted in another language"


OWN = "Señor ministro:\r\n\r\nSoy maestra. <b>Proteja</b> a Ana & su escuela.\r\n\r\nAna Otra"


def test_own_words_become_links_and_a_pdf_and_are_kept_nowhere(client: FlaskClient, act: str) -> None:
    before = _everything()
    for path in (WORDS, act.replace("/act", "/words")):
        page = client.post(path, data={"words": OWN, "lang": "en"})
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        assert mailed(page.text) == OWN.replace("\r\n", "\n")
        assert "<b>Proteja" not in page.text
        pdf = client.post(path, data={"words": OWN, "lang": "en", "do": "pdf", "target": "1"})
        assert "Soy maestra. <b>Proteja</b> a Ana & su escuela." in text_of_pdf(pdf.data)
        assert "Calle Ejemplo 1" in text_of_pdf(pdf.data)
    assert _everything() == before


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
    fresh(app)
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


def test_no_line_of_a_french_text_begins_with_a_sign_of_the_word_before(client: FlaskClient, both: AppealView) -> None:
    page = client.get("/fr/appeals/ana-ruiz-vega").text
    assert "<p>Je suis préoccupé-e\u00a0: on menace" in page
    act = client.get(ACT.replace("/en/", "/fr/")).text
    assert "<p>Je suis préoccupé-e\u00a0: on menace" in act
    assert "Je suis préoccupé-e : on menace" in mailed(act), "what is sent is what was written"


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
    slug = import_draft(parse_text(before + asked + after), ImportOptions(slug="points"), now=START).slug
    publish(slug, now=START)
    page = client.get("/en/appeals/points/act")
    assert page.status_code == 200
    assert "mailto:minister@interior.example" in page.text
    assert "Asking who threatens" in text_of_pdf(client.get("/en/appeals/points/letter.pdf").data)
    assert client.get("/en/appeals/points/words?start=model").status_code == 200


def test_damaged_links_offer_a_new_one(client: FlaskClient, app: Flask) -> None:
    for path in ("/en/m/x/letter.pdf", "/en/m/x/words", "/en/m/x/act.svg"):
        page = client.get(path)
        assert page.status_code == 404
        assert 'action="/en/new-link"' in page.text


def _everything() -> list[int]:
    db.session.rollback()
    tables = db.metadata.sorted_tables
    return [db.session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
