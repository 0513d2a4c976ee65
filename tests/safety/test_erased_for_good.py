"""After erasing, what is left of somebody in the database's files opens with none of the keys that there are.

Every file is searched: SQLite's database and log; PostgreSQL's data directory with its write-ahead log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from campaign.domain.address import parse_address
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.domain.moderation import Criteria
from campaign.domain.outbox import MailKind, MailState
from campaign.domain.place import at_handover, at_link_request, at_signature
from campaign.domain.sheet import TypedRow, read_rows
from campaign.domain.staff import Role, Scope
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.models import HandoverPart, Invalidation, LinkRequest, Mail, RowKey, SheetRow, Signature
from campaign.models.sealed import place_of
from campaign.queries.appeal import AppealView
from campaign.queries.handover import handovers
from campaign.queries.row_key import seeds_of
from campaign.services import row_key
from campaign.services.addressees import Addressees
from campaign.services.dead import Chosen, Operator
from campaign.services.dead import drop as drop_mails
from campaign.services.enter import undo
from campaign.services.enter_sheet import SheetEntry, enter_sheet, sign_sheet_rows
from campaign.services.handover import Bindery, ask_for_handover, make_handover
from campaign.services.invalidate import drop, prepare
from campaign.services.new_link import answer_link_requests, ask_new_links
from campaign.services.notify import Notice
from campaign.services.own_letter import mail_own_letter
from campaign.services.retain import retain
from campaign.services.row_key import Use, erase_keys, reserve, rewrite
from campaign.services.transaction import transaction
from campaign.services.withdraw import erase, set_sharing
from tests.conftest import DAY, START, Clock
from tests.services.test_invalidate import signed as signed_by_form
from tests.web.staff.room import join

PEOPLE = 300
ADDRESS = parse_address("jeanne@mail.example")
Search = Callable[[bytes], list[Path]]


@pytest.fixture
def search(app: Flask, request: pytest.FixtureRequest) -> Iterator[Search]:
    """Finds bytes in every file of the database, once everything is on the disk."""
    if db.engine.dialect.name == "sqlite":
        files = Path(str(db.engine.url.database))

        def in_sqlite(wanted: bytes) -> list[Path]:
            db.session.remove()
            return [path for path in files.parent.glob(f"{files.name}*") if wanted in path.read_bytes()]

        yield in_sqlite
        return
    with psycopg.connect(request.getfixturevalue("postgresql_server"), autocommit=True) as admin:
        row = admin.execute("SHOW data_directory").fetchone()
        assert row is not None

        def in_postgresql(wanted: bytes) -> list[Path]:
            db.session.remove()
            admin.execute("CHECKPOINT")
            # Databases of other tests come and go meanwhile, which `walk` passes over.
            files = (Path(folder, name) for folder, _, names in os.walk(row[0]) for name in names)
            return [path for path in files if path.is_file() and wanted in _read(path)]

        # What docs/privacy.md recommends: old pieces of the log are deleted, not kept to be written over.
        admin.execute("ALTER SYSTEM SET wal_recycle = off")
        admin.execute("SELECT pg_reload_conf()")
        yield in_postgresql
        admin.execute("ALTER SYSTEM RESET wal_recycle")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture
def signed(app: Flask, appeal: AppealView) -> list[int]:
    """Three hundred signatures, each sealed with a key of its own."""
    at = runtime()
    slots = []
    for _ in range(PEOPLE):
        reserve(at.vault, Use.SIGNED, now=START)
        slots.append(at.vault.row_keys.take(Use.SIGNED))
    rows = []
    for number, slot in enumerate(slots):
        address = parse_address(f"person{number}@mail.example")
        digest = at.vault.address_digest(appeal.id, address)
        place = at_signature(appeal.id, digest, b"k" * 16)
        rows.append({
            "appeal_id": appeal.id, "section_code": "fr", "country": "FR", "state": "confirmed", "locale": "en",
            "address_digest": digest, "link_key": b"k" * 16,
            "name_sealed": at.vault.seal_name(f"Person {number}", place, slot),
            "email_sealed": at.vault.seal_email(address, place, slot), "wants_updates": False, "signed_at": START,
        })  # fmt: skip
    with transaction() as session:
        session.execute(insert(Signature), rows)
    return list(db.session.scalars(select(Signature.id).order_by(Signature.id)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # removed meanwhile
        return b""


def forget(ids: list[int]) -> None:
    """What erasing does with the values and their keys."""
    with transaction() as session:
        rows = session.scalars(select(Signature).where(Signature.id.in_(ids))).all()
        values = [value for row in rows for value in (row.name_sealed, row.email_sealed)]
        erase_keys(session, values, runtime().vault, on=START.date())
        gone = {"name_sealed": None, "email_sealed": None, "address_digest": None}
        session.execute(update(Signature).where(Signature.id.in_(ids)).values(**gone))


def all_keys() -> Vault:
    """Everything that a thief of the server has: the settings' keys and the database as it is."""
    return Vault((b"d" * 32,), b"i" * 32, seeds_of)


