"""Erased values in the files of the database: no existing key opens the sealed bytes that remain.

Every file is searched: SQLite's database and log; PostgreSQL's data directory with its write-ahead log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_link_request, at_signature
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role, Scope
from campaign.models import (
    LinkRequest,
    MonthKey,
    RowKey,
    Signature,
    Staff,
)
from campaign.models.privacy.sealed_columns import SEALED, place_of
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.privacy.row_key import seeds_of
from campaign.services.keys import row_key
from campaign.services.keys.row_key import KeyUse, erase_keys, reserve, rewrite
from campaign.services.signing.new_link import answer_link_requests, request_new_links
from tests.conftest import DATABASES, DAY, START, Clock, context, form, make_database, migrated
from tests.deploy.processes import wait_until
from tests.postgresql import control, start_server
from tests.privacy.sealed_rows import (
    ADDRESS,
    CASES,
    SealedRowSite,
    SealedValue,
    answered_link_request,
    handover_with_withdrawn_signer,
    invalidation_criteria,
    only_value,
    purge,
    recipient_of_staff_mail,
    signed_up_sheet_row,
)
from tests.staff.staff_clients import join_staff

PEOPLE = 300
Search = Callable[[bytes], list[Path]]


@pytest.fixture(scope="module", params=DATABASES)
def migrated_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield an application on a separate database server.

    On a shared server, each search would read a gigabyte of other tests' log, their snapshots would delay the removal
    of rows, and a reused segment of the log would still contain older bytes.
    """
    folder = tmp_path_factory.mktemp("erased")
    if request.param == "sqlite":
        with migrated(f"sqlite:///{folder}/tocsin.db", folder) as app:
            yield app
        return
    server = start_server(folder / "pg", cleanup_mode=None)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            # As docs/privacy.md recommends: old segments of the log are deleted instead of reused.
            admin.execute("ALTER SYSTEM SET wal_recycle = off")
            admin.execute("SELECT pg_reload_conf()")
        with migrated(make_database(server.get_uri(), "erased"), folder) as app:
            yield app
    finally:
        control(server, "immediate", "stop")


@pytest.fixture
def search(app: Flask) -> Iterator[Search]:
    """Return a function that writes all data to disk, then returns the database's files that contain the bytes."""
    if db.engine.dialect.name == "sqlite":
        files = Path(str(db.engine.url.database))

        def in_sqlite(wanted: bytes) -> list[Path]:
            db.session.remove()
            return [path for path in files.parent.glob(f"{files.name}*") if wanted in path.read_bytes()]

        yield in_sqlite
        return
    with _admin() as admin:
        row = admin.execute("SHOW data_directory").fetchone()
        assert row is not None

        def in_postgresql(wanted: bytes) -> list[Path]:
            db.session.remove()
            admin.execute("CHECKPOINT")
            # The server creates and deletes files meanwhile, which `walk` skips.
            files = (Path(folder, name) for folder, _, names in os.walk(row[0]) for name in names)
            return [path for path in files if path.is_file() and wanted in _read(path)]

        yield in_postgresql


