"""The counts of the funnel, and their roll-up. Each stage is counted once, in the transaction that reaches it.

A withdrawal does not change the funnel: it shows how sign-ups went, not how many signatures there are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from campaign.domain.counting.funnel import (
    DAILY_PERIOD,
    EARLIER_DAYS,
    MOST_SOURCES,
    OTHER_SOURCES,
    FunnelAspect,
    FunnelStage,
)
from campaign.models import FunnelCount
from campaign.platform.context import Context
from campaign.platform.database.combined_statement import Write
from campaign.platform.database.transaction import transaction
from campaign.services.counting.tally import choose_slot

KEY_COLUMNS = ("appeal_id", "section_code", "aspect", "value", "day", "funnel_stage")


@dataclass(frozen=True, slots=True)
class FunnelSignUp:
    """The properties of a sign-up by which the funnel counts it."""

    appeal_id: int
    section_code: str
    provider: str
    source: str | None
    day: date

    def cells(self, stage: FunnelStage) -> Iterable[tuple[object, ...]]:
        """Yield the keys under which the stage is counted. Every transaction locks their rows in this order."""
        yield (self.appeal_id, self.section_code, FunnelAspect.PROVIDER.value, self.provider, self.day, stage.value)
        if self.source:
            yield (self.appeal_id, self.section_code, FunnelAspect.SOURCE.value, self.source, self.day, stage.value)


def stage_writes(dialect: str, stages: Iterable[tuple[FunnelSignUp, FunnelStage]]) -> Iterator[Write]:
    """Yield the write that counts the stages, if there are any. It can be combined with other writes."""
    yield from _count_writes(dialect, Counter(key for sign_up, stage in stages for key in sign_up.cells(stage)))


def count_view(appeal_id: int, section_code: str, source: str | None, *, context: Context) -> None:
    """Count one view of the appeal's page; nothing about the visitor is stored."""
    values = [(FunnelAspect.PAGE, ""), *([(FunnelAspect.SOURCE, source)] if source else [])]
    day = context.now.date()
    keys = [(appeal_id, section_code, aspect.value, value, day, FunnelStage.VIEWED.value) for aspect, value in values]
    with transaction() as session:
        connection = session.connection()
        for statement, rows in _count_writes(connection.dialect.name, Counter(keys)):
            connection.execute(statement, rows)


def _count_writes(dialect: str, cells: Counter[tuple[object, ...]]) -> Iterator[Write]:
    """Yield the write that adds the numbers to the cells, if there are any."""
    slot = choose_slot(dialect)
    rows = [
        dict(zip(KEY_COLUMNS, key, strict=True)) | {"slot": slot, "quantity": number}
        for key, number in sorted(cells.items(), key=lambda pair: repr(pair[0]))
    ]
    if rows:
        yield _UPSERTS[dialect], rows


def roll_up_funnel(*, context: Context) -> int:
    """Roll up the funnel of past days; return the number of rows that it has lost.

    The slots of each past day, the days older than DAILY_PERIOD, and the sources beyond MOST_SOURCES are added up. Each
    transaction works on one appeal, and only on rows that are not rolled up yet, because signing waits for it.
    """
    unfinished = select(FunnelCount.appeal_id).where(_may_shrink(context.now)).distinct()
    with transaction() as session:
        appeals = session.scalars(unfinished.order_by(FunnelCount.appeal_id)).all()
    return sum(_roll_up_appeal(appeal_id, context.now) for appeal_id in appeals)


def _may_shrink(now: datetime) -> ColumnElement[bool]:
    """Return the condition for rows of past days that a roll-up may merge.

    Those of the last two days may have sources beyond the limit, which only the roll-up of their appeal can tell.
    """
    is_recent = FunnelCount.day >= now.date() - timedelta(days=2)
    is_new_source = and_(FunnelCount.aspect == FunnelAspect.SOURCE, FunnelCount.value != OTHER_SOURCES, is_recent)
    return and_(FunnelCount.day < now.date(), or_(FunnelCount.slot != 0, _is_old(now), is_new_source))


