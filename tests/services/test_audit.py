"""The audit log: append-only, chained, without addresses."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import AuditEntry, AuditHead
from campaign.services.audit import Act, append, verify
from campaign.services.transaction import transaction
from tests.conftest import START


def write(*reasons: str) -> None:
    at = runtime()
    for reason in reasons:
        with transaction() as session:
            append(
                session,
                Act("appeal.close", "appeal:x", None, "fr", {"a": 1}, {"a": "é"}, reason),
                now=at.clock(),
                vault=at.vault,
            )


def test_an_untouched_chain_holds(app: Flask) -> None:
    write("one", "two", "three")
    proof = verify(vault=runtime().vault)
    assert (proof.entries, proof.broken_at) == (3, None)


@pytest.mark.parametrize("statement", [update(AuditEntry).values(reason="x"), delete(AuditEntry)])
def test_the_database_refuses_to_change_an_entry(app: Flask, statement: object) -> None:
    write("one")
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(statement)  # type: ignore[call-overload]


# What somebody without the keys can write: it looks like the others, and its digest is made up.
FORGED = {"at": START, "act": "appeal.close", "subject": "appeal:x", "staff_id": None, "digest": bytes(range(32))}


def tamper(statement: object) -> None:
    """As somebody who owns the database can."""
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
        (delete(AuditEntry).where(AuditEntry.id == 2), 2),
        (delete(AuditEntry).where(AuditEntry.id == 3), 3),
        (update(AuditHead).values(entry_id=2), 4),
        (insert(AuditEntry).values(**FORGED, id=4), 4),
        (insert(AuditEntry).values(**FORGED, id=0), 1),
        (update(AuditEntry).where(AuditEntry.id == 3).values(id=4), 3),
    ],
)
def test_what_was_changed_put_in_or_taken_out_is_found(app: Flask, statement: object, broken_at: int) -> None:
    write("one", "two", "three")
    tamper(statement)
    assert verify(vault=runtime().vault).broken_at == broken_at
    result = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert result.exit_code == 1
    assert f"entry {broken_at}" in result.stderr


def test_addresses_are_left_out(app: Flask) -> None:
    write("jeanne@mail.example asked for it")
    assert db.session.scalars(select(AuditEntry.reason)).one() == "[…] asked for it"
    assert verify(vault=runtime().vault).broken_at is None
