"""A newer form of the same address: earlier forms stay unchanged, except for the digest by which they are found."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.keys.row_key import KeyUse
from campaign.services.signing.store_sign_up import SignUpRequest as Form
from campaign.services.signing.store_sign_up import reserve_keys, sign, store_sign_up
from tests.conftest import Postbox, context, form

URL = "/en/appeals/ana-ruiz-vega/sign"
EMAIL = "jeanne@mail.example"


def stored_forms() -> list[dict[str, Any]]:
    """Return the values of all rows, in no particular order."""
    db.session.rollback()
    rows = [dict(row._mapping) for row in db.session.execute(select(SignUp.__table__))]
    db.session.rollback()
    return rows


def send(appeal: AppealView, name: str, flag: str | None = None) -> None:
    request = Form(appeal.id, "fr", "FR", name, parse_address(EMAIL), "en", "en", 1, None, flag=flag)
    sign(request, context=context(actor=SUPPORTER))


def store_from_sheet(appeal: AppealView, name: str) -> None:
    """Store the form as a worker does with a row of a sheet."""
    request = Form(appeal.id, "fr", "FR", name, parse_address(EMAIL), "en", "en", 1, None)
    reserve_keys(context=context())
    with transaction() as session:
        store_sign_up(session.connection(), request, context=context())


def test_an_earlier_form_changes_only_in_the_digest_it_is_found_by(appeal: AppealView) -> None:
    send(appeal, "Jeanne Martin")
    (before,) = stored_forms()
    send(appeal, "Jeanne Moulin")
    after = {row["id"]: row for row in stored_forms()}
    changed = {name for name, value in after[before["id"]].items() if value != before[name]}
    assert changed == {"address_digest"}
    assert len({row["address_digest"] for row in after.values()}) == 2
    assert len({row["content_digest"] for row in after.values()}) == 2


def test_two_equal_forms_have_no_digest_in_common_but_the_domains(appeal: AppealView) -> None:
    send(appeal, "Jeanne Martin")
    send(appeal, "Jeanne Martin")
    first, second = stored_forms()
    equal_columns = {name for name, value in first.items() if isinstance(value, bytes) and value == second[name]}
    # The digest of the mail domain is the same for a month; these forms name no network.
    assert equal_columns == {"domain_digest"}


def test_when_all_random_slots_are_used_no_form_is_lost(appeal: AppealView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign.services.signing.store_sign_up.secrets.randbelow", lambda _most: 0)
    vault = runtime().vault
    reserve_keys(context=context())
    while vault.row_keys.remaining(KeyUse.WAITING) > 5:  # so that a batch of keys ends while the forms are stored
        vault.row_keys.take_key(KeyUse.WAITING)
    for letter in "abcd":
        send(appeal, f"Jeanne {letter}")
        send(appeal, f"Jeanne {letter}", flag="domain")
        store_from_sheet(appeal, f"Jeanne {letter}")
    assert len(stored_forms()) == 12


def test_forms_of_one_address_sent_at_once_are_all_stored(app: Flask, appeal: AppealView) -> None:
    start = threading.Barrier(6)

    def send_in_thread(letter: str) -> None:
        with app.app_context():
            start.wait()
            send(appeal, f"Jeanne {letter}")
            db.session.remove()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send_in_thread, "abcdef"))  # raises the exception of a thread
    assert len(stored_forms()) == 6
    vault = runtime().vault
    newest = vault.waiting_digest(vault.address_digest(appeal.id, parse_address(EMAIL)))
    assert [bytes(row["address_digest"]) for row in stored_forms()].count(newest) == 1


def test_an_earlier_link_confirms_an_equal_form_and_shows_a_different_one(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(URL, data=form())
    deliver()
    first = postbox.link()
    client.post(URL, data=form(name="Mallory"))
    refused_answer = client.post(first)
    assert refused_answer.status_code == 409
    assert "Mallory" in refused_answer.text
    client.post(URL, data=form())
    assert client.post(first).status_code == 303
    assert db.session.scalar(select(func.count()).select_from(Signature)) == 1


@pytest.mark.parametrize("page", ["mail", "data"])
def test_erasing_finds_the_earlier_forms(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, page: str
) -> None:
    for name in ("Jeanne", "Janne", "Joanne"):
        client.post(URL, data=form(name=name))
    deliver()
    if page == "mail":
        client.post(postbox.link(), data={"do": "erase"})
    else:
        act = client.post(postbox.link()).location
        client.post(act.replace("/act", "/me"), data={"signature": "all", "do": "erase"})
    assert stored_forms() == []
