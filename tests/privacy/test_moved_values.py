"""Sealed values that an attacker with SQL moves between rows: they open on no other page, and staff are alerted."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import AbuseAlert, Mail, Signature, SignUp, Staff
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.signing.new_link import answer_link_requests, request_new_links
from campaign.services.signing.own_letter import mail_own_letter
from tests.conftest import START, Postbox, context, form, text_of

SIGN = "/en/appeals/ana-ruiz-vega/sign"


@pytest.fixture
def victim_and_thief(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> list[str]:
    """Return the data pages of two confirmed supporters, the victim and the thief."""
    for name in ("Ana Victim", "Some Thief"):
        client.post(SIGN, data=form(name=name, email=f"{name[:3].lower()}@mail.example"))
    deliver()
    return [client.post(postbox.link(number)).location.replace("/act", "/me") for number in range(2)]


def move_to_thief(columns: tuple[str, ...]) -> None:
    """Move the victim's values into the thief's row, as the attacker does."""
    ids = db.session.scalars(select(Signature.id).order_by(Signature.id)).all()
    with transaction() as session:
        for column in columns:
            session.execute(
                text(
                    f"UPDATE signature SET {column} = (SELECT {column} FROM signature WHERE id = :of) "  # noqa: S608
                    "WHERE id = :to"
                ),
                {"of": ids[0], "to": ids[1]},
            )


@pytest.mark.parametrize("columns", [("name_sealed",), ("email_sealed",), ("name_sealed", "email_sealed")])
def test_a_moved_value_opens_on_no_page(
    client: FlaskClient, victim_and_thief: list[str], columns: tuple[str, ...]
) -> None:
    move_to_thief(columns)
    with transaction() as session:
        session.add(_person())
    for path in (
        victim_and_thief[1],
        f"{victim_and_thief[1]}.json",
        victim_and_thief[1].replace("/me", "/act"),
        victim_and_thief[1].replace("/me", "/letter.pdf"),
    ):
        answer = client.get(path)
        assert answer.status_code == 410, path
        assert b"Victim" not in answer.data
        assert b"ana@mail.example" not in answer.data
    assert "We cannot show this any more" in client.get(victim_and_thief[1]).text
    assert client.post(victim_and_thief[1], data={"do": "withdraw", "signature": "all"}).status_code == 410
    assert client.get(victim_and_thief[0]).status_code == 200
    db.session.rollback()
    assert db.session.scalars(select(AbuseAlert.kind)).all() == ["sealed"]
    assert len(db.session.scalars(select(Mail).where(Mail.kind == "staff_alert")).all()) == 1


MOVED_ALONG = ("address_digest", "name_sealed", "email_sealed")


def swap_rows(table: str, columns: tuple[str, ...]) -> None:
    """Swap the values of the table's two rows, as an attacker does who avoids the unique digest."""
    names = ", ".join(columns)
    with transaction() as session:
        rows = session.execute(text(f"SELECT id, {names} FROM {table}")).mappings().all()  # noqa: S608
        for number, row in enumerate(rows):
            gone = {"id": row["id"], "gone": bytes([number]) * 32}
            session.execute(text(f"UPDATE {table} SET address_digest = :gone WHERE id = :id"), gone)  # noqa: S608
        for row, other in zip(rows, reversed(rows), strict=True):
            changes = ", ".join(f"{name} = :{name}" for name in columns)
            session.execute(text(f"UPDATE {table} SET {changes} WHERE id = :id"), {**other, "id": row["id"]})  # noqa: S608


@pytest.mark.parametrize("more", [(), ("link_key",)])
def test_values_swapped_with_their_digests_open_on_no_page(
    client: FlaskClient, victim_and_thief: list[str], more: tuple[str, ...]
) -> None:
    swap_rows("signature", (*MOVED_ALONG, *more))
    for page in victim_and_thief:
        for path in (page, f"{page}.json", page.replace("/me", "/act"), page.replace("/me", "/letter.pdf")):
            answer = client.get(path)
            # With the link key swapped too, the link itself is invalid.
            assert more or answer.status_code == 410, path
            assert b"Victim" not in answer.data
            assert b"Thief" not in answer.data
            assert b"@mail.example" not in answer.data


@pytest.mark.parametrize("more", [(), ("link_key",)])
def test_forms_swapped_with_their_digests_open_on_no_page(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, more: tuple[str, ...]
) -> None:
    for name in ("Ana Victim", "Some Thief"):
        client.post(SIGN, data=form(name=name, email=f"{name[:3].lower()}@mail.example"))
    deliver()
    swap_rows("sign_up", (*MOVED_ALONG, "origin_sealed", "content_digest", *more))
    for number in range(2):
        for answer in (client.get(postbox.link(number)), client.post(postbox.link(number))):
            assert answer.status_code == 410
            assert b"Victim" not in answer.data
            assert b"ana@mail.example" not in answer.data
    assert db.session.scalars(select(Signature)).all() == []


