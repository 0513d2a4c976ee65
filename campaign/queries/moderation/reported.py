"""Actions reported without a signature, for moderation: numbers by hour and by network, and single reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import String, func, select, type_coerce

from campaign.domain.counting.action import Evidence
from campaign.domain.staff.roles import Scope
from campaign.models import Action, Appeal, InvalidatedAction
from campaign.platform import db
from campaign.queries.moderation.row_limit import EXAMINED_ROWS

DAYS = 7
_TOP = 12
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReportedHour:
    """The number of actions reported in the hour that begins at `since`."""

    since: datetime
    number: int

    @property
    def until(self) -> datetime:
        """Return the end of the hour."""
        return self.since + _HOUR


@dataclass(frozen=True, slots=True)
class ReportingNetwork:
    """The reports from one wide network.

    `key` is its keyed digest in hex, `number` the number of reports, `narrow` that of narrow networks within it.
    `first` and `last` are the times of its first and last report.
    """

    key: str
    number: int
    narrow: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class ReportOverview:
    """The hours and the networks with the most reports of the last week, and the number of reports examined."""

    hours: tuple[ReportedHour, ...]
    networks: tuple[ReportingNetwork, ...]
    examined: int


@dataclass(frozen=True, slots=True)
class ReportView:
    """A reported action."""

    id: int
    slug: str
    channel: str
    network: str
    counted_at: datetime


def report_overview(scope: Scope, *, now: datetime, slug: str | None = None) -> ReportOverview:
    """Return the overview of the section's reports without a signature, for one appeal or for all."""
    newest = _newest(scope)
    conditions = [newest.c.counted_at > now - timedelta(days=DAYS)]
    if slug is not None:
        conditions.append(newest.c.appeal_id == select(Appeal.id).where(Appeal.slug == slug).scalar_subquery())
    number = func.count().label("number")
    hour = _hour_of(newest.c.counted_at)
    by_hour = select(hour, number).where(*conditions).group_by(hour).order_by(number.desc(), hour.desc())
    key = newest.c.wide_network_digest
    times = func.min(newest.c.counted_at), func.max(newest.c.counted_at)
    narrow = func.count(newest.c.network_digest.distinct())
    by_network = select(key, number, narrow, *times).where(*conditions, key.is_not(None)).group_by(key)
    hours = [ReportedHour(_moment(text), count) for text, count in db.session.execute(by_hour.limit(_TOP))]
    networks = [
        ReportingNetwork(bytes(digest).hex(), count, narrow, first, last)
        for digest, count, narrow, first, last in db.session.execute(
            by_network.order_by(number.desc(), key).limit(_TOP)
        )
    ]
    total = db.session.scalar(select(func.count()).select_from(newest).where(*conditions)) or 0
    return ReportOverview(tuple(hours), tuple(networks), total)


def find_reports(scope: Scope, ids: list[int]) -> tuple[ReportView, ...]:
    """Return the section's reported actions with these ids, counted or invalidated, in their order."""
    views: dict[int, ReportView] = {}
    for model in (Action, InvalidatedAction):
        query = select(model.id, Appeal.slug, model.channel, model.wide_network_digest, model.counted_at)
        query = query.join(Appeal, Appeal.id == model.appeal_id).where(
            model.id.in_(ids), model.section_code == scope.section, model.signature_id.is_(None)
        )
        for report_id, slug, channel, network, counted_at in db.session.execute(query):
            views[report_id] = ReportView(report_id, slug, channel, bytes(network or b"").hex()[:8], counted_at)
    return tuple(views[report_id] for report_id in ids if report_id in views)


def _newest(scope: Scope) -> Any:
    """Return the subquery for the section's newest reports whose network is stored."""
    return (
        select(Action.id, Action.appeal_id, Action.network_digest, Action.wide_network_digest, Action.counted_at)
        .where(
            Action.section_code == scope.section,
            Action.network_digest.is_not(None),
            Action.signature_id.is_(None),
            Action.evidence == Evidence.REPORTED,
        )
        .order_by(Action.id.desc())
        .limit(EXAMINED_ROWS)
        .subquery()
    )


def _hour_of(moment: Any) -> Any:
    """Return the SQL expression for the hour (UTC) as text, such as `2026-03-01 10`."""
    if db.engine.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H", moment)
    return func.to_char(func.timezone("UTC", moment), type_coerce("YYYY-MM-DD HH24", String))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)
