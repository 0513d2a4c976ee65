"""Invalidation of reports without a signature, by hour and network, and its reversal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from campaign.document import parse_text
from campaign.domain.counting.channel import Channel
from campaign.domain.errors import InputError, NotFoundError
from campaign.domain.moderation.invalidation import Criteria, InvalidatedKind, InvalidationState
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Action, AuditEntry, InvalidatedAction, Invalidation
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.counting.counts import counts
from campaign.queries.moderation.reported import find_reports, report_overview
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from campaign.services.keys.month_key import month_key
from campaign.services.moderation.invalidate import add_invalidation, advance, begin, undo
from campaign.services.privacy.retention import purge_expired
from campaign.services.signing.report_action import record_report, record_unsigned_report
from tests.conftest import DAY, DOCUMENT, START, context
from tests.signing.signatures import sign_and_confirm
from tests.staff.staff_clients import join_staff

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
WIDE, OTHER = b"w" * 16, b"o" * 16


@pytest.fixture
def editor_scope(app: Flask) -> Scope:
    """Return the scope of a French editor."""
    return Scope(join_staff(app, "ed@staff.example", Role.EDITOR), Role.EDITOR, "fr")


@pytest.fixture
def appeal_with_flood(appeal: AppealView) -> AppealView:
    """Make three real reports, and nine of a flood within an hour from one wide network, two in another section."""
    for number in range(3):
        make_report(appeal, START + number * HOUR, bytes([number]) * 16, OTHER)
    for number in range(9):
        make_report(appeal, START + 5 * HOUR + number * timedelta(minutes=5), bytes([50 + number]) * 16, WIDE)
    for number in range(2):
        make_report(appeal, START + 5 * HOUR, bytes([90 + number]) * 16, WIDE, "be-nl")
    return appeal


def make_report(appeal: AppealView, at: datetime, narrow: bytes, wide: bytes, section: str = "fr") -> None:
    record_unsigned_report(
        appeal.id, section, Channel.LETTER, target=0, networks=(narrow, wide), context=context(at, SUPPORTER)
    )


def stored_digest(network: bytes) -> str:
    """Return the digest of a network that rows store, as the list of networks shows it."""
    return (runtime().vault.month_digest(network, month_key(runtime().vault, now=START), "report") or b"").hex()


def criteria_of_flood(since: datetime | None = None) -> Criteria:
    return Criteria(wide_network=stored_digest(WIDE), since=since)


def count_matches(criteria: Criteria, editor_scope: Scope, appeal_id: int | None = None) -> tuple[int, Invalidation]:
    """Prepare an invalidation and count its matches; return its id and row."""
    invalidation_id = add_invalidation(
        criteria, appeal_id, context=context(START + DAY, staff_actor(editor_scope)), kind=InvalidatedKind.REPORTS
    )
    assert process_all(invalidation_id) == InvalidationState.READY
    return invalidation_id, db.session.get_one(Invalidation, invalidation_id)


def process_all(invalidation_id: int) -> str:
    """Process all batches and compare the counts with the rows after each; return the state."""
    while advance(context=context(START + DAY), only=invalidation_id, batch_size=2):
        assert verify_counts() == []
        db.session.rollback()
    return str(db.session.get_one(Invalidation, invalidation_id).state)


def count_actions(appeal: AppealView, section: str = "fr") -> int:
    current_counts = counts(appeal.id).by_section.get(section)
    db.session.rollback()
    return current_counts.total if current_counts is not None else 0


def stored_actions() -> list[tuple[object, ...]]:
    rows = db.session.execute(select(*Action.__table__.c).order_by(Action.id)).all()
    db.session.rollback()
    return [tuple(row) for row in rows]


CHOICES = [
    criteria_of_flood,
    lambda: Criteria(since=START + 5 * HOUR, until=START + 6 * HOUR),
    lambda: criteria_of_flood(START + 4 * HOUR),
]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_flood_of_reports_is_counted_invalidated_and_restored(
    appeal_with_flood: AppealView, editor_scope: Scope, choice: Callable[[], Criteria]
) -> None:
    before = stored_actions()
    invalidation_id, row = count_matches(choice(), editor_scope)
    assert (row.matched, len(row.sample)) == (9, 9)
    assert stored_actions() == before, "a preview changes nothing"
    assert {report.channel for report in find_reports(editor_scope, row.sample)} == {"letter"}
    begin(invalidation_id, "a flood", context=context(START + DAY, staff_actor(editor_scope)))
    assert process_all(invalidation_id) == InvalidationState.DONE
    assert (count_actions(appeal_with_flood), count_actions(appeal_with_flood, "be-nl"), len(stored_actions())) == (
        3,
        2,
        len(before) - 9,
    )
    assert len(find_reports(editor_scope, row.sample)) == 9, "invalidated reports are still listed"
    db.session.rollback()
    undo(invalidation_id, "real people after all", context=context(START + DAY, staff_actor(editor_scope)))
    assert process_all(invalidation_id) == InvalidationState.UNDONE
    assert stored_actions() == before
    assert (count_actions(appeal_with_flood), count_actions(appeal_with_flood, "be-nl")) == (12, 2)
    assert db.session.scalar(select(func.count()).select_from(InvalidatedAction)) == 0


def test_a_narrow_network_can_be_chosen_alone(appeal_with_flood: AppealView, editor_scope: Scope) -> None:
    _, row = count_matches(Criteria(network=stored_digest(bytes([50]) * 16)), editor_scope)
    assert row.matched == 1


def test_the_history_stays_exact_after_a_rollup(appeal_with_flood: AppealView, editor_scope: Scope) -> None:
    invalidation_id, _ = count_matches(criteria_of_flood(), editor_scope)
    begin(invalidation_id, "a flood", context=context(START + DAY, staff_actor(editor_scope)))
    roll_up(context=context(START + 12 * DAY))
    process_all(invalidation_id)
    undo(invalidation_id, "no flood", context=context(START + DAY, staff_actor(editor_scope)))
    process_all(invalidation_id)
    assert verify_counts() == []
    assert count_actions(appeal_with_flood) == 12


def test_signatures_reports_of_signers_and_later_reports_stay(
    appeal_with_flood: AppealView, editor_scope: Scope
) -> None:
    signer = sign_and_confirm(appeal_with_flood, "Ana Ruiz", "ana@mail.example")
    record_report(signer, Channel.EMAIL, target=1, context=context(START + 5 * HOUR, SUPPORTER))
    invalidation_id, row = count_matches(Criteria(since=START, until=START + DAY), editor_scope)
    assert row.matched == 12
    make_report(appeal_with_flood, START + 6 * HOUR, b"l" * 16, WIDE)
    begin(invalidation_id, "a flood", context=context(START + DAY, staff_actor(editor_scope)))
    process_all(invalidation_id)
    assert count_actions(appeal_with_flood) == 3


def test_reports_of_another_appeal_or_section_stay(
    app: Flask, appeal_with_flood: AppealView, editor_scope: Scope
) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="another"), context=context()).slug
    publish(slug, context=context())
    another = find_appeal(slug)
    assert another is not None
    _, row = count_matches(criteria_of_flood(), editor_scope, another.id)
    assert row.matched == 0
    other = Scope(editor_scope.staff_id, Role.EDITOR, "be-nl")
    _, row = count_matches(criteria_of_flood(), other)
    assert row.matched == 2
    invalidation_id, _ = count_matches(criteria_of_flood(), editor_scope)
    with pytest.raises(NotFoundError):
        begin(invalidation_id, "not mine", context=context(START, staff_actor(other)))


def test_criteria_must_not_match_all_and_each_step_is_logged(
    appeal_with_flood: AppealView, editor_scope: Scope
) -> None:
    with pytest.raises(InputError, match="everybody"):
        add_invalidation(
            Criteria(), None, context=context(START, staff_actor(editor_scope)), kind=InvalidatedKind.REPORTS
        )
    invalidation_id, _ = count_matches(criteria_of_flood(), editor_scope)
    begin(invalidation_id, "a flood", context=context(START + DAY, staff_actor(editor_scope)))
    process_all(invalidation_id)
    acts = select(AuditEntry.act).where(AuditEntry.act.startswith("inval")).order_by(AuditEntry.id)
    told = db.session.scalars(acts).all()
    assert sorted(told) == ["invalidation.begin", "invalidation.done"]


def test_networks_of_reports_are_deleted_after_a_month(appeal_with_flood: AppealView, editor_scope: Scope) -> None:
    invalidation_id, _ = count_matches(
        Criteria(since=START + 5 * HOUR, until=START + 5 * HOUR + timedelta(minutes=1)), editor_scope
    )
    begin(invalidation_id, "a flood", context=context(START + DAY, staff_actor(editor_scope)))
    process_all(invalidation_id)
    purge_expired(may_continue=lambda: True, context=context(START + 32 * DAY))
    for model in (Action, InvalidatedAction):
        stored_digest = select(func.count()).select_from(model).where(model.network_digest.is_not(None))
        assert db.session.scalar(stored_digest) == 0
        stored_digest = select(func.count()).select_from(model).where(model.wide_network_digest.is_not(None))
        assert db.session.scalar(stored_digest) == 0
    db.session.rollback()
    undo(invalidation_id, "no flood", context=context(START + DAY, staff_actor(editor_scope)))
    process_all(invalidation_id)
    assert count_actions(appeal_with_flood) == 12


def test_hours_and_networks_with_the_most_reports_come_first(
    appeal_with_flood: AppealView, editor_scope: Scope
) -> None:
    found = report_overview(editor_scope, now=START + DAY)
    assert (found.hours[0].since, found.hours[0].number) == (START + 5 * HOUR, 9)
    assert [(network.key, network.number, network.narrow) for network in found.networks] == [
        (stored_digest(WIDE), 9, 9),
        (stored_digest(OTHER), 3, 3),
    ]
    assert (found.networks[0].first, found.examined) == (START + 5 * HOUR, 12)
    assert report_overview(editor_scope, now=START + DAY, slug="another").examined == 0
    assert report_overview(editor_scope, now=START + 9 * DAY).hours == ()


def test_a_stored_network_digest_differs_from_forms_and_other_months(appeal_with_flood: AppealView) -> None:
    make_report(appeal_with_flood, START + 31 * DAY, b"n" * 16, WIDE)
    rows = db.session.execute(select(Action.network_digest, Action.wide_network_digest)).all()
    db.session.rollback()
    assert len({row.wide_network_digest for row in rows}) == 3
    vault, key = runtime().vault, month_key(runtime().vault, now=START)
    known = {digest for row in rows for digest in row}
    assert known.isdisjoint({WIDE, OTHER, *(vault.month_digest(WIDE, key, use) for use in ("sign-up", "signature"))})
