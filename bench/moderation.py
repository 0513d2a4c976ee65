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
from campaign.services.counting.verify import verify_counts
from campaign.services.moderation.invalidate import BATCH_SIZE, add_invalidation, advance, begin, undo
from campaign.services.staff.accounts import Invitation, invite
from tests.conftest import context

SIZES = (10_000, 1_000_000)
INVALIDATED = 100_000
LIMIT = 60.0


def measure_suite() -> list[Row]:
    """Return the seconds to count, invalidate and restore, by time window and by a pattern that opens each address."""
    rows = []
    with bench_sites("moderation") as sites:
        for bench_site in sites:
            for size in SIZES:
                app = bench_site.sized(f"m{size}").make(size)
                with app.app_context():
                    for what, criteria in _choices(size):
                        rows += _measure(bench_site.kind, f"{what}, of {size:,}", criteria)
                    rows.append(_trends(bench_site.kind, size))
                    db.session.remove()
                    db.engine.dispose()
    return rows


def _choices(size: int) -> list[tuple[str, Criteria]]:
    """Return the criteria by name: a window with all signatures of the section, or about 100,000 of a million."""
    start = datetime.now(UTC) - timedelta(days=4)
    share = min(1.0, INVALIDATED * 3 / size)
    until = start + timedelta(days=3) * share
    return [("window", Criteria(until=until)), ("pattern", Criteria(pattern="jeanne@*", until=until))]


def _measure(kind: str, what: str, criteria: Criteria) -> list[Row]:
    scope = _editor_scope()
    invalidation_id = add_invalidation(criteria, None, context=context(datetime.now(UTC), staff_actor(scope)))
    preview_seconds, _ = _run_batches(invalidation_id)
    matched = db.session.get_one(Invalidation, invalidation_id).matched
    db.session.rollback()
    begin(invalidation_id, "a bench", context=context(datetime.now(UTC), staff_actor(scope)))
    invalidation_seconds, longest = _run_batches(invalidation_id)
    if verify_counts():
        raise SystemExit("bench: the tallies differ from the rows after taking out")
    undo(invalidation_id, "a bench", context=context(datetime.now(UTC), staff_actor(scope)))
    undo_seconds, _ = _run_batches(invalidation_id)
    if verify_counts():
        raise SystemExit("bench: the tallies differ from the rows after putting back")
    scale = LIMIT * matched / INVALIDATED
    return [
        Row(kind, f"{what}: preview of {matched:,}", preview_seconds, LIMIT, "s", preview_seconds / LIMIT, 1.0, True),
        Row(kind, f"{what}: taken out", invalidation_seconds, scale, "s", invalidation_seconds / scale, 1.0, True),
        Row(kind, f"{what}: longest batch of {BATCH_SIZE:,}", longest, 1.0, "s", longest),
        Row(kind, f"{what}: put back", undo_seconds, scale, "s", undo_seconds / scale, 1.0, True),
    ]


def _run_batches(invalidation_id: int) -> tuple[float, float]:
    """Run all batches; return their seconds and those of the longest batch, for which other writers may wait."""
    start, longest = time.perf_counter(), 0.0
    while True:
        batch_start = time.perf_counter()
        if not advance(context=context(datetime.now(UTC)), only=invalidation_id):
            return time.perf_counter() - start, longest
        longest = max(longest, time.perf_counter() - batch_start)


def _trends(kind: str, size: int) -> Row:
    start = time.perf_counter()
    trends(_editor_scope(), runtime().vault, now=datetime.now(UTC))
    spent = 1000 * (time.perf_counter() - start)
    db.session.rollback()
    return Row(kind, f"trends, of {size:,}", spent, 1000, "ms", spent / 1000, 1.0, True)


def _editor_scope() -> Scope:
    staff_id = db.session.scalars(select(Staff.id)).first()
    db.session.rollback()
    if staff_id is None:
        invite(Invitation("ed@staff.example", "fr", Role.EDITOR, "en"), context=context(datetime.now(UTC)))
        return _editor_scope()
    return Scope(staff_id, Role.EDITOR, "fr")