def _is_old(now: datetime) -> ColumnElement[bool]:
    return and_(FunnelCount.day < (now - DAILY_PERIOD).date(), FunnelCount.day != EARLIER_DAYS)


def _roll_up_appeal(appeal_id: int, now: datetime) -> int:
    """Roll up the funnel of one appeal; return the number of rows that it has lost."""
    with transaction() as session:
        connection = session.connection()
        minor_sources = _minor_sources(connection, appeal_id)
        is_minor_source = and_(
            FunnelCount.aspect == FunnelAspect.SOURCE,
            tuple_(FunnelCount.section_code, FunnelCount.value).in_(minor_sources),
        )
        conditions = (
            FunnelCount.appeal_id == appeal_id,
            FunnelCount.day < now.date(),
            or_(FunnelCount.slot != 0, _is_old(now), is_minor_source),
        )
        if not connection.execute(select(exists().where(*conditions))).scalar_one():
            return 0
        if connection.dialect.name == "postgresql":
            # Lock the table: concurrent counters lock the rows in another order and would deadlock.
            connection.exec_driver_sql("LOCK TABLE funnel_count IN SHARE ROW EXCLUSIVE MODE")
        rows = connection.execute(select(FunnelCount).where(*conditions)).all()
        connection.execute(delete(FunnelCount).where(*conditions))
        sums: Counter[tuple[object, ...]] = Counter()
        for row in rows:
            is_other = row.aspect == FunnelAspect.SOURCE and (row.section_code, row.value) in minor_sources
            value = OTHER_SOURCES if is_other else row.value
            day = EARLIER_DAYS if row.day < (now - DAILY_PERIOD).date() else row.day
            sums[appeal_id, row.section_code, row.aspect, value, day, row.funnel_stage] += row.quantity
        rolled_up = [
            dict(zip(KEY_COLUMNS, key, strict=True)) | {"slot": 0, "quantity": number}
            for key, number in sums.items()
            if number
        ]
        if rolled_up:
            connection.execute(_UPSERTS[connection.dialect.name], rolled_up)
    return len(rows) - len(rolled_up)


def _minor_sources(connection: Connection, appeal_id: int) -> list[tuple[str, str]]:
    """Return the pairs of section and source beyond MOST_SOURCES, which are merged.

    The sources of a section rank by sign-ups, then by all counts, so that sources with views alone rank last.
    """
    signed = func.sum(case((FunnelCount.funnel_stage != FunnelStage.VIEWED, FunnelCount.quantity), else_=0))
    rank = func.row_number().over(
        partition_by=FunnelCount.section_code,
        order_by=(signed.desc(), func.sum(FunnelCount.quantity).desc(), FunnelCount.value),
    )
    ranked = (
        select(FunnelCount.section_code, FunnelCount.value, rank.label("rank"))
        .where(
            FunnelCount.appeal_id == appeal_id,
            FunnelCount.aspect == FunnelAspect.SOURCE,
            FunnelCount.value != OTHER_SOURCES,
        )
        .group_by(FunnelCount.section_code, FunnelCount.value)
        .subquery()
    )
    rows = connection.execute(select(ranked.c.section_code, ranked.c.value).where(ranked.c.rank > MOST_SOURCES))
    return [(row.section_code, row.value) for row in rows]


def funnel_upsert(module: Any) -> Any:
    """Return the dialect's insert that adds the quantity to a row that exists already."""
    new = module.insert(FunnelCount)
    keys = [column.name for column in FunnelCount.__table__.primary_key]
    return new.on_conflict_do_update(
        index_elements=keys, set_={"quantity": FunnelCount.quantity + new.excluded.quantity}
    )


_UPSERTS = {"sqlite": funnel_upsert(sqlite), "postgresql": funnel_upsert(postgresql)}
