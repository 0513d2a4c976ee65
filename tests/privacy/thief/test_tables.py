"""A thief has every table and no key, and asks: did this person sign?

Before, the thief sent marked forms as anyone can: with the person's address, with another address of the same domain,
and with the person's name from own mailboxes, which confirmed. Then the thief joins the tables by foreign keys and by
every value that two rows share, and looks for missing rows: a marked row that a newer form of the person removed, and
a signature without a form.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, delete, select, update

from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import SealedPlace, at_sign_up
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Action, Consent, Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.tally import hour_of
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.sign_statement import write_sign_up
from tests.attack import Figure
from tests.conftest import START, Clock, Postbox, confirm_newest, context, form
from tests.privacy.thief.stolen_tables import MARKED_COUNTRY, MARKED_LOCALE, Key, Person, Tables, all_rows, send_form

# Only in the whole gate, because it signs thousands of times.
pytestmark = pytest.mark.slow

SIGNERS, TARGETS, SAMPLES = 2000, 50, 200
# Foreign keys that do not identify a person.
COMMON = {"appeal_id", "section_code", "announcement_id", "staff_id", "slot"}


def send_probes(appeal: AppealView, target: Person, number: int, clock: Clock) -> None:
    send_form(appeal, "Some Body", target.email, clock, is_thief=True)
    send_form(appeal, "Some Body", target.beside, clock, is_thief=True)
    send_form(appeal, target.name, f"own{number}@thief.example", clock, is_thief=True)
    confirm_newest(clock.now)


def sign_crowd(appeal: AppealView, deliver: Any, clock: Clock) -> tuple[list[Person], set[int]]:
    """Return the targets, and which of them signed among two thousand signers; half are probed before, half after."""
    random_source = random.Random(20261130)  # noqa: S311  no secret
    targets = [Person(number) for number in range(TARGETS)]
    signed = set(random_source.sample(range(TARGETS), TARGETS // 2))
    for number in range(0, TARGETS, 2):
        send_probes(appeal, targets[number], number, clock)
    signers = [targets[number] for number in signed]
    signers += [Person(number) for number in range(TARGETS, TARGETS + SIGNERS - len(signers))]
    random_source.shuffle(signers)
    for person in signers:
        send_form(appeal, person.name, person.email, clock)
        confirm_newest(clock.now)
    for number in range(1, TARGETS, 2):
        send_probes(appeal, targets[number], number, clock)
    deliver()
    return targets, signed


def join_rows(tables: Tables) -> dict[Key, set[Key]]:
    """Return the pairs of rows: by foreign key, and by any value that a handful of rows have in common."""
    holders: dict[Any, set[Key]] = defaultdict(set)
    for key, row in tables.items():
        for name, value in row.items():
            if name in COMMON or value is None:
                continue
            if name in {"signature_id", "sign_up_id", "entry_id"}:
                holders[name.removesuffix("_id"), value].add(key)
            elif name == "id" and key[0] in {"signature", "sign_up", "bulk_entry"}:
                holders[key[0], value].add(key)
            elif isinstance(value, bytes | str) and len(value) >= 12:
                holders["value", bytes(value) if isinstance(value, bytes) else value].add(key)
    beside: dict[Key, set[Key]] = defaultdict(set)
    for rows in holders.values():
        if 1 < len(rows) <= 40:
            for row_key in rows:
                beside[row_key] |= rows - {row_key}
    return beside


def reaches_signature(start: set[Key], beside: dict[Key, set[Key]], tables: Tables) -> bool:
    """Return whether the thief's rows lead to another person's signature."""
    seen, edge = set(start), set(start)
    for _ in range(6):
        edge = {other for row_key in edge for other in beside.get(row_key, ())} - seen
        seen |= edge
    return any(key[0] == "signature" and tables[key]["country"] != MARKED_COUNTRY for key in seen)


def probe_rows(appeal: AppealView, targets: list[Person], tables: Tables) -> list[dict[str, set[Key]]]:
    """Return the thief's own rows by target and by kind of probe; the test finds them by the keys."""
    vault = runtime().vault
    forms = {
        bytes(vault.waiting_digest(vault.address_digest(appeal.id, address_of_form(row)))): key
        for key, row in tables.items()
        if key[0] == "sign_up" and row["locale"] == MARKED_LOCALE and row["email_sealed"]
    }
    rows = {bytes(row["address_digest"]): key for key, row in tables.items() if key[0] == "signature"}
    found = []
    for number, target in enumerate(targets):
        made: dict[str, set[Key]] = {}
        for of, email in (("address", target.email), ("domain", target.beside), ("name", f"own{number}@thief.example")):
            digest = vault.address_digest(appeal.id, parse_address(email))
            keys = {forms.get(vault.waiting_digest(digest)), rows.get(digest) if of == "name" else None} - {None}
            # The thief cannot recognise an own row without a mark.
            made[of] = {key for key in keys if key is not None and tables[key]["locale"] == MARKED_LOCALE}
        found.append(made)
    return found