def test_what_is_left_opens_with_no_key_there_is(signed: list[int], search: Search) -> None:
    rows = db.session.scalars(select(Signature)).all()
    before = {row.id: (place_of(row), row.name_sealed or b"", row.email_sealed or b"") for row in rows}
    old_seeds = [bytes(seeds) for seeds in db.session.scalars(select(RowKey.seeds_sealed))]
    assert [search(seeds) for seeds in old_seeds] != [[]] * len(old_seeds)
    erased = signed[3:290:7]
    forget(erased)
    assert rewrite()
    _until(lambda: not any(_searched(search, old_seeds)))
    assert not rewrite()
    for number, (place, name, email) in before.items():
        if number in erased:
            # The sealed bytes may still lie in a log or a free page; where they do, they open no more.
            for path in [*search(name), None]:
                found = name if path is None else _cut(path, name)
                with pytest.raises(CipherError, match="erased"):
                    all_keys().open_name(found, place)
            with pytest.raises(CipherError, match="erased"):
                all_keys().open_email(email, place)
        else:
            assert all_keys().open_name(name, place).startswith("Person ")
    assert db.session.scalars(select(func.count()).where(RowKey.erased_on.is_not(None))).one() == 0


@dataclass(frozen=True)
class Held:
    """A value sealed in a row, how to open it, what it says, and what erases the row."""

    sealed: bytes
    open: Callable[[Vault, bytes], str]
    says: str
    erase: Callable[[], object]


@dataclass(frozen=True)
class Site:
    """What the cases below need of the application."""

    appeal: AppealView
    deliver: Callable[[], dict[str, int]]
    scope: Scope


def value(column: Any) -> bytes:
    """The only one there is."""
    found = db.session.scalars(select(column).where(column.is_not(None))).one()
    db.session.rollback()
    return bytes(found)


def row_of(model: Any) -> Any:
    """The newest one."""
    found = db.session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()
    db.session.expunge_all()
    db.session.rollback()
    return found


def an_address_that_asked_for_links(site: Site) -> Held:
    at = runtime()
    ask_new_links(ADDRESS, now=START, vault=at.vault)
    return Held(
        value(LinkRequest.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, at_link_request()),
        str(ADDRESS),
        lambda: answer_link_requests(vault=at.vault, mail_domain=at.mail_domain),
    )


def an_address_that_asked_for_links_of_no_worker(site: Site) -> Held:
    return replace(an_address_that_asked_for_links(site), erase=lambda: prune(START + 2 * DAY))


def a_list_made(site: Site) -> tuple[int, Held]:
    at = runtime()
    signature_id = signed_by_form(site.appeal, "Jeanne Martin", str(ADDRESS))
    set_sharing(signature_id, wanted=True, now=START, vault=at.vault)
    number = ask_for_handover(
        site.scope, site.appeal, language="en", target=1, reason="For the meeting", now=START, vault=at.vault
    )
    assert make_handover(number, clock=at.clock, bindery=Bindery(at.vault, at.settings.fonts))
    names = next(name for name in handovers(site.scope, site.appeal.id)[0].files if name.endswith(".csv"))
    sealed = db.session.scalars(select(HandoverPart.content_sealed).where(HandoverPart.name == names)).one()
    db.session.rollback()
    return signature_id, Held(
        bytes(sealed),
        lambda vault, sealed: vault.open_file(sealed, at_handover(number, names)).decode(),
        "Jeanne Martin",
        lambda: prune(START + 8 * DAY),
    )


def a_list_whose_days_are_over(site: Site) -> Held:
    return a_list_made(site)[1]


def a_list_with_somebody_who_erased(site: Site) -> Held:
    signature_id, held = a_list_made(site)
    return replace(held, erase=lambda: erase(signature_id, now=START, vault=runtime().vault))


def a_list_with_somebody_who_left(site: Site) -> Held:
    signature_id, held = a_list_made(site)
    return replace(held, erase=lambda: set_sharing(signature_id, wanted=False, now=START, vault=runtime().vault))


