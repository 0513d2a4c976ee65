"""Counts for staff: a summary of every open appeal, and the details of one appeal.

They are read from the tallies. So reading takes equally long with a thousand and with a million signatures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, select

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.counting.pace import WINDOW, Pace, pace
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, RollupProgress, Tally, TallyHour
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView, case_appeal_ids, open_appeals


@dataclass(frozen=True, slots=True)
class AppealSummary:
    """The summary of an appeal. `own_…` are the counts of the scope's section, `recent` those of the last WINDOW."""

    appeal: AppealView
    signatures: int
    other_actions: int
    own_signatures: int
    own_other_actions: int
    today: int
    own_today: int
    recent: int
    own_recent: int
    pace: Pace


@dataclass(frozen=True, slots=True)
class CountFilter:
    """The part of an appeal's history to read: days (UTC, inclusive), section and channel. None means all."""

    since: date | None = None
    until: date | None = None
    section: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class CountLine:
    """The count of the hour or day that starts `at`, for one section, channel and evidence."""

    at: datetime
    section: str
    channel: str
    evidence: str
    quantity: int


@dataclass(frozen=True, slots=True)
class RelatedAppealCounts:
    """An appeal of the same case: its confirmed signatures, other actions, and quantities entered by staff."""

    slug: str
    sequence: int
    headline: str
    state: str
    signatures: int
    other_actions: int
    entered: int


def appeal_summaries(scope: Scope, *, time_zone: str, now: datetime) -> tuple[AppealSummary, ...]:
    """Return the summaries of the open appeals, the nearest deadline first."""
    return _summaries(open_appeals(), scope, time_zone, now)


def appeal_summary(appeal: AppealView, scope: Scope, *, time_zone: str, now: datetime) -> AppealSummary:
    """Return the summary of one appeal, open or not."""
    return _summaries((appeal,), scope, time_zone, now)[0]


def totals(appeal_id: int, count_filter: CountFilter) -> dict[tuple[str, str, str], int]:
    """Return the sums by section, channel and evidence, of the days that the filter selects."""
    if count_filter.since is None and count_filter.until is None:
        query = select(Tally.section_code, Tally.channel, Tally.evidence, func.sum(Tally.quantity)).where(
            Tally.appeal_id == appeal_id, *_conditions(Tally, count_filter)
        )
        rows = db.session.execute(query.group_by(Tally.section_code, Tally.channel, Tally.evidence))
        return {(section, channel, evidence): int(sum_) for section, channel, evidence, sum_ in rows if sum_}
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in history(appeal_id, count_filter):
        sums[line.section, line.channel, line.evidence] += line.quantity
    return {key: quantity for key, quantity in sums.items() if quantity}