def address_of_form(row: dict[str, Any]) -> Address:
    """Return the address of a form; the thief remembers those of own forms."""
    place = at_sign_up(row["appeal_id"], row["content_digest"], row["link_key"])
    return parse_address(runtime().vault.open_email(row["email_sealed"], place))


def advantage(guesses: list[bool], signed: set[int]) -> float:
    """Return how much more often signers than other targets are guessed to have signed: the mean of many samples."""
    random_source = random.Random(7)  # noqa: S311  no secret
    total = 0.0
    for _ in range(SAMPLES):
        ins = random_source.sample(sorted(signed), 15)
        outs = random_source.sample(sorted(set(range(TARGETS)) - signed), 15)
        total += sum(guesses[one] for one in ins) / 15 - sum(guesses[one] for one in outs) / 15
    return total / SAMPLES


def advantages(appeal: AppealView, deliver: Any, clock: Clock) -> dict[str, float]:
    """Return the thief's advantage by each kind of probe."""
    targets, signed = sign_crowd(appeal, deliver, clock)
    tables = all_rows()
    beside = join_rows(tables)
    probes = probe_rows(appeal, targets, tables)
    found = {
        of: abs(advantage([reaches_signature(probe[of], beside, tables) for probe in probes], signed))
        for of in ("address", "domain", "name")
    }
    lengths = {len(row["name_sealed"]) for key, row in tables.items() if key[0] == "signature" and row["name_sealed"]}
    found["length"] = 0.0 if len(lengths) == 1 else 1.0
    return found


def test_a_stolen_database_does_not_reveal_who_signed(
    appeal: AppealView, deliver: Any, clock: Clock, figure: Figure
) -> None:
    found = advantages(appeal, deliver, clock)
    for of, value in found.items():
        figure(f"thief: advantage by {of}, 50 probes among 2,000 signers", f"{value:.2f}", "0.05 at most")
    assert max(found.values()) <= 0.05, found
    assert db.session.scalars(select(Signature.id)).all()


