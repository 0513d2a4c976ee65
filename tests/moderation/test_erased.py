"""The page of erased signatures, where floods that confirm and erase at once are invalidated by appeal and day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from campaign.domain.counting.channel import Channel
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Invalidation, Signature
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.queries.moderation.erased import ErasedDay, erased_days
from campaign.services.appeals.lifecycle import close
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.invalidate import add_invalidation, advance, begin, undo
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.erase import erase
from campaign.services.signing.report_action import record_report
from tests.conftest import DAY, START, Clock, context
from tests.signing.signatures import sign_and_confirm
from tests.staff.staff_clients import csrf, join_staff, staff_client

pytestmark = pytest.mark.slow

PAGE = "/staff/moderation/erased"


def sign_flood(appeal: AppealView, number: int, section: str = "fr", *, at: Any = START) -> list[int]:
    days = (at - START).days
    return [
        sign_and_confirm(appeal, "Bot Bot", f"b{n}@catch{n % 8}-{section}-{days}.example", section, at=at)
        for n in range(number)
    ]


def erase_all(ids: list[int], at: Any = START) -> list[int]:
    for signature_id in ids:
        erase(signature_id, context=context(at, SUPPORTER))
    return ids


def test_an_editor_invalidates_and_restores_a_flood_that_erased_itself(
    app: Flask, appeal: AppealView, clock: Clock
) -> None:
    """Attack: confirm and erase at once from eight catch-all domains, so that no domain or hour is left to choose."""
    honest = [sign_and_confirm(appeal, f"Person {n}", f"p{n}@gmail.com") for n in "ABC"]
    flood = sign_flood(appeal, 16)
    record_report(flood[0], Channel.LETTER, target=0, context=context(actor=SUPPORTER))
    erase_all(flood)
    elsewhere = erase_all(sign_flood(appeal, 6, "be-nl"))
    editor = staff_client(app, Role.EDITOR)
    page = editor.get(PAGE)
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', page.text, re.DOTALL)
    assert [re.findall(r'<td class="n">(\d+)</td>', row) for row in rows] == [["16"]]
    filled = re.search(rf'href="({PAGE}\?[^"#]+)#choose"', rows[0])
    assert filled
    form = editor.get(filled[1].replace("&amp;", "&"))
    assert re.findall(r'type="date" value="([^"]+)"', form.text) == ["2026-03-01"] * 2
    chosen = {"csrf_token": csrf(form), "appeal": appeal.slug, "first": "2026-03-01", "last": "2026-03-01"}
    answer = editor.post(PAGE, data=chosen | {"reason": "a flood that erased itself"})
    assert answer.status_code == 303
    look = editor.get(answer.location)
    assert "Take 16 signatures out of the counts" in look.text
    assert "Show the first of them" not in look.text
    everybody = len(honest) + len(flood) + len(elsewhere)
    db.session.rollback()
    assert counts(appeal.id).total == everybody + 1
    for act, left in (("begin", everybody - 16), ("undo", everybody + 1)):
        done = editor.post(f"{answer.location}/{act}", data={"csrf_token": csrf(look), "reason": "a flood"})
        assert done.status_code == 303
        db.session.rollback()
        assert (counts(appeal.id).total, verify_counts()) == (left, [])
        look = editor.get(answer.location)
    assert "put back" in look.text


def test_only_erased_signatures_of_the_chosen_days_and_section_are_invalidated(app: Flask, appeal: AppealView) -> None:
    scope = Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    later = START + DAY
    first, second = sign_flood(appeal, 5), sign_flood(appeal, 6, at=later)
    sign_flood(appeal, 2, at=START + 2 * DAY)
    erase_all([*first, *second, *sign_flood(appeal, 5, "be-nl")], at=START + 3 * DAY)
    vault, now = runtime().vault, START + 4 * DAY
    found = erased_days(scope, now=now, retention_days=180)
    assert found == (ErasedDay(appeal.slug, later.date(), 6), ErasedDay(appeal.slug, START.date(), 5))
    db.session.rollback()
    midnight = START.replace(hour=0)
    for days, number in ((1, 5), (2, 11), (3, 11)):
        criteria = Criteria(since=midnight, until=midnight + days * DAY, is_erased=True, kept_days=180)
        invalidation_id = add_invalidation(criteria, None, context=context(now, staff_actor(scope)))
        while advance(context=context(now, vault=vault), only=invalidation_id, batch_size=4):
            pass
        assert db.session.get_one(Invalidation, invalidation_id).matched == number
        db.session.rollback()
    before = counts(appeal.id).total
    db.session.rollback()
    for act, left in ((begin, before - 11), (undo, before)):
        act(invalidation_id, "a flood", context=context(now, staff_actor(scope)))
        while advance(context=context(now, vault=vault), only=invalidation_id, batch_size=4):
            assert verify_counts() == []
        assert counts(appeal.id).total == left
        db.session.rollback()


def test_signatures_emptied_by_retention_do_not_count_as_erased(app: Flask, appeal: AppealView) -> None:
    scope = Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    sign_flood(appeal, 6)
    vault = runtime().vault
    close(appeal.slug, context=context(START + DAY))
    criteria = Criteria(since=START - DAY, until=START + DAY, is_erased=True, kept_days=20)
    for passed in (timedelta(days=2), timedelta(days=25)):
        now = START + passed
        within = replace(context(now, vault=vault), settings=replace(runtime().settings, retention_days=20))
        purge_expired(may_continue=lambda: True, context=within)
        assert erased_days(scope, now=now, retention_days=20) == ()
        db.session.rollback()
        invalidation_id = add_invalidation(criteria, None, context=context(now, staff_actor(scope)))
        while advance(context=context(now, vault=vault), only=invalidation_id):
            pass
        assert db.session.get_one(Invalidation, invalidation_id).matched == 0
        db.session.rollback()
    assert db.session.scalar(db.select(db.func.count(Signature.address_digest))) == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Enter a day as year-month-day"),
        ({"first": "2026-03-01"}, "Enter a day as year-month-day"),
        ({"first": "0001-01-01", "last": "9999-12-31"}, "Enter a day as year-month-day"),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "The end must come after the beginning"),
        ({"first": "2026-03-01", "last": "2026-03-01", "appeal": "unknown"}, "Please choose an appeal of the list"),
        ({"first": "2026-03-01", "last": "2026-03-01"}, "Please say what you need the signatures for"),
    ],
)
def test_an_invalid_choice_is_explained(app: Flask, appeal: AppealView, data: dict[str, str], words: str) -> None:
    editor = staff_client(app, Role.EDITOR)
    answer = editor.post(PAGE, data={"csrf_token": csrf(editor.get(PAGE)), **data})
    assert answer.status_code == 422
    assert words in answer.text
