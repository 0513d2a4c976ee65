"""Counting the steps of sign-ups, each once, in the transaction of the step; and folding what is old.

Withdrawing takes no step back: the steps tell how sign-ups went, not how many there are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from campaign.domain.counting.funnel import EARLIER, KEPT, OTHER_SOURCES, SOURCES, FunnelAspect, FunnelStage
from campaign.models import FunnelCount
from campaign.platform.context import Context
from campaign.platform.database.combined_statement import Write
from campaign.platform.database.transaction import transaction
from campaign.services.counting.tally import free_slot

KEYS = ("appeal_id", "section_code", "aspect", "value", "day", "funnel_stage")


@dataclass(frozen=True, slots=True)
class FunnelPassage:
    """A sign-up as its steps are counted: what it belongs to, and what it is told apart by."""

    appeal_id: int
    section_code: str
    provider: str
    source: str | None
    day: date

    def cells(self, step: FunnelStage) -> Iterable[tuple[object, ...]]:
        """The keys under which the step is counted, in the order in which everybody locks them."""
        yield (self.appeal_id, self.section_code, FunnelAspect.PROVIDER.value, self.provider, self.day, step.value)
        if self.source:
            yield (self.appeal_id, self.section_code, FunnelAspect.SOURCE.value, self.source, self.day, step.value)


def counting_stages(dialect: str, steps: Iterable[tuple[FunnelPassage, FunnelStage]]) -> Iterator[Write]:
    """Yield the write that adds to the cells of each, to be made together with others; none where there is no step."""
    yield from _adding(dialect, Counter(key for passage, step in steps for key in passage.cells(step)))


def count_view(appeal_id: int, section_code: str, source: str | None, *, context: Context) -> None:
    """Counts that the appeal's page was shown to somebody, of whom nothing more is known."""
    values = [(FunnelAspect.PAGE, ""), *([(FunnelAspect.SOURCE, source)] if source else [])]
    day = context.now.date()
    keys = [(appeal_id, section_code, of.value, value, day, FunnelStage.VIEWED.value) for of, value in values]
    with transaction() as session:
        connection = session.connection()
        for statement, rows in _adding(connection.dialect.name, Counter(keys)):
            connection.execute(statement, rows)


def _adding(dialect: str, cells: Counter[tuple[object, ...]]) -> Iterator[Write]:
    slot = free_slot(dialect)
    rows = [
        dict(zip(KEYS, key, strict=True)) | {"slot": slot, "quantity": number}
        for key, number in sorted(cells.items(), key=lambda pair: repr(pair[0]))
    ]
    if rows:
        yield _ADDING[dialect], rows


def roll_up_funnel(*, context: Context) -> int:
    """Adds up slots of days gone by, days long gone, and the sources beyond the most; returns how many rows less.

    One appeal after the other, and only the rows that are not folded yet: whoever signs waits for it no longer than
    that takes.
    """
    loose = select(FunnelCount.appeal_id).where(_loose(context.now)).distinct()
    with transaction() as session:
        appeals = session.scalars(loose.order_by(FunnelCount.appeal_id)).all()
    return sum(_roll_up_appeal(appeal_id, context.now) for appeal_id in appeals)


def _loose(now: datetime) -> ColumnElement[bool]:
    """Rows that folding could make fewer; those of the day before yesterday, too, may name sources beyond the most."""
    lately = FunnelCount.day >= now.date() - timedelta(days=2)
    is_new_source = and_(FunnelCount.aspect == FunnelAspect.SOURCE, FunnelCount.value != OTHER_SOURCES, lately)
    return and_(FunnelCount.day < now.date(), or_(FunnelCount.slot != 0, _is_old(now), is_new_source))


def _is_old(now: datetime) -> ColumnElement[bool]:
    return and_(FunnelCount.day < (now - KEPT).date(), FunnelCount.day != EARLIER)


def _roll_up_appeal(appeal_id: int, now: datetime) -> int:
    with transaction() as session:
        connection = session.connection()
        beyond = _beyond(connection, appeal_id)
        is_beyond = and_(
            FunnelCount.aspect == FunnelAspect.SOURCE, tuple_(FunnelCount.section_code, FunnelCount.value).in_(beyond)
        )
        concerned = (
            FunnelCount.appeal_id == appeal_id,
            FunnelCount.day < now.date(),
            or_(FunnelCount.slot != 0, _is_old(now), is_beyond),
        )
        if not connection.execute(select(exists().where(*concerned))).scalar_one():
            return 0
        if connection.dialect.name == "postgresql":
            # Whoever counts holds one cell and may want another: nobody may, while all are taken.
            connection.exec_driver_sql("LOCK TABLE funnel_count IN SHARE ROW EXCLUSIVE MODE")
        rows = connection.execute(select(FunnelCount).where(*concerned)).all()
        connection.execute(delete(FunnelCount).where(*concerned))
        sums: Counter[tuple[object, ...]] = Counter()
        for row in rows:
            is_other = row.aspect == FunnelAspect.SOURCE and (row.section_code, row.value) in beyond
            value = OTHER_SOURCES if is_other else row.value
            day = EARLIER if row.day < (now - KEPT).date() else row.day
            sums[appeal_id, row.section_code, row.aspect, value, day, row.funnel_stage] += row.quantity
        folded = [
            dict(zip(KEYS, key, strict=True)) | {"slot": 0, "quantity": number}
            for key, number in sums.items()
            if number
        ]
        if folded:
            connection.execute(_ADDING[connection.dialect.name], folded)
    return len(rows) - len(folded)


def _beyond(connection: Connection, appeal_id: int) -> list[tuple[str, str]]:
    """Sections and sources past those that are kept apart: a tag that is only looked at comes last."""
    signed = func.sum(case((FunnelCount.funnel_stage != FunnelStage.VIEWED, FunnelCount.quantity), else_=0))
    place = func.row_number().over(
        partition_by=FunnelCount.section_code,
        order_by=(signed.desc(), func.sum(FunnelCount.quantity).desc(), FunnelCount.value),
    )
    ranked = (
        select(FunnelCount.section_code, FunnelCount.value, place.label("place"))
        .where(
            FunnelCount.appeal_id == appeal_id,
            FunnelCount.aspect == FunnelAspect.SOURCE,
            FunnelCount.value != OTHER_SOURCES,
        )
        .group_by(FunnelCount.section_code, FunnelCount.value)
        .subquery()
    )
    found = connection.execute(select(ranked.c.section_code, ranked.c.value).where(ranked.c.place > SOURCES))
    return [(row.section_code, row.value) for row in found]


def adding(module: Any) -> Any:
    """The insert, of a dialect's module, that adds to what is there already."""
    new = module.insert(FunnelCount)
    keys = [column.name for column in FunnelCount.__table__.primary_key]
    return new.on_conflict_do_update(
        index_elements=keys, set_={"quantity": FunnelCount.quantity + new.excluded.quantity}
    )


_ADDING = {"sqlite": adding(sqlite), "postgresql": adding(postgresql)}