def send_hourly(appeal: AppealView, deliver: Any, clock: Clock) -> tuple[list[Person], set[int], dict[int, Any]]:
    """Send a marked form for a person each hour; half of them sign afterwards; return people, signers and hours."""
    targets = [Person(number) for number in range(TARGETS)]
    hours: dict[int, Any] = {}
    for number, target in enumerate(targets):
        send_form(appeal, "Some Body", target.email, clock, is_thief=True)
        hours[number] = hour_of(clock.now - timedelta(seconds=1))
        deliver()
        clock.now = START + timedelta(hours=number + 1)
    signed = set(random.Random(3).sample(range(TARGETS), TARGETS // 2))  # noqa: S311  no secret
    for number in signed:
        send_form(appeal, targets[number].name, targets[number].email, clock)
        confirm_newest(clock.now)
    return targets, signed, hours


def advantage_by_missing_forms(appeal: AppealView, deliver: Any, clock: Clock) -> float:
    """Return the advantage of a thief who looks which marked form is missing."""
    _, signed, hours = send_hourly(appeal, deliver, clock)
    left = {
        hour_of(row["signed_at"])
        for key, row in all_rows().items()
        if key[0] == "sign_up" and row["locale"] == MARKED_LOCALE
    }
    return abs(advantage([hours[number] not in left for number in range(TARGETS)], signed))


def advantage_by_orphans(appeal: AppealView, clock: Clock) -> float:
    """Return the advantage of a thief who sends one form for a person and looks for a signature that lost its form."""
    targets = [Person(number) for number in range(TARGETS)]
    signed = set(random.Random(5).sample(range(TARGETS), TARGETS // 2))  # noqa: S311  no secret
    for number in signed:
        send_form(appeal, targets[number].name, targets[number].email, clock)
        confirm_newest(clock.now)
    clock.now += timedelta(days=1)
    guesses, before = [], count_orphans()
    for target in targets:
        send_form(appeal, "Some Body", target.email, clock, is_thief=True)
        now = count_orphans()
        guesses.append(now > before)
        before = now
    return abs(advantage(guesses, signed))


def count_orphans() -> int:
    """Return the number of signatures without a form."""
    tables = all_rows()
    forms = [row for key, row in tables.items() if key[0] == "sign_up"]
    led = {row["signature_id"] for row in forms}
    return sum(key[0] == "signature" and row["id"] not in led for key, row in tables.items())


def test_no_form_is_missing_and_no_signature_is_without_one(
    appeal: AppealView, deliver: Any, clock: Clock, figure: Figure
) -> None:
    found = {"missing": advantage_by_missing_forms(appeal, deliver, clock)}
    delete_forms()
    found["orphan"] = advantage_by_orphans(appeal, clock)
    for of, value in found.items():
        figure(f"thief: advantage by {of}, 50 probes", f"{value:.2f}", "0.05 at most")
    assert max(found.values()) <= 0.05, found


def test_missing_forms_would_reveal_signers_if_newer_forms_replaced_rows(
    appeal: AppealView, deliver: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace_earlier_row(connection: Connection, values: Any) -> None:
        named = values["sign_up"]
        one = SignUp.appeal_id == named["appeal_id"], SignUp.address_digest == named["address_digest"]
        connection.execute(
            update(Mail).where(Mail.sign_up_id.in_(select(SignUp.id).where(*one))).values(sign_up_id=None)
        )
        connection.execute(delete(SignUp).where(*one))
        write_sign_up(connection, values)

    monkeypatch.setattr("campaign.services.signing.store_sign_up.write_sign_up", replace_earlier_row)
    assert advantage_by_missing_forms(appeal, deliver, clock) > 0.9
    delete_forms()
    assert advantage_by_orphans(appeal, clock) > 0.9


def delete_forms() -> None:
    """Delete all forms and signatures."""
    db.session.rollback()
    for model in (Mail, SignUp, Action, Consent, Signature):
        db.session.execute(delete(model))
    db.session.commit()


def test_the_thief_would_succeed_if_digests_were_equal(
    appeal: AppealView, deliver: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.privacy.thief.test_tables.SIGNERS", 200)
    monkeypatch.setattr(Vault, "waiting_digest", lambda _self, digest: digest)
    monkeypatch.setattr(Vault, "month_digest", lambda _self, digest, _key, _use: digest)
    monkeypatch.setattr(SealedPlace, "column", lambda _self, _name: b"")
    found = advantages(appeal, deliver, clock)
    assert found["address"] > 0.4
    assert found["domain"] > 0.2


def columns_with_minutes(tables: dict[Any, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the columns that store the time of a supporter's action more exactly than its hour."""
    return [
        (key[0], name)
        for key, row in tables.items()
        for name, value in row.items()
        if key[0] in {"signature", "sign_up", "consent", "mail", "action", "invalidated_action", "tombstone"}
        and name.endswith("_at")
        and value is not None
        and (value.minute or value.second or value.microsecond)
    ]


def test_no_minute_of_a_signers_action_is_stored(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, clock: Clock
) -> None:
    """Store no minute, because a recipient of the letter knows the minute in which it arrived."""
    clock.now = START + timedelta(minutes=17, seconds=3, microseconds=123456)
    acts = []
    for who in "abcd":
        client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email=f"{who}@mail.example"))
        deliver()
        acts.append(client.post(postbox.link()).location)
    clock.now += timedelta(minutes=5)
    for channel in ("letter", "fax", "email", "phone"):
        client.post(acts[0], data={"channel": channel, "target": "1"})
    client.post("/en/appeals/ana-ruiz-vega/act", data={"channel": "letter", "target": "1", "country": "FR"})
    mine = [act.replace("/act", "/me") for act in acts]
    for wish in ({"do": "updates", "updates": "y"}, {"do": "share_name", "share_name": "y"}, {"do": "updates"}):
        client.post(mine[1], data={"signature": "all", **wish})
    client.post(mine[2], data={"signature": "all", "do": "withdraw"})
    client.post(mine[3], data={"signature": "all", "do": "country", "country": "DE"})
    client.post("/en/new-link", data={"email": "a@mail.example"})
    deliver()
    clock.now += timedelta(days=9)
    purge_expired(may_continue=lambda: True, context=context(clock.now))
    tables = all_rows()
    assert columns_with_minutes(tables) == []
    assert {row["channel"] for key, row in tables.items() if key[0] == "action"} > {"letter", "signature"}
    assert {row["state"] for key, row in tables.items() if key[0] == "signature"} == {"confirmed", "withdrawn"}


def test_minutes_and_message_ids_are_deleted_after_some_time(
    app: Flask, appeal: AppealView, deliver: Any, clock: Clock
) -> None:
    clock.now = START + timedelta(minutes=17, seconds=3)
    for number in range(5):
        send_form(appeal, f"Ana {chr(97 + number)}", f"ana{number}@mail.example", clock)
        if number:
            confirm_newest(clock.now)
    deliver()
    clock.now += timedelta(days=8)
    purge_expired(may_continue=lambda: True, context=context(clock.now))
    tables = all_rows()
    assert columns_with_minutes(tables) == []
    assert [row["message_id"] for key, row in tables.items() if key[0] == "mail"] == [None] * 9
    assert not any(name == "via" for row in tables.values() for name in row)
    assert db.session.scalars(select(SignUp.id)).all()