def a_row_signed_up(site: Site) -> Held:
    at = runtime()
    rows = [TypedRow(1, "Jeanne Martin", str(ADDRESS), "FR", "y")]
    entered = SheetEntry(read_rows(rows, "FR", ("en",)), START.date(), "Stall", "", "en")
    enter_sheet(site.appeal.slug, entered, by=site.scope, is_sure=True, is_again=False, now=START, vault=at.vault)
    place = place_of(row_of(SheetRow))
    return Held(
        value(SheetRow.email_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        lambda: sign_sheet_rows(
            now=START, vault=at.vault, mail_domain=at.mail_domain, addressees=Addressees(at.settings)
        ),
    )


def a_row_of_somebody_who_erased(site: Site) -> Held:
    signature_id = signed_by_form(site.appeal, "Jeanne Martin", str(ADDRESS))
    held = a_row_signed_up(site)
    return replace(held, erase=lambda: erase(signature_id, now=START, vault=runtime().vault))


def a_row_of_a_sheet_undone(site: Site) -> Held:
    held = a_row_signed_up(site)
    entry = row_of(SheetRow).entry_id
    return replace(held, erase=lambda: undo(site.appeal.slug, entry, by=site.scope, now=START, vault=runtime().vault))


def whom_a_mail_to_staff_went_to(site: Site) -> Held:
    at = runtime()
    with transaction() as session:
        notice = Notice(MailKind.STAFF_ALERT, ADDRESS, "Look", "At this", "", "en")
        notice.write(session.connection(), now=START, vault=at.vault, domain=at.mail_domain)
    place = place_of(row_of(Mail))
    return Held(
        value(Mail.recipient_sealed),
        lambda vault, sealed: vault.open_email(sealed, place),
        str(ADDRESS),
        site.deliver,
    )


def what_a_mail_to_staff_said(site: Site) -> Held:
    held = whom_a_mail_to_staff_went_to(site)
    place = place_of(row_of(Mail))
    return replace(
        held,
        sealed=value(Mail.context_sealed),
        open=lambda vault, sealed: vault.open_context(sealed, place),
        says="At this",
    )


def whom_a_mail_given_up_was_to(site: Site) -> Held:
    held = whom_a_mail_to_staff_went_to(site)
    with transaction() as session:
        session.execute(update(Mail).values(state=MailState.DEAD.value))
    return replace(held, erase=lambda: drop_mails(Chosen(), Operator(None, START, runtime().vault)))


def whom_a_mail_never_sent_was_to(site: Site) -> Held:
    return replace(whom_a_mail_given_up_was_to(site), erase=lambda: prune(START + 36 * DAY))


def a_letter_in_own_words(site: Site) -> Held:
    at = runtime()
    signature_id = signed_by_form(site.appeal, "Jeanne Martin", str(ADDRESS))
    site.deliver()
    mail_own_letter(signature_id, "My own words", now=START, vault=at.vault, mail_domain=at.mail_domain)
    own = select(Mail).where(Mail.kind == MailKind.OWN_LETTER)
    mail = db.session.scalars(own).one()
    place, sealed = place_of(mail), bytes(mail.context_sealed or b"")
    db.session.rollback()
    return Held(
        sealed,
        lambda vault, sealed: vault.open_context(sealed, place),
        "My own words",
        lambda: delivered_and_erased(site, signature_id),
    )


def delivered_and_erased(site: Site, signature_id: int) -> None:
    site.deliver()
    erase(signature_id, now=START, vault=runtime().vault)


def what_staff_chose_by(site: Site) -> Held:
    number = prepare(Criteria(pattern="jeanne@*"), None, by=site.scope, now=START, vault=runtime().vault)
    place = place_of(row_of(Invalidation))
    return Held(
        value(Invalidation.criteria_sealed),
        lambda vault, sealed: vault.open_context(sealed, place),
        "jeanne@*",
        lambda: drop(number, by=site.scope, now=START, vault=runtime().vault),
    )


def what_staff_chose_by_long_ago(site: Site) -> Held:
    return replace(what_staff_chose_by(site), erase=lambda: prune(START + 31 * DAY))


CASES = [
    *(an_address_that_asked_for_links, an_address_that_asked_for_links_of_no_worker),
    *(a_list_whose_days_are_over, a_list_with_somebody_who_erased, a_list_with_somebody_who_left),
    *(a_row_signed_up, a_row_of_somebody_who_erased, a_row_of_a_sheet_undone),
    *(whom_a_mail_to_staff_went_to, what_a_mail_to_staff_said),
    *(whom_a_mail_given_up_was_to, whom_a_mail_never_sent_was_to, a_letter_in_own_words),
    *(what_staff_chose_by, what_staff_chose_by_long_ago),
]


def prune(now: datetime) -> None:
    retain(now=now, days=180, go_on=lambda: True, vault=runtime().vault)


@pytest.mark.parametrize("case", CASES)
def test_no_copy_of_a_row_that_went_opens(
    app: Flask, appeal: AppealView, deliver: Any, search: Search, case: Callable[[Site], Held]
) -> None:
    scope = Scope(join(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    deliver()
    held = case(Site(appeal, deliver, scope))
    assert held.says in held.open(all_keys(), held.sealed)
    assert search(held.sealed)
    before = _seeds()
    held.erase()
    changed = [old for number, old in before.items() if _seeds().get(number) != old]
    assert changed
    assert rewrite()
    _until(lambda: not any(_searched(search, changed)))
    # On PostgreSQL what was deleted lies there until VACUUM, and in the log; wherever it does, it opens no more.
    for found in [held.sealed, *(_cut(path, held.sealed) for path in search(held.sealed))]:
        with pytest.raises(CipherError, match="erased"):
            held.open(all_keys(), found)


def _seeds() -> dict[int, bytes]:
    found = {number: bytes(seeds) for number, seeds in db.session.execute(select(RowKey.id, RowKey.seeds_sealed))}
    db.session.rollback()
    return found


def test_keys_of_forms_whose_days_are_over_leave_the_files(app: Flask, appeal: AppealView, search: Search) -> None:
    at = runtime()
    reserve(at.vault, Use.WAITING, now=START)
    reserve(at.vault, Use.SIGNED, now=START)
    slot = at.vault.row_keys.take(Use.WAITING)
    sealed = at.vault.seal_email(ADDRESS, at_link_request(), slot)
    before = _seeds()
    waiting = before[slot.batch]
    prune(START + 32 * DAY)
    assert _seeds() == before
    prune(START + 33 * DAY)
    assert search(waiting)
    assert rewrite()
    _until(lambda: not any(_searched(search, [waiting])))
    for vault in (all_keys(), at.vault):
        with pytest.raises(CipherError, match="erased"):
            vault.open_email(sealed, at_link_request())
    prune(START + 33 * DAY)
    assert _seeds() == {number: seeds for number, seeds in before.items() if number != slot.batch}


def test_a_request_under_keys_that_are_gone_is_written_again(app: Flask, appeal: AppealView) -> None:
    at = runtime()
    ask_new_links(ADDRESS, now=START, vault=at.vault)
    # The database is set back to before the process took its keys.
    with transaction() as session:
        session.execute(delete(RowKey))
        session.execute(delete(LinkRequest))
    ask_new_links(ADDRESS, now=START, vault=at.vault)
    assert all_keys().open_email(value(LinkRequest.email_sealed), at_link_request()) == str(ADDRESS)


def test_erasing_goes_on_where_the_data_key_is_lost(
    app: Flask, appeal: AppealView, caplog: pytest.LogCaptureFixture
) -> None:
    ask_new_links(ADDRESS, now=START, vault=runtime().vault)
    others = Vault((b"e" * 32,), b"i" * 32, seeds_of)
    assert not answer_link_requests(vault=others, mail_domain="tocsin.example")
    assert db.session.scalar(select(func.count()).select_from(LinkRequest)) == 0
    assert "cannot be erased" in caplog.text


def _cut(path: Path, name: bytes) -> bytes:
    content = path.read_bytes()
    at = content.index(name)
    return content[at : at + len(name)]


def _searched(search: Search, old_seeds: list[bytes]) -> list[list[Path]]:
    if db.engine.dialect.name == "postgresql":
        _end_log()
    return [search(seeds) for seeds in old_seeds]


def _end_log() -> None:
    """What time does on a server that is at work: the log goes on in a new piece, and a checkpoint lets the old go."""
    url = db.engine.url.set(username="postgres").render_as_string(hide_password=False)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        for _ in range(2):
            admin.execute("SELECT pg_switch_wal()")
            admin.execute("CHECKPOINT")


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_keys_erased_while_the_table_is_rewritten_wait_for_the_next_time(
    signed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = db.engine.dialect.name
    real = row_key._REWRITE[dialect]

    def meanwhile() -> bool:
        done = real()
        forget(signed[10:11])
        return done

    forget(signed[:1])
    monkeypatch.setitem(row_key._REWRITE, dialect, meanwhile)
    assert rewrite()
    monkeypatch.setitem(row_key._REWRITE, dialect, real)
    assert rewrite()
    assert not rewrite()


def test_a_batch_that_is_gone_is_taken_for_no_other(app: Flask, signed: list[int], clock: Clock) -> None:
    clock.now += timedelta(hours=1)
    ids = set(db.session.scalars(select(RowKey.id)))
    assert len(ids) >= 2
    assert all(0 < number < 2**63 for number in ids)
    row: Any = db.session.get(Signature, signed[0])
    with transaction() as session:
        session.execute(update(RowKey).values(id=-RowKey.id))
    with pytest.raises(CipherError, match="not in the database"):
        all_keys().open_name(row.name_sealed, place_of(row))
