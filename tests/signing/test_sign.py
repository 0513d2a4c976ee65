"""Signing through the form: accepted and refused values, and answers that do not reveal who has signed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.document import parse_text
from campaign.domain.appeals.appeal import end_of_day
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.client import SMTPUTF8_MISSING
from campaign.models import AbuseAlert, Consent, Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.signing.sign_up import origin_of
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import verify_counts
from tests.conftest import DOCUMENT, START, Clock, Postbox, clear_caches, context, count_rows, form, text_of

URL = "/en/appeals/ana-ruiz-vega/sign"


def test_a_sign_up_waits_for_its_confirmation_mail(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.post(URL, data=form(updates="y", share_name="y", via="Stall-Lyon"))
    assert (answer.status_code, answer.location) == (303, "/en/appeals/ana-ruiz-vega/thanks")
    waiting = db.session.scalars(select(SignUp)).one()
    mail = db.session.scalars(select(Mail)).one()
    assert (waiting.section_code, waiting.signature_id) == ("fr", None)
    assert origin_of(waiting, runtime().vault) == ("FR", "stall-lyon")
    assert (waiting.text_language, waiting.text_version) == ("en", 1)
    assert (mail.kind, mail.state, mail.sign_up_id) == ("confirmation", "queued", waiting.id)
    assert b"Jeanne" not in (waiting.name_sealed or b"")
    assert count_rows(Signature) == count_rows(Consent) == 0, "nothing is counted before the confirmation"


def test_consent_to_updates_is_asked_when_confirming(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form(updates="y", share_name="y"))
    deliver()
    page = client.get(postbox.link()).text
    assert page.count('type="checkbox"') == 2
    assert "checked" not in page
    client.post(postbox.link())
    signature = db.session.scalars(select(Signature)).one()
    assert (signature.state, signature.wants_updates, signature.shares_name) == ("confirmed", False, False)
    db.session.rollback()
    client.post(postbox.link(), data={"updates": "y", "share_name": "y"})
    db.session.rollback()
    consents = db.session.execute(select(Consent.to_appeal, Consent.to_updates, Consent.to_sharing_name))
    assert list(map(tuple, consents)) == [(True, False, False), (True, True, True)]
    assert verify_counts() == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 10_000}, ["name"]),
        ({"email": "jeanne"}, ["email"]),
        ({"country": "ZZ"}, ["country"]),
        ({"country": ""}, ["country"]),
        ({"consent": ""}, ["consent"]),
        ({"name": "", "email": "", "country": "", "consent": "n"}, ["name", "email", "country", "consent"]),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_stored(
    client: FlaskClient, appeal: AppealView, changes: dict[str, str], fields: list[str]
) -> None:
    answer = client.post(URL, data=form(**changes))
    assert answer.status_code == 422
    for field in fields:
        assert f'id="{field}-wrong"' in answer.text
    assert count_rows(SignUp) == count_rows(Mail) == 0


def test_typed_values_stay_in_the_returned_form(client: FlaskClient, appeal: AppealView) -> None:
    page = client.post(URL, data=form(email="jeanne")).text
    assert 'value="Jeanne Martin"' in page
    assert '<option value="FR" selected>' in page
    # Without a script too, the errors come first on the page, however far down the form is.
    assert re.search(r'<div class="errors" role="alert" tabindex="-1" autofocus>', page)


def test_errors_speak_the_pages_language(client: FlaskClient, appeal: AppealView) -> None:
    assert "Écrivez votre nom." in client.post(URL.replace("/en/", "/fr/"), data=form(name="")).text


@pytest.mark.parametrize("name", ["\x00", "\u202eabc", "<script>alert(1)</script>", "a" * 200, "O", "名前"])
def test_odd_names_are_a_clear_error_or_a_clean_success(client: FlaskClient, appeal: AppealView, name: str) -> None:
    assert client.post(URL, data=form(name=name)).status_code in {303, 422}


def test_a_body_that_is_not_utf8_is_a_clear_error(client: FlaskClient, appeal: AppealView) -> None:
    body = b"name=\xff\xfe&email=a@mail.example&country=FR&consent=y"
    answer = client.post(URL, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert count_rows(SignUp) == 0


def test_a_megabyte_is_refused_on_a_page(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.post(URL, data=form(name="x" * 1_000_000))
    assert answer.status_code == 413
    assert "too long" in answer.text


def test_unknown_fields_change_nothing(client: FlaskClient, appeal: AppealView) -> None:
    assert client.post(URL, data=form(state="confirmed", admin="1")).status_code == 303
    assert db.session.scalars(select(SignUp.signature_id)).one() is None
    assert count_rows(Signature) == 0


def test_a_filled_hidden_field_returns_the_form_without_thanks(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.post(URL, data=form(leave_empty="http://x.example"))
    assert (answer.status_code, count_rows(SignUp), count_rows(Mail)) == (422, 0, 0)
    assert "A hidden field was filled in" in answer.text
    # The typed values stay and the hidden field is empty again, so a person signs by pressing once more.
    assert 'value="Jeanne Martin"' in answer.text
    assert "x.example" not in answer.text
    assert client.post(URL, data=form(leave_empty="")).status_code == 303


def test_no_password_manager_fills_the_hidden_field(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get("/en/appeals/ana-ruiz-vega").text
    (field,) = re.findall(r'<div class="trap".*?</div>', page)
    known = "name|mail|url|site|web|phone|tel|company|org|address|street|city|zip|user|login|pass|card|birth|search"
    assert not re.search(known, " ".join(re.findall(r'(?:\bid|\bname|for)="([^"]+)"', field)))
    for asked in (
        "data-1p-ignore",
        'data-lpignore="true"',
        "data-bwignore",
        'data-form-type="other"',
        'autocomplete="off"',
    ):
        assert asked in field


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("jeanne@gmial.com", "jeanne@gmail.com"),
        ("jeanne@yaho.fr", "jeanne@yahoo.fr"),
        ("jeanne@amnesty.orgg", "No address ends in “.orgg”"),
        ("jérôme@mail.example", "Many mail servers cannot carry letters"),
    ],
)
def test_an_address_that_looks_wrong_is_asked_about_once(
    client: FlaskClient, appeal: AppealView, email: str, words: str
) -> None:
    first = client.post(URL, data=form(email=email))
    assert (first.status_code, count_rows(Mail)) == (422, 0)
    assert words in first.text
    assert f'name="checked" value="{email}"' in first.text
    assert client.post(URL, data=form(email=email, checked=email)).status_code == 303


def test_an_address_that_the_mail_server_cannot_carry_gets_no_thanks(
    client: FlaskClient, appeal: AppealView, deliver: Any, clock: Clock, postbox: Postbox
) -> None:
    postbox.answers = [DeliveryAttempt(DeliveryOutcome.DEAD, "mail", detail=SMTPUTF8_MISSING)]
    email = "jérôme@mail.example"
    assert client.post(URL, data=form(email=email, checked=email)).status_code == 303
    deliver()
    other = "zoë@mail.example"
    refused_answer = client.post(URL, data=form(email=other, checked=other))
    assert (refused_answer.status_code, count_rows(Mail)) == (422, 1)
    assert "Please use another address" in refused_answer.text
    assert client.post(URL, data=form()).status_code == 303
    db.session.execute(update(AbuseAlert).values(window_at=clock.now - timedelta(days=2)))
    db.session.commit()
    assert client.post(URL, data=form(email=other, checked=other)).status_code == 303


def test_two_sections_in_one_country_are_told_apart_by_language(client: FlaskClient, appeal: AppealView) -> None:
    client.post(URL.replace("/en/", "/fr/"), data=form(country="BE", email="a@mail.example"))
    client.post(URL, data=form(country="BE", email="b@mail.example"))
    client.post(URL, data=form(country="NZ", email="c@mail.example"))
    assert list(
        db.session.scalars(select(SignUp.section_code).join(Mail, Mail.sign_up_id == SignUp.id).order_by(Mail.id))
    ) == [
        "be-fr",
        "be-nl",
        "international",
    ]


def test_the_answer_does_not_depend_on_the_address(
    client: FlaskClient, app: Flask, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    def answer() -> tuple[int, bytes, list[tuple[str, str]]]:
        given = client.post(URL, data=form(email="JEANNE@mail.example"))
        return (
            given.status_code,
            given.data,
            sorted((name, value) for name, value in given.headers if not name.startswith("X-RateLimit")),
        )

    new, pending = answer(), answer()
    deliver()
    client.post(postbox.link(0))
    confirmed = answer()
    deliver()
    # The same form again within minutes gets no further mail; the last mail was the thank-you mail.
    me = re.findall(r"(/en/m/\S+/me)", text_of(postbox.messages[-1]))[0]
    client.post(me, data={"signature": "all", "do": "withdraw"})
    withdrawn = answer()
    client.post(me, data={"signature": "all", "do": "erase"})
    erased = answer()
    assert new == pending == confirmed == withdrawn == erased


def test_an_address_signs_an_appeal_once(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    for email in ("Jeanne@Mail.example", "jeanne@mail.example", "JEANNE@MAIL.EXAMPLE"):
        client.post(URL, data=form(email=email))
    assert count_rows(SignUp) == 3, "each form has its own row"
    deliver()
    assert len(postbox.messages) == 1, "one mail for the newest form"
    client.post(postbox.link())
    client.post(postbox.link())
    assert count_rows(Signature) == 1


@pytest.mark.parametrize(
    ("country", "zone"),
    # Kiribati's office is on Kiritimati, where the day ends two hours earlier than on Tarawa.
    [("UM", "Etc/GMT+12"), ("KI", "Pacific/Tarawa"), ("FR", "Europe/Paris"), ("NZ", "Pacific/Pago_Pago")],
)
def test_the_last_second_counts_and_the_next_does_not(
    client: FlaskClient, app: Flask, appeal: AppealView, clock: Clock, country: str, zone: str
) -> None:
    assert appeal.deadline is not None
    end = end_of_day(appeal.deadline, zone)
    clock.now = end - timedelta(seconds=1)
    assert client.post(URL, data=form(country=country)).status_code == 303
    clock.now = end
    clear_caches(app)
    late_answer = client.post(URL, data=form(country=country, email="late@mail.example"))
    assert late_answer.status_code == 422
    assert "The deadline has passed" in late_answer.text
    assert count_rows(SignUp) == 1


@pytest.mark.parametrize(("country", "zone"), [("KI", "Pacific/Tarawa"), ("MX", "Pacific/Pago_Pago")])
def test_a_signature_where_the_day_ends_last_is_mailed_confirmed_and_reported(
    client: FlaskClient, appeal: AppealView, clock: Clock, deliver: Any, postbox: Postbox, country: str, zone: str
) -> None:
    assert appeal.deadline is not None
    end = end_of_day(appeal.deadline, zone)
    clock.now = end - timedelta(seconds=1)
    assert client.post(URL, data=form(country=country)).status_code == 303
    db.session.execute(update(Mail).values(due_at=START))
    db.session.commit()
    deliver()
    clock.now = end + timedelta(hours=23, minutes=59)
    act = client.post(postbox.link())
    assert act.status_code == 303
    reported = client.post(act.location, data={"channel": "letter", "target": "1"})
    assert reported.status_code == 303
    db.session.rollback()
    assert counts(appeal.id).by_channel == {"signature": 1, "letter": 1}


def test_after_the_last_sections_day_the_form_is_gone(client: FlaskClient, appeal: AppealView, clock: Clock) -> None:
    assert appeal.deadline is not None
    clock.now = end_of_day(appeal.deadline, "Etc/GMT+12")
    page = client.get("/en/appeals/ana-ruiz-vega").text
    assert "This appeal is over" in page
    assert "<form" not in page


def test_signing_in_time_can_be_confirmed_for_a_day(
    client: FlaskClient, appeal: AppealView, clock: Clock, deliver: Any, postbox: Postbox
) -> None:
    assert appeal.deadline is not None
    end: datetime = end_of_day(appeal.deadline, "Europe/Paris")
    clock.now = end - timedelta(seconds=1)
    client.post(URL, data=form(email="a@mail.example"))
    client.post(URL, data=form(email="b@mail.example"))
    db.session.execute(update(Mail).values(due_at=datetime(2000, 1, 1, tzinfo=end.tzinfo)))
    db.session.commit()
    deliver()
    clock.now = end + timedelta(hours=23)
    assert client.post(postbox.link(0)).status_code == 303
    clock.now = end + timedelta(hours=24)
    assert client.post(postbox.link(1)).status_code == 410
    assert verify_counts() == []


def test_a_post_from_another_site_is_refused(client: FlaskClient, appeal: AppealView) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert client.post(URL, data=form(), headers=headers).status_code == 403
    for number, headers in enumerate(({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {})):
        assert client.post(URL, data=form(email=f"ok{number}@mail.example"), headers=headers).status_code == 303
    assert count_rows(SignUp) == 3


def test_sign_ups_are_limited_by_network_and_errors_are_free(client: FlaskClient, appeal: AppealView) -> None:
    for number in range(60):
        assert client.post(URL, data=form(email=f"p{number}@mail.example")).status_code == 303
    assert client.post(URL, data=form(email="one@mail.example")).status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.post(URL, data=form(email="one@mail.example"), environ_base=elsewhere).status_code == 303


def test_the_mail_carries_the_letter_and_one_link(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    assert deliver() == {"sent": 1}
    message = postbox.messages[0]
    text = text_of(message)
    assert "I ask you to protect her at once." in text
    assert "Yours sincerely,\nyour name" in text
    assert text.count("/s/") == 1
    html = message.get_body(("html",))
    assert html is not None
    assert "I ask you to protect her at once." in html.get_content()
    # The typed name is not mailed, because the owner of the mailbox has not confirmed it.
    assert "Jeanne" not in message.as_string()


def test_a_long_paragraph_arrives_whole(client: FlaskClient, app: Flask, deliver: Any, postbox: Postbox) -> None:
    long = "Préoccupée, je vous écris. " * 150
    draft = parse_text(DOCUMENT.replace("I fear for the life of Ana Ruiz Vega.", long.strip()))
    import_draft(draft, ImportOptions(slug="ana-ruiz-vega"), context=context())
    publish("ana-ruiz-vega", context=context())
    client.post(URL, data=form())
    assert deliver() == {"sent": 1}
    assert long.strip() in text_of(postbox.messages[0])


def test_a_signer_who_signs_again_gets_a_link(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    client.post(postbox.link())
    client.post(URL, data=form())
    deliver()
    assert "already signed" in str(postbox.messages[-1]["Subject"])
    assert "/m/" in postbox.link()
