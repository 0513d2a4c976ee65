"""Erasures are repeated after the restore of an older backup, here a copy of the rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select

from campaign.domain.privacy import retention
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import ErasureJournalEntry, Signature, Tombstone
from campaign.models import SignUp as SignedUp
from campaign.platform import Model, db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.signing.person import digests_of_address
from campaign.services.counting.verify import verify_counts
from campaign.services.privacy.erasure_journal import delete_expired_files, read_folder, replay, write_entries
from campaign.services.signing.consents import set_updates
from campaign.services.signing.erase import delete_sign_ups_of_link, erase
from campaign.services.signing.unsubscribe import unsubscribe
from campaign.services.signing.withdraw import withdraw
from tests.conftest import START, Clock, Postbox, context, form
from tests.moderation.address_change import NEW_EMAIL, address_mails, my_page, stored_addresses

# Only in the whole gate, because the quick part has to stay quick.
pytestmark = pytest.mark.slow

URL = "/en/appeals/ana-ruiz-vega/sign"
LATER = START + timedelta(hours=1)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def six_signers(app: Flask, client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> dict[str, int]:
    """Return the signatures by name of six signers, all but the last confirmed, all with updates."""
    names = ("erases", "withdraws", "unsubscribes", "returns", "stays", "waits")
    for name in names:
        client.post(URL, data=form(email=f"{name}@mail.example"))
    deliver()
    links = {to.partition("@")[0]: postbox.link(number) for number, to in enumerate(postbox.recipients)}
    for name in names[:5]:
        assert client.post(links[name], data={"updates": "y"}).status_code == 303
    return {name: signature_of(name).id for name in names[:5]}


def refuse(name: str) -> None:
    """Erase the waiting sign-up, as the page behind the mailed link does."""
    app_runtime = runtime()
    db.session.rollback()
    digests = digests_of_address(db.session, parse_address(f"{name}@mail.example"), app_runtime.vault)
    mine = SignedUp.address_digest.in_([app_runtime.vault.waiting_digest(digest) for digest in digests])
    row = db.session.execute(select(SignedUp.id, SignedUp.link_key).where(mine)).one()
    token = app_runtime.tokens.make(Purpose.CONFIRM, row.id, START, row.link_key, b"content")
    delete_sign_ups_of_link(app_runtime.tokens.read(Purpose.CONFIRM, token, START), context=context(LATER, SUPPORTER))


def signature_of(name: str) -> Signature:
    db.session.rollback()
    digests = digests_of_address(db.session, parse_address(f"{name}@mail.example"), runtime().vault)
    return db.session.scalars(select(Signature).where(Signature.address_digest.in_(digests))).one()


def has_address(name: str) -> bool:
    db.session.rollback()
    digests = digests_of_address(db.session, parse_address(f"{name}@mail.example"), runtime().vault)
    waiting = [runtime().vault.waiting_digest(digest) for digest in digests]
    return bool(
        db.session.scalars(select(Signature.id).where(Signature.address_digest.in_(digests))).first()
        or db.session.scalars(select(SignedUp.id).where(SignedUp.address_digest.in_(waiting))).first()
    )


def copy_rows() -> Rows:
    db.session.rollback()
    kept = [table for table in Model.metadata.sorted_tables if table.name not in UNCHANGED_TABLES]
    return {table.name: [dict(row._mapping) for row in db.session.execute(select(table))] for table in kept}


def restore_rows(rows: Rows) -> None:
    with transaction() as session:
        for table in reversed(Model.metadata.sorted_tables):
            if table.name not in UNCHANGED_TABLES:
                session.execute(delete(table))
        for table in Model.metadata.sorted_tables:
            if rows.get(table.name):
                session.execute(insert(table), rows[table.name])
    db.session.expire_all()


# The audit log does not change in these tests, and it refuses to be emptied.
UNCHANGED_TABLES = {"section", "rollup_progress", "audit_entry", "audit_head"}


def erase_and_withdraw(six_signers: dict[str, int]) -> None:
    erase(six_signers["erases"], context=context(LATER, SUPPORTER))
    refuse("waits")
    withdraw(six_signers["withdraws"], context=context(LATER, SUPPORTER))
    unsubscribe(six_signers["unsubscribes"], everywhere=True, context=context(LATER, SUPPORTER))
    set_updates(six_signers["returns"], is_wanted=False, context=context(LATER, SUPPORTER))


def test_each_batch_of_erasures_is_a_transaction_of_its_own(
    six_signers: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaign.services.privacy.erasure_journal.BATCH", 2)
    erase_and_withdraw(six_signers)
    turns: list[int] = []
    assert write_entries(tmp_path, heartbeat=lambda: turns.append(1), context=context()) == 5
    assert len(turns) == 2


def test_erased_people_stay_erased_after_a_restore(
    appeal: AppealView, six_signers: dict[str, int], tmp_path: Path
) -> None:
    before = copy_rows()
    erase_and_withdraw(six_signers)
    now = counts(appeal.id)
    assert write_entries(tmp_path / "left", context=context()) == 5
    assert write_entries(tmp_path / "left", context=context()) == 0
    restore_rows(before)
    assert has_address("erases")
    written = read_folder(tmp_path / "left", vault=runtime().vault)
    assert written.damaged == ()
    assert replay(written.erasures, context=context()) == {"erased": 1, "withdrawn": 1, "updates-ended": 2}
    assert not has_address("erases")
    assert not has_address("waits")
    assert signature_of("withdraws").state == "withdrawn"
    assert [signature_of(name).wants_updates for name in ("unsubscribes", "returns", "stays")] == [False, False, True]
    assert counts(appeal.id) == now
    assert verify_counts() == []
    with transaction() as session:  # an erased and counted address cannot be counted again
        assert len(session.scalars(select(Tombstone)).all()) == 1
        assert session.scalars(select(ErasureJournalEntry)).all() == []
    assert replay(written.erasures, context=context()) == {}


def test_signers_who_signed_again_stay_after_a_restore(
    client: FlaskClient, six_signers: dict[str, int], tmp_path: Path, clock: Clock
) -> None:
    erase_and_withdraw(six_signers)
    clock.now = LATER + timedelta(hours=1)
    for name in ("erases", "withdraws"):
        client.post(URL, data=form(email=f"{name}@mail.example"))
    set_updates(six_signers["returns"], is_wanted=True, context=context(clock.now, SUPPORTER))
    write_entries(tmp_path, context=context())
    assert replay(read_folder(tmp_path, vault=runtime().vault).erasures, context=context()) == {}
    assert has_address("erases"), "the new form is stored"
    assert (signature_of("withdraws").state, signature_of("returns").wants_updates) == ("withdrawn", True)
    # Two of the six were deleted, and one of these signed again.
    assert db.session.scalars(select(func.count()).select_from(SignedUp)).one() == 6


def test_a_changed_address_is_not_restored(
    client: FlaskClient,
    appeal: AppealView,
    six_signers: dict[str, int],
    tmp_path: Path,
    clock: Clock,
    deliver: Any,
    postbox: Postbox,
) -> None:
    before = copy_rows()
    old = stored_addresses(six_signers["stays"])[0] or ""

    def change_address(to: str) -> None:
        clock.now += timedelta(hours=1)
        client.post(my_page(six_signers["stays"]), data={"do": "address", "email": to})
        deliver()
        (link,) = {link for who, link in address_mails(postbox) if who == to and link} - used
        used.add(link)
        assert client.post(link).status_code == 200

    used: set[str] = set()
    change_address(NEW_EMAIL)
    write_entries(tmp_path, context=context())
    written = read_folder(tmp_path, vault=runtime().vault).erasures
    assert replay(written, context=context()) == {}, "the signature under the new address stays"
    after, now = copy_rows(), counts(appeal.id)
    restore_rows(before)
    assert replay(written, context=context()) == {"address-changed": 1}
    assert not has_address("stays")
    assert (counts(appeal.id), verify_counts()) == (now, [])
    assert replay(written, context=context()) == {}
    restore_rows(after)
    change_address(old)
    assert replay(written, context=context()) == {}, "the signature under the restored old address stays"
    assert stored_addresses(six_signers["stays"]) == [old]


def test_the_journal_holds_no_address_and_is_readable_by_its_owner_only(
    six_signers: dict[str, int], tmp_path: Path
) -> None:
    erase_and_withdraw(six_signers)
    write_entries(tmp_path, context=context())
    (path,) = tmp_path.iterdir()
    assert path.name == "2026-03.journal"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"mail.example" not in path.read_bytes()


def test_a_line_truncated_by_a_crash_is_written_again(six_signers: dict[str, int], tmp_path: Path) -> None:
    erase(six_signers["erases"], context=context(LATER, SUPPORTER))
    write_entries(tmp_path, context=context())
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b"erased 1 0000")
    refuse("waits")
    write_entries(tmp_path, context=context())
    written = read_folder(tmp_path, vault=runtime().vault)
    assert (len(written.erasures), written.damaged) == (2, ())


def test_a_changed_line_is_reported_and_ignored(six_signers: dict[str, int], tmp_path: Path) -> None:
    erase_and_withdraw(six_signers)
    write_entries(tmp_path, context=context())
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace("withdrawn", "erased", 1) + "\xff\n", encoding="latin-1")
    written = read_folder(tmp_path, vault=runtime().vault)
    assert len(written.erasures) == 4
    assert ["line 3" in line or "line 6" in line for line in written.damaged] == [True, True]


def test_an_unwritable_erasure_waits_in_the_database(six_signers: dict[str, int], tmp_path: Path) -> None:
    erase_and_withdraw(six_signers)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        write_entries(tmp_path / "file", context=context())
    assert write_entries(tmp_path / "folder", context=context()) == 5


def test_months_are_deleted_after_the_longest_life_of_a_backup(app: Flask, tmp_path: Path) -> None:
    for name in ("2024-01.journal", "2024-03.journal", "notes.journal"):
        (tmp_path / name).touch()
    assert delete_expired_files(tmp_path, context=context()) == 1
    assert delete_expired_files(tmp_path, context=context(START + retention.TOMBSTONES)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.journal"]
