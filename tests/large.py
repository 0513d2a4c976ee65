"""A database with a given number of signatures, written by the database itself: for query plans and benchmarks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from campaign.document import parse_text
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_sign_up, at_signature
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Action
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import repair
from tests.conftest import DOCUMENT, context

# Every second signer has confirmed and is counted as an action; the others are unconfirmed. Both were mailed.
_ROWS = {
    "signature": """
        INSERT INTO signature (appeal_id, section_code, country, state, address_digest, name_sealed, email_sealed,
            link_key, locale, wants_updates, signed_at, confirmed_at)
        SELECT :first + i % :appeals, CASE i % 3 WHEN 0 THEN 'fr' WHEN 1 THEN 'be-fr' ELSE 'international' END, 'FR',
            'confirmed', digest, name, email, substr(digest, 1, 16), 'en', i % 20 = 0, {moment}, {moment}
        FROM people WHERE i % 2 = 0""",
    "sign_up": """
        INSERT INTO sign_up (id, appeal_id, section_code, address_digest, content_digest, link_key,
            name_sealed, email_sealed, origin_sealed, locale, text_language, text_version, wording,
            signed_at, mailed_at)
        SELECT i, :first + i % :appeals, CASE i % 3 WHEN 0 THEN 'fr' WHEN 1 THEN 'be-fr' ELSE 'international' END,
            digest, digest, substr(digest, 1, 16), name, email, origin, 'en', 'en', 1, 1, {moment}, {moment}
        FROM people WHERE i % 2 = 1""",
    "consent": """
        INSERT INTO consent (signature_id, given_at, text_language, text_version, locale, wording, to_appeal,
            to_updates)
        SELECT id, signed_at, 'en', 1, 'en', 1, {true}, wants_updates FROM signature""",
    "mail": """
        INSERT INTO mail (kind, state, signature_id, domain_digest, message_id, created_at, locale,
            text_language, text_version, due_at, attempts, ambiguous, fence, sent_at)
        SELECT 'confirmation', 'sent', id, :domain, '<' || id || '@tocsin.example>', signed_at, 'en',
            'en', 1, signed_at, 1, 0, 1, signed_at FROM signature""",
    "funnel_count": """
        INSERT INTO funnel_count (appeal_id, section_code, aspect, value, day, funnel_stage, slot, quantity)
        SELECT appeal_id, section_code, 'provider',
            CASE id % 4 WHEN 0 THEN 'gmail' WHEN 1 THEN 'orange' ELSE 'other' END,
            {signed_on}, CASE state WHEN 'confirmed' THEN 'confirmed-1h' ELSE 'signed' END, id % 8, count(*)
        FROM signature GROUP BY 1, 2, 4, 5, 6, 7""",
    "action": """
        INSERT INTO action (appeal_id, section_code, channel, evidence, quantity, signature_id, target, happened_on,
            counted_at)
        SELECT appeal_id, section_code, 'signature', 'verified', 1, id, 0, {day}, confirmed_at
        FROM signature WHERE state = 'confirmed'""",
    "tombstone": """
        INSERT INTO tombstone (appeal_id, address_digest, erased_at)
        SELECT :first + i % :appeals, {other_digest}, {moment} FROM numbers""",
    "mailbox_limit": """
        INSERT INTO mailbox_limit (digest, content, month)
        SELECT {other_digest}, {other_digest}, {month} FROM numbers""",
}
# The signers of one statement. Each sealed value opens in its own row only.
_PEOPLE = {
    "postgresql": "WITH people AS (SELECT * FROM unnest(CAST(:i AS bigint[]), CAST(:digest AS bytea[]), "
    "CAST(:name AS bytea[]), CAST(:email AS bytea[]), CAST(:origin AS bytea[])) "
    "AS one (i, digest, name, email, origin)) ",
    "sqlite": "WITH people AS (SELECT :i AS i, :digest AS digest, :name AS name, :email AS email, :origin AS origin) ",
}
_ORIGIN = json.dumps(["FR", None, ""])
_BATCH_SIZE = 50_000
_NUMBERS = {
    "postgresql": "WITH numbers AS (SELECT i FROM generate_series(0, :signatures - 1) AS i) ",
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers LIMIT :signatures) ",
}
_EXPRESSIONS = {
    "postgresql": {
        "other_digest": "sha256(int4send(CAST(i AS int)))",
        "moment": "CAST(:start AS timestamptz) + (i % :minutes) * interval '1 minute'",
        "signed_on": "CAST(signed_at AT TIME ZONE 'UTC' AS date)",
        "day": "CAST(confirmed_at AT TIME ZONE 'UTC' AS date)",
        "month": "CAST(:start AS date)",
        "true": "true",
    },
    "sqlite": {
        "other_digest": "randomblob(32)",
        "moment": "strftime('%Y-%m-%d %H:%M:%f000', :start, '+' || (i % :minutes) || ' minutes')",
        "signed_on": "date(signed_at)",
        "day": "date(confirmed_at)",
        "month": "date(:start)",
        "true": "1",
    },
}


_CHANNELS = ("email", "letter", "fax", "phone", "social", "event")
_CELL = insert(Action)
# Digests are in random order: with a small cache SQLite would write each page of their index many times.
_LARGE_CACHE = text("PRAGMA cache_size = -2000000")  # 2 GB, until the connection ends


def _cell(number: int, appeal_id: int, start: datetime, codes: list[str]) -> dict[str, object]:
    """Return the columns of a bulk action, with another section, channel or day for each number."""
    rest, channel = divmod(number, len(_CHANNELS))
    day, section = divmod(rest, len(codes))
    moment = start + timedelta(days=day % 4)
    return {
        "appeal_id": appeal_id,
        "section_code": codes[section],
        "channel": _CHANNELS[channel],
        "evidence": "bulk",
        "quantity": 3,
        "target": 0,
        "happened_on": moment.date(),
        "counted_at": moment,
    }


def _batched(numbers: range, size: int) -> Iterator[range]:
    """Yield the numbers in pieces of at most that size."""
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _person(number: int, appeal_id: int, address: Address, vault: Vault) -> dict[str, Any]:
    if number % 2:  # so that a confirmation makes a new signature
        address = replace(address, local=f"{address.local}.{number}")
    digest = hashlib.sha256(number.to_bytes(8, "big")).digest()
    place = (at_sign_up if number % 2 else at_signature)(appeal_id, digest, digest[:16])
    return {
        "i": number,
        "digest": digest,
        "name": vault.seal_name("Jeanne Martin", place),
        "email": vault.seal_email(address, place),
        "origin": vault.seal_origin(_ORIGIN, place) if number % 2 else None,
    }


def fill(
    signatures: int, vault: Vault, *, start: datetime, appeals: int = 50, span: timedelta, cells: int = 0
) -> list[str]:
    """Make `appeals` open appeals, spread the signatures over them and the span after `start`, and return the slugs.

    The first also gets `cells` letters that staff entered, each for another section, channel and day. Needs an
    application context and an empty, migrated database with its sections. The tallies are rebuilt from the rows.
    """
    deadline = (start + timedelta(days=90)).date()
    slugs = [
        import_draft(
            parse_text(DOCUMENT), ImportOptions(slug=f"case-{number}", deadline=deadline), context=context(start)
        ).slug
        for number in range(appeals)
    ]
    for slug in slugs:
        publish(slug, context=context(start))
    address = parse_address("jeanne@mail.example")
    with transaction() as session:
        connection = session.connection()
        dialect = connection.dialect.name
        first = connection.execute(text("SELECT min(id) FROM appeal")).scalar_one()
        codes = list(connection.execute(text("SELECT code FROM section ORDER BY code")).scalars())
        values = {
            "signatures": signatures,
            "appeals": appeals,
            "first": first,
            "minutes": int(span / timedelta(minutes=1)),
            "domain": vault.domain_digest(address),
            "start": start.strftime("%Y-%m-%d %H:%M:%S"),
        }
    for numbers in _batched(range(signatures), _BATCH_SIZE):
        people = [_person(number, first + number % appeals, address, vault) for number in numbers]
        for table in ("signature", "sign_up"):
            statement = text(_PEOPLE[dialect] + _ROWS[table].format(**_EXPRESSIONS[dialect]))
            with transaction() as session:
                if dialect == "sqlite":
                    session.execute(_LARGE_CACHE)
                shared = {name: values[name] for name in statement._bindparams if name in values}
                parameters: Any = [person | shared for person in people]
                if dialect == "postgresql":
                    parameters = {name: [person[name] for person in people] for name in people[0]} | shared
                session.connection().execute(statement, parameters)
    # One transaction for each table, so that SQLite's log does not grow by ten million rows before a checkpoint.
    for sql in list(_ROWS.values())[2:]:
        numbered = "FROM numbers" in sql
        statement = text((_NUMBERS[dialect] if numbered else "") + sql.format(**_EXPRESSIONS[dialect]))
        with transaction() as session:
            if dialect == "sqlite":
                session.execute(_LARGE_CACHE)
            session.execute(statement, {name: values[name] for name in statement._bindparams})
    with transaction() as session:
        for number in range(cells):
            session.execute(_CELL, _cell(number, first, start, codes))
    repair(context=context())
    db.session.remove()
    db.engine.dispose()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if dialect == "postgresql" else "ANALYZE"))
    return slugs