def history(appeal_id: int, count_filter: CountFilter, *, by_day: bool = True) -> tuple[CountLine, ...]:
    """Return the counts by day, or by hour, the oldest first. Counts by hour exist only since `hourly_since`."""
    keys = (TallyHour.hour, TallyHour.section_code, TallyHour.channel, TallyHour.evidence)
    rows = db.session.execute(
        select(*keys, func.sum(TallyHour.quantity))
        .where(
            TallyHour.appeal_id == appeal_id, *_conditions(TallyHour, count_filter), *_period_conditions(count_filter)
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    if not by_day:
        first = hourly_since()
        return tuple(CountLine(*row[:4], int(row[4])) for row in rows if row[4] and row[0] >= first)
    days: dict[tuple[datetime, str, str, str], int] = defaultdict(int)
    for hour, section, channel, evidence, quantity in rows:
        days[hour.replace(hour=0), section, channel, evidence] += int(quantity)
    return tuple(CountLine(*key, quantity) for key, quantity in days.items() if quantity)


def hourly_since() -> datetime:
    """Return the time since which the history has hours. Before it, hours are rolled up into days."""
    return db.session.execute(select(RollupProgress.days_before)).scalar_one()


def related_appeals(appeal: AppealView) -> tuple[RelatedAppealCounts, ...]:
    """Return all appeals of the same case, this one included, in their sequence. Returns none if there is no other."""
    ids = case_appeal_ids(appeal.id)
    if len(ids) < 2:
        return ()
    sums = _by_evidence(ids)
    rows = db.session.scalars(select(Appeal).where(Appeal.id.in_(ids)).order_by(Appeal.sequence, Appeal.id))
    return tuple(RelatedAppealCounts(row.slug, row.sequence, _headline(row), row.state, *sums[row.id]) for row in rows)


def ended_appeals() -> tuple[tuple[str, str, str], ...]:
    """Return slug, state and first headline of the last hundred ended appeals, the newest first."""
    ended = Appeal.state.in_([AppealState.CLOSED.value, AppealState.STOPPED.value])
    rows = db.session.scalars(select(Appeal).where(ended).order_by(Appeal.ended_at.desc(), Appeal.id.desc()).limit(100))
    return tuple((row.slug, row.state, _headline(row)) for row in rows)


def _headline(row: Appeal) -> str:
    return row.first_text.headline if row.first_text else row.slug


def _summaries(
    appeals: tuple[AppealView, ...], scope: Scope, time_zone: str, now: datetime
) -> tuple[AppealSummary, ...]:
    """Return the summaries of the appeals. `today` begins at midnight in that time zone."""
    ids = [appeal.id for appeal in appeals]
    start = datetime.combine(now.astimezone(ZoneInfo(time_zone)).date(), time.min, ZoneInfo(time_zone))
    totals_by_appeal = _sums(Tally, ids, scope.section)
    today = _sums(TallyHour, ids, scope.section, TallyHour.hour >= start.replace(minute=0))
    recent = _sums(TallyHour, ids, scope.section, TallyHour.hour >= now - WINDOW)
    return tuple(
        AppealSummary(
            appeal,
            signatures=totals_by_appeal[appeal.id][0],
            other_actions=totals_by_appeal[appeal.id][1],
            own_signatures=totals_by_appeal[appeal.id][2],
            own_other_actions=totals_by_appeal[appeal.id][3],
            today=today[appeal.id][0],
            own_today=today[appeal.id][2],
            recent=recent[appeal.id][0],
            own_recent=recent[appeal.id][2],
            pace=pace(
                totals_by_appeal[appeal.id][0],
                recent[appeal.id][0],
                appeal.goal,
                opened_at=appeal.opened_at,
                deadline=appeal.deadline,
                now=now,
            ),
        )
        for appeal in appeals
    )


def _sums(
    model: type[Tally] | type[TallyHour], ids: Iterable[int], own_section: str | None, *conditions: ColumnElement[bool]
) -> dict[int, tuple[int, int, int, int]]:
    """Return four sums by appeal: confirmed signatures and other actions of all sections, then those of the section."""
    is_signature = (model.channel == Channel.SIGNATURE.value) & (model.evidence == Evidence.VERIFIED.value)
    is_own = model.section_code == (own_section or "")
    rows = db.session.execute(
        select(
            model.appeal_id,
            *(
                func.coalesce(func.sum(case((condition, model.quantity), else_=0)), 0)
                for condition in (is_signature, ~is_signature, is_signature & is_own, ~is_signature & is_own)
            ),
        )
        .where(model.appeal_id.in_(list(ids)), *conditions)
        .group_by(model.appeal_id)
    )
    sums: dict[int, tuple[int, int, int, int]] = defaultdict(lambda: (0, 0, 0, 0))
    for row in rows:
        sums[row[0]] = (int(row[1]), int(row[2]), int(row[3]), int(row[4]))
    return sums


def _by_evidence(ids: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Return three sums by appeal: confirmed signatures, other single actions, and quantities entered by staff."""
    is_entered = Tally.evidence == Evidence.BULK.value
    is_signature = (Tally.channel == Channel.SIGNATURE.value) & (Tally.evidence == Evidence.VERIFIED.value)
    parts = (is_signature, ~is_signature & ~is_entered, is_entered)
    rows = db.session.execute(
        select(
            Tally.appeal_id,
            *(func.coalesce(func.sum(case((part, Tally.quantity), else_=0)), 0) for part in parts),
        )
        .where(Tally.appeal_id.in_(list(ids)))
        .group_by(Tally.appeal_id)
    )
    sums: dict[int, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for row in rows:
        sums[row[0]] = (int(row[1]), int(row[2]), int(row[3]))
    return sums


def _conditions(model: type[Tally] | type[TallyHour], count_filter: CountFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for the section and channel of the filter."""
    pairs: tuple[tuple[Any, str | None], ...] = (
        (model.section_code, count_filter.section),
        (model.channel, count_filter.channel),
    )
    return [column == value for column, value in pairs if value is not None]


def _period_conditions(count_filter: CountFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for the days of the filter."""
    utc = ZoneInfo("UTC")
    conditions: list[ColumnElement[bool]] = []
    if count_filter.since is not None:
        conditions.append(TallyHour.hour >= datetime.combine(count_filter.since, time.min, utc))
    if count_filter.until is not None:
        conditions.append(TallyHour.hour < datetime.combine(count_filter.until, time.min, utc) + timedelta(days=1))
    return conditions
