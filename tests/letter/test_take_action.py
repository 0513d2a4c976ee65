"""The channels for sending the letter: their recipients, last useful days and order."""

from __future__ import annotations

import html
import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.models import AppealText
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import START, Clock, clear_caches
from tests.letter.letters import text_of_pdf
from tests.letter.pages import (
    ACT_PAGE,
    OWN_LETTER,
    OWN_LETTER_PAGE,
    PDF,
    act_page_mailed_at,
    change_target,
    channel_section,
    decode_picture,
    mail_body,
    mail_links,
)


def test_every_channel_has_its_section_and_last_useful_day(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    page = client.get(ACT_PAGE + "?lang=fr&country=FR").text
    for channel in ("email", "embassy", "letter", "fax", "phone", "social"):
        assert f'<li id="{channel}"' in page
    assert "By post until March 22, 2026" in page, "three weeks from France to Colombia"
    assert "By post until April 8, 2026" in page, "four days to the embassy in the signer's country"
    assert "@interior_example" in page
    assert "Bonjour. Je m’appelle" in page, "the telephone script is in the letter's language"
    assert "tel:%2B5710000001" in page
    said = text_of_pdf(client.get(PDF + "?lang=fr&country=FR&target=1&as=fax").data)
    for part in ("Fax", "+57 1 000 00 00", "MENACÉE", "1 mars 2026"):
        assert part in said


def test_an_embassy_is_shown_only_in_its_country(client: FlaskClient, bilingual_appeal: AppealView) -> None:
    assert "embajada@interior.example" in client.get(ACT_PAGE + "?lang=fr&country=FR").text
    for country in ("DE", ""):
        assert "embajada@interior.example" not in client.get(ACT_PAGE + f"?lang=fr&country={country}").text
    said = text_of_pdf(client.get(PDF + "?lang=fr&country=FR&target=2").data)
    assert "75008 Paris" in said


def test_an_embassy_gets_a_separate_mail(client: FlaskClient, bilingual_appeal: AppealView, act_page: str) -> None:
    for path in (ACT_PAGE, act_page):
        page = client.get(path + "?lang=fr&country=FR&form=f").text
        to_embassy = next(link for link in mail_links(channel_section(page, "embassy")) if link.startswith("mailto:"))
        assert to_embassy.startswith("mailto:embajada@interior.example?subject=")
        assert "Je suis préoccupée :" in mail_body(channel_section(page, "embassy"))
        assert sum("embajada" in link for link in mail_links(page)) == 4, "the program's, Gmail, Outlook, Yahoo"
        assert "mailto:minister@interior.example?subject=" in "".join(mail_links(channel_section(page, "email"))), (
            "the mail to the target has no copy"
        )
    for path in (OWN_LETTER_PAGE, act_page.replace("/act", "/words")):
        page = client.post(path, data={"words": OWN_LETTER, "lang": "fr", "country": "FR"}).text
        found = [link.partition("?")[0] for link in mail_links(page) if link.startswith("mailto:")]
        assert found == ["mailto:minister@interior.example", "mailto:embajada@interior.example"]
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page))


def test_an_embassy_with_an_e_mail_address_only_is_not_offered_by_post(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView, clock: Clock
) -> None:
    change_target(app, 2, is_posted=False, emails=["embajada@interior.example"], faxes=["+33 1 00"])
    fr = ACT_PAGE + "?lang=fr&country=FR"
    found = channel_section(client.get(fr).text, "embassy")
    assert "Until April 12, 2026." in found
    assert "By post" not in found
    assert "+33 1 00" in found
    assert "letter.pdf" not in found
    clock.now = START.replace(month=4, day=12)
    found = channel_section(client.get(fr).text, "embassy")
    assert "Too late" not in found
    assert "mailto:embajada@interior.example" in found


def test_an_embassy_too_late_for_post_is_still_offered_by_mail(
    client: FlaskClient, bilingual_appeal: AppealView, act_page: str, clock: Clock
) -> None:
    clock.now = START.replace(month=4, day=11)
    act_page = act_page_mailed_at(clock.now)
    client.post(act_page, data={"channel": "email", "target": "1"})
    found = channel_section(client.get(act_page + "?lang=fr&country=FR").text, "embassy")
    assert found.startswith('<li id="embassy" class="next">')
    assert "Too late for the post" in found
    assert "letter.pdf" not in found
    assert "mailto:embajada@interior.example" in found


def test_if_only_a_copy_has_an_e_mail_address_the_mail_goes_there(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView, act_page: str
) -> None:
    change_target(app, 1, emails=[])
    change_target(app, 2, kind="copy", country=None)
    page = client.get(act_page + "?lang=fr").text
    assert "mailto:embajada@interior.example?subject=" in "".join(mail_links(channel_section(page, "email")))
    assert '<input type="hidden" name="target" value="2">' in channel_section(page, "email")
    client.post(act_page, data={"channel": "email", "target": "2"})
    assert channel_section(client.get(act_page + "?lang=fr").text, "email").startswith('<li id="email" class="done">')
    assert "mailto:embajada" in client.post(OWN_LETTER_PAGE, data={"words": OWN_LETTER, "lang": "fr"}).text