def _admin() -> psycopg.Connection[Any]:
    url = db.engine.url.set(username="postgres").render_as_string(hide_password=False)
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture
def signature_ids(app: Flask, appeal: AppealView) -> list[int]:
    """Return three hundred signatures, each sealed with a key of its own."""
    app_runtime = runtime()
    slots = []
    for _ in range(PEOPLE):
        reserve(app_runtime.vault, KeyUse.SIGNED, now=START)
        slots.append(app_runtime.vault.row_keys.take_key(KeyUse.SIGNED))
    rows = []
    for number, slot in enumerate(slots):
        address = parse_address(f"person{number}@mail.example")
        digest = app_runtime.vault.address_digest(appeal.id, address)
        place = at_signature(appeal.id, digest, b"k" * 16)
        rows.append({
            "appeal_id": appeal.id, "section_code": "fr", "country": "FR", "state": "confirmed", "locale": "en",
            "address_digest": digest, "link_key": b"k" * 16,
            "name_sealed": app_runtime.vault.seal_name(f"Person {number}", place, slot),
            "email_sealed": app_runtime.vault.seal_email(address, place, slot),
            "wants_updates": False, "signed_at": START,
        })  # fmt: skip
    with transaction() as session:
        session.execute(insert(Signature), rows)
    return list(db.session.scalars(select(Signature.id).order_by(Signature.id)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # deleted meanwhile
        return b""


def erase_values(ids: list[int]) -> None:
    """Erase the values and their keys, as the application does."""
    with transaction() as session:
        rows = session.scalars(select(Signature).where(Signature.id.in_(ids))).all()
        values = [only_value for row in rows for only_value in (row.name_sealed, row.email_sealed)]
        erase_keys(session, values, runtime().vault, on=START.date())
        gone = {"name_sealed": None, "email_sealed": None, "address_digest": None}
        session.execute(update(Signature).where(Signature.id.in_(ids)).values(**gone))


def stolen_keys() -> Vault:
    """Return all keys that a thief of the server has: those of the settings and those in the database."""
    return Vault((b"d" * 32,), b"i" * 32, seeds_of)


def test_erased_values_open_with_no_key(signature_ids: list[int], search: Search) -> None:
    rows = db.session.scalars(select(Signature)).all()
    before = {row.id: (place_of(row), row.name_sealed or b"", row.email_sealed or b"") for row in rows}
    old_seeds = [bytes(seeds) for seeds in db.session.scalars(select(RowKey.seeds_sealed))]
    assert [search(seeds) for seeds in old_seeds] != [[]] * len(old_seeds)
    erased = signature_ids[3:290:7]
    erase_values(erased)
    assert rewrite()
    wait_until(lambda: not any(_searched(search, old_seeds)), seconds=240)
    assert not rewrite()
    for number, (place, name, email) in before.items():
        if number in erased:
            # The sealed bytes may remain in a log or a free page, but no key opens them.
            for path in [*search(name), None]:
                found = name if path is None else _bytes_around(path, name)
                with pytest.raises(CipherError, match="erased"):
                    stolen_keys().open_name(found, place)
            with pytest.raises(CipherError, match="erased"):
                stolen_keys().open_email(email, place)
        else:
            assert stolen_keys().open_name(name, place).startswith("Person ")
    assert db.session.scalars(select(func.count()).where(RowKey.erased_on.is_not(None))).one() == 0


@pytest.mark.parametrize("case", CASES)
def test_no_copy_of_a_deleted_row_opens(
    app: Flask, appeal: AppealView, deliver: Any, search: Search, case: Callable[[SealedRowSite], SealedValue]
) -> None:
    scope = Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    deliver()
    held = case(SealedRowSite(appeal, deliver, scope))
    assert held.content in held.open(stolen_keys(), held.sealed)
    assert search(held.sealed)
    before = _seeds()
    held.erase()
    changed = [old for number, old in before.items() if _seeds().get(number) != old]
    assert changed
    assert rewrite()
    wait_until(lambda: not any(_searched(search, changed)), seconds=240)
    # On PostgreSQL, deleted rows remain until VACUUM and in the log, but no key opens them.
    for found in [held.sealed, *(_bytes_around(path, held.sealed) for path in search(held.sealed))]:
        with pytest.raises(CipherError, match="erased"):
            held.open(stolen_keys(), found)


def test_every_sealed_value_about_a_person_has_a_key(
    app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any
) -> None:
    row_site = SealedRowSite(
        appeal, deliver, Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    )
    deliver()
    cases = answered_link_request, handover_with_withdrawn_signer, signed_up_sheet_row, invalidation_criteria
    for case in (*cases, recipient_of_staff_mail):
        case(row_site)
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="paul@mail.example"))
    # Columns with keys, and with log-in data of staff accounts.
    of_nobody = {MonthKey, RowKey, Staff}
    without = set()
    for model, sealed in SEALED.items():
        for name in sealed.columns if model not in of_nobody else ():
            column = getattr(model, name)
            values = db.session.scalars(select(column).where(column.is_not(None))).all()
            if not values or any(runtime().vault.slot_of(only_value) is None for only_value in values):
                without.add(column.key)
    db.session.rollback()
    assert without == set()


