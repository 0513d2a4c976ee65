"""The audit log: append-only, chained, without addresses."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from flask import Flask, current_app
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from campaign.domain.staff.actor import OPERATOR, SUPPORTER, SYSTEM, Actor, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AuditEntry, AuditHead
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.staff import audit
from campaign.services.staff.audit import AuditRecord, append, verify
from tests.conftest import START, context
from tests.staff.staff_clients import join_staff, staff_client


def write_entries(*reasons: str) -> None:
    for reason in reasons:
        with transaction() as session:
            act = AuditRecord("appeal.close", "appeal:x", "fr", {"a": 1}, {"a": "é"}, reason)
            append(session, act, context=context())


def test_an_unchanged_chain_is_valid(app: Flask) -> None:
    write_entries("one", "two", "three")
    proof = verify(vault=runtime().vault)
    assert (proof.entries, proof.broken_at) == (3, None)


@pytest.mark.parametrize("statement", [update(AuditEntry).values(reason="x"), delete(AuditEntry)])
def test_the_database_refuses_to_change_an_entry(app: Flask, statement: object) -> None:
    write_entries("one")
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(statement)  # type: ignore[call-overload]


# An entry that an attacker without the keys can write, with an invented digest.
FORGED = {"at": START, "act": "appeal.close", "subject": "appeal:x", "staff_id": None, "digest": bytes(range(32))}


def tamper(statement: object) -> None:
    """Change the log as the database's owner can."""
    with db.engine.begin() as connection:
        sqlite = connection.dialect.name == "sqlite"
        triggers = []
        if sqlite:
            triggers = list(
                connection.execute(
                    text("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'audit_entry' AND type = 'trigger'")
                )
            )
            for name, _ in triggers:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(statement)  # type: ignore[call-overload]
        if sqlite:
            for _, sql in triggers:
                connection.execute(text(sql))
        else:
            connection.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER USER"))


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        (update(AuditEntry).where(AuditEntry.id == 2).values(reason="forged"), 2),
        (update(AuditEntry).where(AuditEntry.id == 2).values(staff_id=None, act="appeal.open"), 2),
        (update(AuditEntry).where(AuditEntry.id == 2).values(actor="system"), 2),
        (update(AuditEntry).where(AuditEntry.id == 2).values(actor=None), 2),
        (delete(AuditEntry).where(AuditEntry.id == 2), 2),
        (delete(AuditEntry).where(AuditEntry.id == 3), 3),
        (update(AuditHead).values(entry_id=2), 4),
        (insert(AuditEntry).values(**FORGED, id=4), 4),
        (insert(AuditEntry).values(**FORGED, id=0), 1),
        (update(AuditEntry).where(AuditEntry.id == 3).values(id=4), 3),
    ],
)
def test_changed_inserted_and_deleted_entries_are_found(app: Flask, statement: object, broken_at: int) -> None:
    write_entries("one", "two", "three")
    tamper(statement)
    assert verify(vault=runtime().vault).broken_at == broken_at
    result = verify_by_command()
    assert result.exit_code == 1
    assert f"entry {broken_at}" in result.stderr


def delete_newest(seal: bytes) -> None:
    """Delete the newest of three entries, and write a head for the second that looks like the others."""
    tamper(delete(AuditEntry).where(AuditEntry.id == 3))
    tamper(update(AuditHead).values(entry_id=2, seal=seal))


def seal_of_second() -> bytes:
    digest = db.session.scalars(select(AuditEntry.digest).where(AuditEntry.id == 2)).one()
    db.session.rollback()
    return digest


@pytest.mark.parametrize("forged", ["digest", "made up", "of the third"])
def test_a_truncated_log_is_found_also_after_further_entries(app: Flask, forged: str) -> None:
    write_entries("one", "two", "three")
    seal = {
        "digest": seal_of_second(),
        "made up": bytes(range(32)),
        "of the third": db.session.get_one(AuditHead, 1).seal,
    }
    db.session.rollback()
    delete_newest(seal[forged])
    assert verify(vault=runtime().vault).broken_at == 3
    write_entries("four", "five")
    assert verify(vault=runtime().vault).broken_at == 3


def test_only_the_seal_of_the_newest_entry_is_stored(app: Flask) -> None:
    write_entries("one")
    seal = db.session.get_one(AuditHead, 1).seal
    write_entries("two")
    assert db.session.get_one(AuditHead, 1).seal != seal
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.digest == seal)).all() == []


