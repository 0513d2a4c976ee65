"""Invalidating 100,000 signatures and restoring them, with ten thousand and a million in the table."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bench.support.report import Row
from bench.support.site import bench_sites
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Invalidation, Staff
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.moderation.moderation import trends
from campaign.services.counting.verify import verify
from campaign.services.moderation.invalidate import BATCH_SIZE, add_invalidation, advance, begin, undo
from campaign.services.staff.accounts import Invitation, invite
from tests.conftest import context

SIZES = (10_000, 1_000_000)
TAKEN = 100_000
LIMIT = 60.0


def measure_suite() -> list[Row]:
    """Return the seconds to count, invalidate and restore, by time window and by a pattern that opens each address."""
    rows = []
    with bench_sites("moderation") as found:
        for place in found:
            for size in SIZES:
                app = place.sized(f"m{size}").make(size)
                with app.app_context():
                    for what, criteria in _choices(size):
                        rows += _measure(place.kind, f"{what}, of {size:,}", criteria)
                    rows.append(_trends(place.kind, size))
                    db.session.remove()
                    db.engine.dispose()
    return rows


def _choices(size: int) -> list[tuple[str, Criteria]]:
    """Return the choices: a section with a third of all; of a million, a window that holds about 100,000 of them."""
    start = datetime.now(UTC) - timedelta(days=4)
    share = min(1.0, TAKEN * 3 / size)
    until = start + timedelta(days=3) * share
    return [("window", Criteria(until=until)), ("pattern", Criteria(pattern="jeanne@*", until=until))]


def _measure(kind: str, what: str, criteria: Criteria) -> list[Row]:
    by = _editor_scope()
    made = add_invalidation(criteria, None, context=context(datetime.now(UTC), staff_actor(by)))
    looked, _ = _work(made)
    matched = db.session.get_one(Invalidation, made).matched
    db.session.rollback()
    begin(made, "a bench", context=context(datetime.now(UTC), staff_actor(by)))
    taken, longest = _work(made)
    if verify():
        raise SystemExit("bench: the tallies differ from the rows after taking out")
    undo(made, "a bench", context=context(datetime.now(UTC), staff_actor(by)))
    back, _ = _work(made)
    if verify():
        raise SystemExit("bench: the tallies differ from the rows after putting back")
    scale = LIMIT * matched / TAKEN
    return [
        Row(kind, f"{what}: preview of {matched:,}", looked, LIMIT, "s", looked / LIMIT, 1.0, True),
        Row(kind, f"{what}: taken out", taken, scale, "s", taken / scale, 1.0, True),
        Row(kind, f"{what}: longest batch of {BATCH_SIZE:,}", longest, 1.0, "s", longest),
        Row(kind, f"{what}: put back", back, scale, "s", back / scale, 1.0, True),
    ]


def _work(invalidation_id: int) -> tuple[float, float]:
    """Run all batches; return their seconds, and those of the longest, for which other writers may have to wait."""
    start, longest = time.perf_counter(), 0.0
    while True:
        begun = time.perf_counter()
        if not advance(context=context(datetime.now(UTC)), only=invalidation_id):
            return time.perf_counter() - start, longest
        longest = max(longest, time.perf_counter() - begun)


def _trends(kind: str, size: int) -> Row:
    start = time.perf_counter()
    trends(_editor_scope(), runtime().vault, now=datetime.now(UTC))
    spent = 1000 * (time.perf_counter() - start)
    db.session.rollback()
    return Row(kind, f"trends, of {size:,}", spent, 1000, "ms", spent / 1000, 1.0, True)


def _editor_scope() -> Scope:
    found = db.session.scalars(select(Staff.id)).first()
    db.session.rollback()
    if found is None:
        invite(Invitation("ed@staff.example", "fr", Role.EDITOR, "en"), context=context(datetime.now(UTC)))
        return _editor_scope()
    return Scope(found, Role.EDITOR, "fr")