def _seeds() -> dict[int, bytes]:
    found = {number: bytes(seeds) for number, seeds in db.session.execute(select(RowKey.id, RowKey.seeds_sealed))}
    db.session.rollback()
    return found


def test_keys_of_expired_forms_are_removed_from_the_files(app: Flask, appeal: AppealView, search: Search) -> None:
    app_runtime = runtime()
    reserve(app_runtime.vault, KeyUse.WAITING, now=START)
    reserve(app_runtime.vault, KeyUse.SIGNED, now=START)
    slot = app_runtime.vault.row_keys.take_key(KeyUse.WAITING)
    sealed = app_runtime.vault.seal_email(ADDRESS, at_link_request(), slot)
    before = _seeds()
    waiting = before[slot.batch]
    purge(START + 32 * DAY)
    assert _seeds() == before
    purge(START + 33 * DAY)
    assert search(waiting)
    assert rewrite()
    wait_until(lambda: not any(_searched(search, [waiting])), seconds=240)
    for vault in (stolen_keys(), app_runtime.vault):
        with pytest.raises(CipherError, match="erased"):
            vault.open_email(sealed, at_link_request())
    purge(START + 33 * DAY)
    assert _seeds() == {number: seeds for number, seeds in before.items() if number != slot.batch}


def test_a_link_request_under_deleted_keys_is_stored_again(app: Flask, appeal: AppealView) -> None:
    request_new_links(ADDRESS, context=context(actor=SUPPORTER))
    # The database is restored to a moment before the process reserved its keys.
    with transaction() as session:
        session.execute(delete(RowKey))
        session.execute(delete(LinkRequest))
    request_new_links(ADDRESS, context=context(actor=SUPPORTER))
    assert stolen_keys().open_email(only_value(LinkRequest.email_sealed), at_link_request()) == str(ADDRESS)


def test_erasing_works_without_the_data_key(app: Flask, appeal: AppealView, caplog: pytest.LogCaptureFixture) -> None:
    request_new_links(ADDRESS, context=context(actor=SUPPORTER))
    others = Vault((b"e" * 32,), b"i" * 32, seeds_of)
    assert not answer_link_requests(context=context(vault=others))
    assert db.session.scalar(select(func.count()).select_from(LinkRequest)) == 0
    assert "cannot be erased" in caplog.text


def _bytes_around(path: Path, name: bytes) -> bytes:
    content = path.read_bytes()
    at = content.index(name)
    return content[at : at + len(name)]


def _searched(search: Search, old_seeds: list[bytes]) -> list[list[Path]]:
    if db.engine.dialect.name == "postgresql":
        _end_log()
    return [search(seeds) for seeds in old_seeds]


def _end_log() -> None:
    """Switch to a new segment of the log and delete the old ones by a checkpoint, as happens on a busy server."""
    with _admin() as admin:
        for _ in range(2):
            admin.execute("SELECT pg_create_restore_point('another piece')")
            admin.execute("SELECT pg_switch_wal()")
            admin.execute("CHECKPOINT")


def test_keys_erased_during_a_rewrite_wait_for_the_next_one(
    signature_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = db.engine.dialect.name
    real = row_key._REWRITE[dialect]

    def erase_meanwhile() -> bool:
        done = real()
        erase_values(signature_ids[10:11])
        return done

    erase_values(signature_ids[:1])
    monkeypatch.setitem(row_key._REWRITE, dialect, erase_meanwhile)
    assert rewrite()
    monkeypatch.setitem(row_key._REWRITE, dialect, real)
    assert rewrite()
    assert not rewrite()


def test_a_deleted_batch_is_not_mistaken_for_another(app: Flask, signature_ids: list[int], clock: Clock) -> None:
    clock.now += timedelta(hours=1)
    ids = set(db.session.scalars(select(RowKey.id)))
    assert len(ids) >= 2
    assert all(0 < number < 2**63 for number in ids)
    row: Any = db.session.get(Signature, signature_ids[0])
    with transaction() as session:
        session.execute(update(RowKey).values(id=-RowKey.id))
    with pytest.raises(CipherError, match="not in the database"):
        stolen_keys().open_name(row.name_sealed, place_of(row))