def test_entries_without_a_kind_of_actor_stay_valid(app: Flask) -> None:
    vault = runtime().vault
    write_entries("one", "two")
    sealed = vault.head_seal(0, bytes(32))
    for number in (1, 2):
        entry = db.session.get_one(AuditEntry, number)
        entry.actor = None
        digest = vault.entry_digest(sealed, audit._content(entry))
        sealed = vault.head_seal(number, digest)
        db.session.rollback()
        tamper(update(AuditEntry).where(AuditEntry.id == number).values(actor=None, digest=digest))
    tamper(update(AuditHead).values(seal=sealed))
    write_entries("three")
    proof = verify(vault=vault)
    assert (proof.entries, proof.broken_at) == (3, None)
    tamper(update(AuditEntry).where(AuditEntry.id == 1).values(actor="operator"))
    assert verify(vault=vault).broken_at == 1


@pytest.mark.parametrize("actor", [SUPPORTER, OPERATOR, SYSTEM], ids=lambda actor: actor.kind)
def test_an_entry_has_the_kind_of_its_actor(app: Flask, actor: Actor) -> None:
    with transaction() as session:
        append(session, AuditRecord("appeal.close", "appeal:x"), context=context(actor=actor))
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.staff_id) == (actor.kind, None)
    listed = current_app.test_cli_runner().invoke(args=["audit", "list"]).output
    assert f" {actor.kind} " in listed
    assert json.loads(current_app.test_cli_runner().invoke(args=["audit", "list", "--json"]).output)[0]["actor"] == (
        actor.kind
    )


def test_an_entry_of_staff_has_their_account(app: Flask) -> None:
    ana = join_staff(app, "ana@staff.example", Role.ADMIN)
    with transaction() as session:
        actor = staff_actor(Scope(ana, Role.ADMIN, "fr"))
        append(session, AuditRecord("appeal.close", "appeal:x"), context=context(actor=actor))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "appeal.close")).one()
    assert (entry.actor, entry.staff_id) == ("staff", ana)
    assert "ana@staff.example" in current_app.test_cli_runner().invoke(args=["audit", "list"]).output


def test_the_page_distinguishes_jobs_and_commands(app: Flask) -> None:
    admin = staff_client(app, Role.ADMIN)
    for actor in (OPERATOR, SYSTEM, SUPPORTER):
        with transaction() as session:
            append(session, AuditRecord(f"told.{actor.kind}", "appeal:x"), context=context(actor=actor))
    page = admin.get("/staff/audit").text
    for kind, said in (("operator", "the server"), ("system", "a periodic job"), ("supporter", "a supporter")):
        assert f"<td>{said}</td><td><code>told.{kind}</code>" in page


def test_the_database_refuses_an_unknown_kind_of_actor(app: Flask) -> None:
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(AuditEntry).values(**FORGED, id=1, actor="somebody"))


def test_a_restored_database_is_found_by_a_noted_head(app: Flask) -> None:
    write_entries("one", "two")
    earlier = db.session.get_one(AuditHead, 1).seal
    db.session.rollback()
    write_entries("three")
    noted = verify_by_command()
    assert noted.exit_code == 0
    head = noted.output.split()[-1]
    assert head.startswith("3:")
    delete_newest(earlier)
    assert verify_by_command().exit_code == 0, (
        "the restored entries are genuine, so only a noted head reveals the restore"
    )
    found = verify_by_command("--since", head)
    assert found.exit_code == 1
    assert f"entry {head} is not in the log any more" in found.stderr
    write_entries("another third")
    assert json.loads(verify_by_command("--since", head, "--json").stdout)["has_since"] is False


def test_a_noted_head_stays_valid_after_further_entries(app: Flask) -> None:
    for reason in ("", "one", "two"):
        if reason:
            write_entries(reason)
        head = json.loads(verify_by_command("--json").stdout)["head"]
        write_entries("more", "and more")
        assert verify_by_command("--since", head).exit_code == 0


@pytest.mark.parametrize("noted", ["", "3", "3:abc", f"-1:{'0' * 64}", f"1:{'g' * 64}"])
def test_an_invalid_head_is_refused(app: Flask, noted: str) -> None:
    result = verify_by_command("--since", noted)
    assert result.exit_code == 1
    assert "NUMBER:HASH" in result.stderr


def verify_by_command(*options: str) -> Result:
    """Run `flask audit verify`; return its result."""
    return current_app.test_cli_runner().invoke(args=["audit", "verify", *options])


def test_addresses_are_omitted_from_entries(app: Flask) -> None:
    write_entries("jeanne@mail.example asked for it")
    assert db.session.scalars(select(AuditEntry.reason)).one() == "[…] asked for it"
    assert verify(vault=runtime().vault).broken_at is None
