"""The page of one's own data behind the mailed link: show, export, change and erase; counts stay exact."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.document import parse_text
from campaign.models import Action, Mail, Signature, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish, set_safety
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from tests.conftest import (
    DOCUMENT,
    START,
    Clock,
    Postbox,
    clear_caches,
    confirm_newest,
    context,
    form,
    manage_token,
    text_of,
)
from tests.letter.letters import text_of_pdf

SIGN = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def my_page(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> str:
    """Return the page of a supporter who has confirmed one appeal and reported a letter."""
    client.post(SIGN, data=form(via="stall-lyon"))
    deliver()
    act = client.post(postbox.link()).location
    client.post(act, data={"channel": "letter", "target": "1"})
    signature_id = db.session.scalars(select(Signature.id)).one()
    return f"/en/m/{manage_token(signature_id)}/me"


def sections_of(appeal: AppealView) -> dict[str, int]:
    db.session.rollback()
    return {
        code: section_counts.total
        for code, section_counts in counts(appeal.id).by_section.items()
        if section_counts.total
    }


def test_everything_under_the_address_is_shown_together(client: FlaskClient, my_page: str) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="second"), context=context()).slug
    publish(slug, context=context())
    client.post("/en/appeals/second/sign", data=form(email="JEANNE@mail.example", name="J. Martin"))
    page = client.get(my_page).text
    assert "1 signature under this address" in page
    for part in ("Jeanne Martin", "J. Martin", "confirmed and counted", "Not yet confirmed", "By post",
                 "<dt>Section</dt><dd>France</dd>"):  # fmt: skip
        assert part in page
    data = json.loads(client.get(my_page + ".json").data)
    assert [one["appeal"]["slug"] for one in data["signatures"]] == ["ana-ruiz-vega"]
    assert [(one["appeal"], one["name"]) for one in data["unconfirmed"]] == [("second", "J. Martin")]
    first = data["signatures"][0]
    assert (first["name"], first["email"], first["country"], first["section"]) == (
        "Jeanne Martin",
        "jeanne@mail.example",
        "FR",
        "fr",
    )
    assert [act["channel"] for act in first["actions"]] == ["signature", "letter"]
    assert first["consents"][0]["to_appeal"] is True
    assert first["mails"][0]["kind"] == "confirmed"
    headers = client.get(my_page + ".json").headers
    assert headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert headers["Cache-Control"] == "no-store"


def test_another_country_moves_the_counts_to_its_section(client: FlaskClient, appeal: AppealView, my_page: str) -> None:
    assert sections_of(appeal) == {"fr": 2}
    for _ in range(2):
        assert client.post(my_page, data={"signature": "all", "do": "country", "country": "DE"}).status_code == 303
        assert sections_of(appeal) == {"international": 2}
    assert verify_counts() == []
    client.post(my_page, data={"signature": "all", "do": "withdraw"})
    assert sections_of(appeal) == {"international": 1}
    assert verify_counts() == []


def test_counts_move_after_the_rollup_too(client: FlaskClient, appeal: AppealView, my_page: str, clock: Clock) -> None:
    clock.now += timedelta(days=20)
    roll_up(context=context(clock.now))
    assert client.post(my_page, data={"signature": "all", "do": "country", "country": "DE"}).status_code == 303
    assert set(sections_of(appeal)) == {"international"}
    assert verify_counts() == []


def test_an_unknown_country_is_refused(client: FlaskClient, appeal: AppealView, my_page: str) -> None:
    for country in ("", "ZZ", "xx", "France"):
        page = client.post(my_page, data={"signature": "1", "do": "country", "country": country})
        assert page.status_code == 422
    assert sections_of(appeal) == {"fr": 2}


def test_a_signature_of_another_address_cannot_be_changed(
    client: FlaskClient, appeal: AppealView, my_page: str
) -> None:
    client.post(SIGN, data=form(email="other@mail.example"))
    other = confirm_newest(START)
    for do in ("erase", "withdraw", "country", "updates"):
        client.post(my_page, data={"signature": str(other), "do": do, "country": "DE"})
    db.session.rollback()
    row = db.session.get_one(Signature, other)
    assert (row.state, row.country) == ("confirmed", "FR")
    assert row.name_sealed is not None


def test_everything_is_erased_at_once(client: FlaskClient, appeal: AppealView, my_page: str) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="second"), context=context()).slug
    publish(slug, context=context())
    client.post("/en/appeals/second/sign", data=form())
    client.post(my_page, data={"signature": "all", "do": "erase"})
    assert "Nothing: neither your name" in client.get(my_page).text
    assert json.loads(client.get(my_page + ".json").data) == {"signatures": []}
    db.session.rollback()
    assert all(row.address_digest is None for row in db.session.scalars(select(Signature)))
    assert sections_of(appeal) == {"fr": 2}
    assert verify_counts() == []


def test_an_own_letter_is_mailed_on_request_and_then_erased(
    client: FlaskClient, appeal: AppealView, my_page: str, deliver: Any, postbox: Postbox
) -> None:
    deliver()
    words = my_page.replace("/me", "/words")
    text = "Señora ministra:\r\n\r\nSoy maestra. <b>Protéjala</b>.\r\nAna"
    page = client.post(words, data={"words": text, "do": "mail"})
    assert page.status_code == 200
    assert "It is on its way" in page.text
    row = db.session.scalars(select(Mail).where(Mail.kind == "own_letter")).one()
    assert row.context_sealed is not None
    assert b"maestra" not in row.context_sealed
    db.session.rollback()
    postbox.messages.clear()
    assert deliver() == {"sent": 1}
    (message,) = postbox.messages
    assert message["Subject"].startswith("Your letter:")
    assert text.replace("\r\n", "\n") in text_of(message)
    part = message.get_body(("html",))
    assert part is not None
    assert "&lt;b&gt;Prot" in part.get_content()
    db.session.rollback()
    assert db.session.scalars(select(Mail.context_sealed).where(Mail.kind == "own_letter")).one() is None


def test_a_waiting_own_letter_is_erased_with_the_signer(
    client: FlaskClient, appeal: AppealView, my_page: str, deliver: Any, postbox: Postbox
) -> None:
    deliver()
    client.post(my_page.replace("/me", "/words"), data={"words": "Secret words", "do": "mail"})
    client.post(my_page, data={"signature": "all", "do": "erase"})
    db.session.rollback()
    assert db.session.scalars(select(Mail.id).where(Mail.kind == "own_letter")).all() == []
    postbox.messages.clear()
    assert deliver() == {}
    assert postbox.messages == []


def test_an_own_letter_is_mailed_only_to_a_confirmed_signer(
    client: FlaskClient, appeal: AppealView, my_page: str
) -> None:
    db.session.execute(update(Signature).values(state="pending"))
    db.session.commit()
    client.post(my_page.replace("/me", "/words"), data={"words": "x", "do": "mail"})
    client.post("/en/appeals/ana-ruiz-vega/words", data={"words": "x", "do": "mail"})
    db.session.rollback()
    assert db.session.scalars(select(Mail).where(Mail.kind == "own_letter")).all() == []


def test_the_owner_of_a_typed_address_erases_it_without_confirming(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(SIGN, data=form(name="Somebody Else"))
    deliver()
    matches = re.findall(r"http://\S+?(/en/[a-z]/\S+)", text_of(postbox.messages[-1]))
    assert matches == [postbox.link()], "the mail to an unconfirmed address has only the confirming link"
    page = client.get(postbox.link()).text
    assert "Somebody Else" in page
    assert client.post(postbox.link(), data={"do": "erase"}).status_code == 200
    db.session.rollback()
    assert db.session.scalars(select(SignUp)).all() == []
    assert set(db.session.execute(select(Mail.signature_id, Mail.sign_up_id))) == {(None, None)}
    assert client.post(postbox.link()).status_code == 410
    assert sections_of(appeal) == {}
    assert verify_counts() == []


def test_in_dangerous_countries_the_form_warns_and_letters_have_initials(
    client: FlaskClient, app: Flask, appeal: AppealView, my_page: str
) -> None:
    assert "Think of your safety" not in client.get("/en/appeals/ana-ruiz-vega").text
    db.session.rollback()
    result = app.test_cli_runner().invoke(
        args=["appeal", "safety", "ana-ruiz-vega", "--risk", "co", "--risk", "VE", "--initials"]
    )
    assert result.output == "ana-ruiz-vega warns who has ties to CO, VE; letters bear initials\n"
    clear_caches(app)
    page = client.get("/en/appeals/ana-ruiz-vega").text
    assert "If you live in Colombia or Venezuela or have family there" in page
    assert page.index("Think of your safety") < page.index('name="name"'), "before signing"
    said = text_of_pdf(client.get(my_page.replace("/me", "/letter.pdf")).data)
    assert "J. M." in said
    assert "Jeanne" not in said
    for path in ("act", "words"):
        page = client.get(f"/en/appeals/ana-ruiz-vega/{path}").text
        assert "If you live in Colombia or Venezuela" in page, "before writing, too"
    act = client.get(my_page.replace("/me", "/act")).text
    assert "Jeanne" not in act
    assert "Jeanne" not in client.get(my_page.replace("/me", "/words")).text
    db.session.rollback()
    refused = app.test_cli_runner().invoke(args=["appeal", "safety", "ana-ruiz-vega", "--risk", "Colombia"])
    assert refused.exit_code != 0
    assert len(refused.stderr.strip().splitlines()) == 1


def test_the_letter_to_send_has_initials_and_the_mailed_one_no_name(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    set_safety("ana-ruiz-vega", risk_countries=("CO",), initials_only=True, context=context())
    client.post(SIGN, data=form(name="Jean-Pierre de la Tour", email="jp@mail.example"))
    deliver()
    assert "Yours sincerely,\nyour name" in text_of(postbox.messages[-1])
    act = client.post(postbox.link()).location
    assert "J.-P. d. l. T." in client.get(act).text
    assert "Jean-Pierre" not in client.get(act).text


def test_no_public_page_contains_a_name(client: FlaskClient, app: Flask, appeal: AppealView, my_page: str) -> None:
    clear_caches(app)
    for path in ("", "/act", "/progress", "/words", "/thanks"):
        assert "Jeanne" not in client.get(f"/en/appeals/ana-ruiz-vega{path}").text
    assert b"Jeanne" not in client.get("/api/v1/appeals/ana-ruiz-vega").data
    assert [row.signature_id is not None for row in db.session.scalars(select(Action))] == [True, True]
