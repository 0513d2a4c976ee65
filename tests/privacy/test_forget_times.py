"""The times of an erased signature: every table stores its day but no hour, and every count stays exact."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import DateTime, func, select

from campaign.domain.counting.channel import Channel
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Action, InvalidatedAction, Signature, TallyHour
from campaign.platform import Model, UtcDateTime, db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts, daily_counts
from campaign.services.appeals.lifecycle import close
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.invalidate import add_invalidation, advance, begin, undo
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.erase import erase
from campaign.services.signing.report_action import record_report
from campaign.services.signing.withdraw import withdraw
from tests.conftest import DAY, START, context
from tests.signing.signatures import sign_and_confirm
from tests.staff.staff_clients import join_staff

pytestmark = pytest.mark.slow

MIDNIGHT = START.replace(hour=0)
HOUR = timedelta(hours=1)


def sign_and_report(appeal: AppealView, name: str, at: datetime) -> int:
    """Return a signature confirmed at that moment, with a letter reported 70 minutes later."""
    signature_id = sign_and_confirm(appeal, f"Ana {name.upper()}", f"{name}@mail.example", at=at)
    assert record_report(signature_id, Channel.LETTER, target=0, context=context(at + timedelta(minutes=70), SUPPORTER))
    return signature_id


def stored_times(signature_id: int) -> dict[str, set[datetime]]:
    """Return every moment in the rows of all tables that belong to the signature, and in its own."""
    found: dict[str, set[datetime]] = {}
    for table in Model.metadata.sorted_tables:
        keys = [key.parent for key in table.foreign_keys if key.column.table.name == "signature"]
        if table.name == "signature":
            keys = [table.c.id]
        moments = [column for column in table.columns if isinstance(column.type, UtcDateTime | DateTime)]
        for key in keys:
            for row in db.session.execute(select(*moments).where(key == signature_id)) if moments else ():
                found.setdefault(table.name, set()).update(moment for moment in row if moment is not None)
    db.session.rollback()
    return found


def history_by_hour() -> dict[tuple[datetime, str], int]:
    """Return the history: by hour and channel, empty cells too."""
    sums = select(TallyHour.hour, TallyHour.channel, func.sum(TallyHour.quantity))
    found = db.session.execute(sums.group_by(TallyHour.hour, TallyHour.channel)).all()
    db.session.rollback()
    return {(hour, channel): int(quantity) for hour, channel, quantity in found}


def test_erasing_leaves_days_and_no_hour(app: Flask, appeal: AppealView) -> None:
    signature_id, other = sign_and_report(appeal, "a", START), sign_and_report(appeal, "b", START + HOUR)
    roll_up(context=context(START + 5 * HOUR))
    before, by_day = counts(appeal.id), daily_counts(appeal.id)
    db.session.rollback()
    assert START in stored_times(signature_id)["action"]
    erase(signature_id, context=context(START + 6 * HOUR, SUPPORTER))
    found = stored_times(signature_id)
    assert {"signature", "action", "consent"} <= set(found)
    assert {moment for moments in found.values() for moment in moments} == {MIDNIGHT}
    assert MIDNIGHT not in stored_times(other)["action"]
    assert history_by_hour() == {
        (MIDNIGHT, "signature"): 1,
        (MIDNIGHT, "letter"): 1,
        (START + HOUR, "signature"): 1,
        (START + 2 * HOUR, "letter"): 1,
    }
    assert (verify_counts(), counts(appeal.id), daily_counts(appeal.id)) == ([], before, by_day)


def test_a_signature_erased_within_its_hour_leaves_no_hour_afterwards(app: Flask, appeal: AppealView) -> None:
    signature_id = sign_and_report(appeal, "a", START)
    erase(signature_id, context=context(START + 2 * HOUR, SUPPORTER))
    assert verify_counts() == []
    roll_up(context=context(START + 5 * HOUR))
    assert history_by_hour() == {(MIDNIGHT, "signature"): 1, (MIDNIGHT, "letter"): 1}
    assert verify_counts() == []


def test_an_erased_signer_signs_again_and_is_counted_once(app: Flask, appeal: AppealView) -> None:
    signature_id = sign_and_report(appeal, "a", START)
    erase(signature_id, context=context(START + 3 * HOUR, SUPPORTER))
    again = sign_and_confirm(appeal, "Ana A", "a@mail.example", at=START + 4 * HOUR)
    assert counts(appeal.id).by_channel == {"signature": 1, "letter": 1}
    db.session.rollback()
    erase(again, context=context(START + 5 * HOUR, SUPPORTER))
    assert counts(appeal.id).by_channel == {"signature": 1, "letter": 1}
    assert verify_counts() == []


def test_a_restored_action_of_an_erased_signer_counts_on_its_day(app: Flask, appeal: AppealView) -> None:
    scope, vault = Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr"), runtime().vault
    signature_id = sign_and_report(appeal, "a", START)
    invalidation_id = add_invalidation(
        Criteria(ids=(signature_id,)), None, context=context(START + DAY, staff_actor(scope))
    )
    for act in (None, begin):
        if act is not None:
            act(invalidation_id, "looks like a flood", context=context(START + DAY, staff_actor(scope)))
        while advance(context=context(START + DAY, vault=vault), only=invalidation_id):
            pass
    erase(signature_id, context=context(START + DAY, SUPPORTER, vault=vault))
    assert counts(appeal.id).total == 0
    assert {moment.hour for moment in db.session.scalars(select(InvalidatedAction.counted_at))} == {0}
    db.session.rollback()
    undo(invalidation_id, "it was none", context=context(START + DAY, staff_actor(scope)))
    while advance(context=context(START + DAY, vault=vault), only=invalidation_id):
        pass
    assert stored_times(signature_id)["action"] == {MIDNIGHT}
    assert counts(appeal.id).total == 2
    assert verify_counts() == []


@pytest.mark.parametrize("is_folded", [False, True])
def test_retention_leaves_no_hour_either(app: Flask, appeal: AppealView, is_folded: bool) -> None:
    kept = [sign_and_report(appeal, name, START + number * HOUR) for number, name in enumerate("abcdefg")]
    left = sign_and_report(appeal, "w", START)
    withdraw(left, context=context(START + 3 * HOUR, SUPPORTER))
    close(appeal.slug, context=context(START + DAY))
    # If addresses are stored for a day only, the history by hours is longer than that.
    late = START + 3 * DAY
    if is_folded:
        late = START + 40 * DAY
        roll_up(context=context(late))
    before, by_day = counts(appeal.id), daily_counts(appeal.id)
    db.session.rollback()
    within = replace(context(late), settings=replace(runtime().settings, retention_days=1))
    for _ in range(2):
        purge_expired(may_continue=lambda: True, batch=3, context=within)
    assert {moment for one in kept for moments in stored_times(one).values() for moment in moments} == {MIDNIGHT}
    if is_folded:
        # By then, the withdrawn signature and the hour of its counted letter are deleted.
        assert db.session.get(Signature, left) is None
        assert set(db.session.scalars(select(Action.counted_at))) == {MIDNIGHT}
    assert (verify_counts(), counts(appeal.id), daily_counts(appeal.id)) == ([], before, by_day)
    assert db.session.scalars(select(Signature.id).where(Signature.address_digest.is_not(None))).all() == []


def test_erasing_beside_rollups_and_signers_loses_nothing(app: Flask, appeal: AppealView) -> None:
    ids = [sign_and_report(appeal, name, START) for name in "abcdefghijkl"]
    db.session.rollback()

    def run_in_context(work: Any, *values: Any) -> None:
        with app.app_context():
            for value in values:
                work(value)

    def erase_one(signature_id: int) -> None:
        erase(signature_id, context=context(START + 10 * DAY, SUPPORTER))

    def report_one(signature_id: int) -> None:
        record_report(signature_id, Channel.FAX, target=0, context=context(START + 10 * DAY, SUPPORTER))

    still = ids[9:]
    parts = [(erase_one, *ids[part:9:3]) for part in range(3)]
    parts += [(report_one, *still), (lambda hour: roll_up(context=context(START + 8 * DAY + hour * HOUR)), *range(12))]
    threads = [threading.Thread(target=run_in_context, args=part) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_counts() == []
    assert counts(appeal.id).by_channel == {"signature": 12, "letter": 12, "fax": 3}