@pytest.mark.parametrize("more", ["", "address_digest"])
def test_a_form_changed_to_name_another_signature_opens_nothing(
    client: FlaskClient, victim_and_thief: list[str], postbox: Postbox, more: str
) -> None:
    forms = {row.signature_id: row.id for row in db.session.execute(select(SignUp.id, SignUp.signature_id))}
    victim, thief = sorted(number for number in forms if number is not None)
    with transaction() as session:
        moved = {"victim": victim, "thief": forms[thief], "gone": forms[victim]}
        if more:
            # The digest is unique for the appeal, so the attacker deletes the victim's own form.
            digest = session.execute(text("SELECT address_digest FROM sign_up WHERE id = :gone"), moved).scalar_one()
            session.execute(text("DELETE FROM sign_up WHERE id = :gone"), moved)
            more, moved = ", address_digest = :digest", moved | {"digest": digest}
        change = f"UPDATE sign_up SET signature_id = :victim{more} WHERE id = :thief"  # noqa: S608
        session.execute(text(change), moved)
    link = postbox.link(1)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert b"Victim" not in answer.data
    assert client.get(postbox.link(0)).status_code == (410 if more else 200)


def test_a_mail_with_a_moved_recipient_is_not_sent(victim_and_thief: list[str], deliver: Any, postbox: Postbox) -> None:
    before = len(postbox.messages)
    move_to_thief(("email_sealed",))
    assert deliver() == {"sent": 1, "dead": 1}
    assert postbox.recipients[before:] == ["ana@mail.example"]


def test_a_value_of_another_table_does_not_open_either(
    client: FlaskClient, victim_and_thief: list[str], appeal: AppealView
) -> None:
    client.post("/en/new-link", data={"email": "ana@mail.example"})
    with transaction() as session:
        session.execute(text("UPDATE signature SET email_sealed = (SELECT email_sealed FROM link_request)"))
    assert client.get(victim_and_thief[1]).status_code == 410


def _person() -> Any:
    return Staff(
        email="admin@mail.example", password="", role="admin", section_code="fr", locale="en", active=True,
        fs_uniquifier="u", created_at=START, invited_at=START, joined_at=START,
    )  # fmt: skip


def test_missing_keys_are_explained(client: FlaskClient, victim_and_thief: list[str]) -> None:
    with transaction() as session:
        session.execute(text("UPDATE signature SET name_sealed = :junk"), {"junk": b"gone" + b"x" * 60})
    assert client.get(victim_and_thief[0]).status_code == 410
    assert runtime().vault.newest_key != b"gone"


def sent_alerts() -> list[str]:
    """Return the kinds of alerts that staff were sent."""
    db.session.rollback()
    kinds = list(db.session.scalars(select(AbuseAlert.kind)))
    db.session.rollback()
    return kinds


def test_a_moved_own_letter_is_sent_to_no_one_else(victim_and_thief: list[str], deliver: Any, postbox: Postbox) -> None:
    """Move the letter's text, with the Message-ID, into a mail to the thief."""
    ids = db.session.scalars(select(Signature.id).order_by(Signature.id)).all()
    db.session.rollback()
    deliver()
    for row_id, words in zip(ids, ("what the victim wrote", "nothing"), strict=True):
        mail_own_letter(row_id, words, context=context(actor=SUPPORTER))
    with transaction() as session:
        victim, thief = session.scalars(select(Mail).where(Mail.kind == "own_letter").order_by(Mail.id))
        message_id, said = victim.message_id, victim.context_sealed
        victim.message_id, victim.context_sealed = None, None
        session.flush()
        thief.message_id, thief.context_sealed = message_id, said
    before = len(postbox.messages)
    deliver()
    assert "what the victim wrote" not in "".join(text_of(message) for message in postbox.messages[before:])
    assert sent_alerts() == ["sealed"]


def test_a_form_that_does_not_open_is_alerted(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(SIGN, data=form())
    deliver()
    with transaction() as session:
        session.execute(text("UPDATE sign_up SET email_sealed = name_sealed"))
    for answer in (client.get(postbox.link()), client.post(postbox.link())):
        assert answer.status_code == 410
        assert "We cannot show this any more" in answer.text
        assert "erased" not in answer.text, "the form was not erased"
    assert sent_alerts() == ["sealed"]


def test_an_erased_link_is_explained_without_an_alert(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(SIGN, data=form())
    deliver()
    client.post(postbox.link(), data={"do": "erase"})
    assert "Nothing is left of this signature" in client.get(postbox.link()).text
    assert sent_alerts() == []


def test_a_mail_whose_values_do_not_open_is_alerted(victim_and_thief: list[str], deliver: Any) -> None:
    deliver()
    request_new_links(parse_address("ana@mail.example"), context=context(actor=SUPPORTER))
    answer_link_requests(context=context())
    with transaction() as session:
        first, second = session.scalars(select(Mail).where(Mail.kind == "new_link").order_by(Mail.id))
        second.context_sealed = first.context_sealed
    deliver()
    assert sent_alerts() == ["sealed"]


def test_a_signer_address_that_does_not_open_is_alerted(victim_and_thief: list[str], deliver: Any) -> None:
    move_to_thief(("email_sealed",))
    deliver()
    assert sent_alerts() == ["sealed"]