def test_if_only_the_embassy_has_an_e_mail_address_the_mail_goes_there(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView
) -> None:
    change_target(app, 1, emails=[])
    page = client.get(ACT_PAGE + "?lang=fr&country=FR").text
    assert channel_section(page, "email") == ""
    assert "mailto:embajada@interior.example" in channel_section(page, "embassy")
    assert "act.svg" in channel_section(page, "embassy")
    assert "mailto:" not in client.get(ACT_PAGE + "?lang=fr&country=DE").text


def test_address_and_subject_can_be_copied_with_scripts(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView
) -> None:
    change_target(app, 2, kind="copy", country=None)
    page = client.get(ACT_PAGE + "?lang=fr").text
    for label, said in (
        ("Copy the address", "minister@interior.example"),
        ("Copy the address", "embajada@interior.example"),
        ("Copy the subject", "MENACÉE PARCE QU’ELLE ENSEIGNE"),
    ):
        assert re.search(rf'data-copy="{label}" data-copied="Copied">{said}</bdi>', page), said
    assert not re.search(r"<button[^>]*>\s*Copy", page), "the script adds the buttons"
    assert "<script>" not in page


def test_post_that_would_arrive_too_late_is_not_offered(
    client: FlaskClient, bilingual_appeal: AppealView, clock: Clock
) -> None:
    clock.now += timedelta(days=30)
    page = client.get(ACT_PAGE + "?lang=fr&country=FR").text
    assert '<li id="letter" class="late">' in page
    assert "Too late for the post" in page
    assert "By post until April 8, 2026" in page


def test_the_qr_code_is_a_picture(client: FlaskClient, act_page: str) -> None:
    for path in ("/en/appeals/ana-ruiz-vega/act.svg", act_page.replace("/act", "/act.svg")):
        answer = client.get(path)
        assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert b"<svg" in answer.data
    assert client.get(act_page.replace("/act", "/act.svg")).headers["Cache-Control"] == "no-store"


def test_the_qr_code_opens_the_letter_with_the_choices(
    client: FlaskClient, bilingual_appeal: AppealView, act_page: str
) -> None:
    for path, query in (
        (ACT_PAGE, "?lang=fr&country=CA&form=f"),
        (ACT_PAGE, "?lang=fr&country=DE&form=f"),
        (ACT_PAGE, "?lang=en"),
        (act_page, "?lang=fr&country=FR&form=m"),
    ):
        page = client.get(path + query).text
        match = re.search(r'<img src="([^"]+/act\.svg[^"]*)"', page)
        assert match is not None
        assert client.get(html.unescape(match[1])).data == decode_picture(f"http://127.0.0.1:8000{path}{query}")


def test_each_done_channel_leads_to_the_next(client: FlaskClient, bilingual_appeal: AppealView, act_page: str) -> None:
    def states(page: str) -> dict[str, str]:
        return dict(re.findall(r'<li id="(\w+)" class="(\w+)">', page))

    fr = "?lang=fr&country=FR"
    assert states(client.get(act_page + fr).text) == {
        "email": "next",
        "embassy": "later",
        "letter": "later",
        "fax": "later",
        "phone": "later",
        "social": "later",
    }
    client.post(act_page, data={"channel": "fax", "target": "1"})
    page = client.get(act_page + fr).text
    assert {"fax", "phone"} & states(page).keys()
    assert (states(page)["fax"], states(page)["phone"], states(page)["email"]) == ("done", "next", "later")
    assert page.count('class="next"') == 1
    client.post(act_page, data={"channel": "social", "target": "1"})
    assert states(client.get(act_page + fr).text)["email"] == "next", (
        "after the last channel comes the first skipped one"
    )
    # Only the page's address holds the reports of a person who has not signed.
    led = client.post(ACT_PAGE, data={"channel": "email", "target": "1", "country": "FR"}).location
    assert states(client.get(led).text)["email"] == "done"
    assert states(client.get(ACT_PAGE + "?done=email-" + "9" * 5000).text)["email"] == "next"


def test_a_letter_in_a_language_without_targets_goes_to_those_of_another(
    client: FlaskClient, app: Flask, bilingual_appeal: AppealView
) -> None:
    with transaction() as session:
        text = session.scalars(select(AppealText).where(AppealText.language == "fr")).one()
        columns = {column.key: getattr(text, column.key) for column in AppealText.__table__.columns}
        session.add(AppealText(**columns | {"language": "ar", "headline": "احموا آنا", "salutation": None}))
    clear_caches(app)
    page = client.get(ACT_PAGE.replace("/en/", "/ar/")).text
    assert 'id="email"' in page
    assert '<address lang="en" dir="ltr">Minister of the Interior' in page
    assert "mailto:minister@interior.example" in page
    assert 'id="text" lang="ar" dir="rtl"' in page
    assert "Dear Minister" not in mail_body(page), "the salutation is not in another language"
