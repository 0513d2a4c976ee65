"""Counts always equal the rows, with any number of concurrent writers."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, select, update

from campaign.domain.errors import StateError
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Action, Mail, Signature, Tally, TallyHour
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts, daily_counts
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import repair, verify_counts
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from campaign.services.signing.withdraw import withdraw
from tests.conftest import START, Clock, confirm_at, context


def sign_many(appeal: AppealView, number: int) -> list[int]:
    for index in range(number):
        address = parse_address(f"p{index}@mail.example")
        code = ("fr", "be-fr", "international")[index % 3]
        sign_up = SignUpRequest(appeal.id, code, "FR", "Name", address, "en", "en", 1, None)
        sign(sign_up, context=context(actor=SUPPORTER))
    return [one for one in db.session.scalars(select(Mail.sign_up_id).order_by(Mail.id)) if one is not None]


def test_concurrent_writers_count_exactly(app: Flask, appeal: AppealView) -> None:
    ids = sign_many(appeal, 24)
    db.session.rollback()

    def confirm_and_withdraw(ids_of_thread: list[int]) -> None:
        with app.app_context():
            for row_id in ids_of_thread:
                with suppress(StateError):  # the other thread has withdrawn it already
                    signature_id = confirm_at(row_id, START)
                    if row_id % 4 == 0:
                        withdraw(signature_id, context=context(actor=SUPPORTER))

    # Two threads for each half, so that the same signatures are confirmed and withdrawn at the same time.
    threads = [threading.Thread(target=confirm_and_withdraw, args=(ids[part % 2 :: 2],)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = len(db.session.scalars(select(Signature.id).where(Signature.state == "confirmed")).all())
    assert counts(appeal.id).signatures == left == len(db.session.scalars(select(Action.id)).all())
    assert verify_counts() == []


def test_a_wrong_count_is_found_and_repaired(app: Flask, appeal: AppealView) -> None:
    for row_id in sign_many(appeal, 6):
        confirm_at(row_id, START + timedelta(hours=row_id % 2))
    db.session.execute(update(Tally).values(quantity=Tally.quantity + 5))
    db.session.execute(delete(TallyHour))
    db.session.commit()
    found = verify_counts()
    assert {one.kind for one in found} == {"tally", "hour"}
    assert repair(context=context()) == found
    assert verify_counts() == []
    assert counts(appeal.id).signatures == 6
    assert sum(day.total for day in daily_counts(appeal.id)) == 6


def test_an_action_without_its_signature_is_found(app: Flask, appeal: AppealView) -> None:
    confirm_at(sign_many(appeal, 1)[0], START)
    db.session.execute(update(Signature).values(state="pending"))
    db.session.commit()
    assert [(difference.kind, difference.stored, difference.counted) for difference in verify_counts()] == [
        ("signatures", 1, 0)
    ]


def test_history_keeps_the_hour_in_which_it_was_counted(app: Flask, appeal: AppealView, clock: Clock) -> None:
    one, other = sign_many(appeal, 2)
    signature_id = confirm_at(one, START)
    confirm_at(other, START + timedelta(days=1))
    withdraw(signature_id, context=context(START + timedelta(days=2), SUPPORTER))
    assert [(day.day, day.total) for day in daily_counts(appeal.id)] == [((START + timedelta(days=1)).date(), 1)]
    assert verify_counts() == []


def test_the_rollup_shortens_the_history_and_changes_no_count(app: Flask, appeal: AppealView) -> None:
    ids = sign_many(appeal, 40)
    for place, row_id in enumerate(ids):
        confirm_at(row_id, START + timedelta(hours=place % 8, days=place % 2))
    before, by_day = counts(appeal.id), daily_counts(appeal.id)
    later = START + timedelta(days=9)
    assert roll_up(context=context(later)) > 0
    assert roll_up(context=context(later)) == 0
    assert verify_counts() == []
    assert (counts(appeal.id), daily_counts(appeal.id)) == (before, by_day)
    rows = len(db.session.scalars(select(TallyHour.hour)).all())
    assert rows == len(set(db.session.execute(select(TallyHour.hour, TallyHour.section_code, TallyHour.slot)).all()))
    assert roll_up(context=context(later + timedelta(days=1))) > 0, "the second day is old enough now"
    assert verify_counts() == []


def test_withdrawing_after_the_rollup_keeps_the_counts_exact(app: Flask, appeal: AppealView) -> None:
    ids = sign_many(appeal, 6)
    signed = [confirm_at(row_id, START + timedelta(hours=place)) for place, row_id in enumerate(ids)]
    roll_up(context=context(START + timedelta(days=30)))
    withdraw(signed[3], context=context(START + timedelta(days=30), SUPPORTER))
    assert verify_counts() == []
    assert [day.total for day in daily_counts(appeal.id)] == [5]
    db.session.execute(delete(TallyHour))
    db.session.commit()
    repair(context=context())
    assert verify_counts() == []


def test_a_rollup_beside_withdrawals_loses_nothing(app: Flask, appeal: AppealView) -> None:
    ids = [confirm_at(row_id, START) for row_id in sign_many(appeal, 24)]
    db.session.rollback()

    def withdraw_all(ids_of_thread: list[int]) -> None:
        with app.app_context():
            for row_id in ids_of_thread:
                withdraw(row_id, context=context(START + timedelta(days=10), SUPPORTER))

    def roll_up_often() -> None:
        with app.app_context():
            for hours in range(12):
                roll_up(context=context(START + timedelta(days=8, hours=hours)))

    threads = [threading.Thread(target=withdraw_all, args=(ids[part::3],)) for part in range(3)]
    threads.append(threading.Thread(target=roll_up_often))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_counts() == []
    assert counts(appeal.id).total == 0
