"""The comparison of the stored counts with the rows that they count, and the repair of differences."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.signing.signature import SignatureState
from campaign.models import Action, RollupProgress, Signature, Tally, TallyHour
from campaign.platform import UtcDateTime
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored count that differs from the counted rows.

    `kind` is the kind of count: `tally` (the total), `hour` (the history; `hour` is set) or `signatures` (the actions
    of confirmed signatures against the signatures themselves, which a repair does not change).
    """

    kind: str
    appeal_id: int
    section_code: str
    channel: str
    evidence: str
    hour: datetime | None
    stored: int
    counted: int


def verify_counts() -> list[Difference]:
    """Recount from the rows, and return every difference. Nothing is changed.

    One statement reads everything, so that signatures that arrive meanwhile cause no differences.
    """
    with transaction() as session:
        return _differences(session)


def repair(*, context: Context) -> list[Difference]:
    """Rebuild the tallies that differ from the rows; return the differences. The log names the actor."""
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            # No action must be counted between the recount and the repair.
            session.connection().exec_driver_sql(
                "LOCK TABLE action, tally, tally_hour, rollup_progress IN SHARE ROW EXCLUSIVE MODE"
            )
        differences = _differences(session)
        rebuilt = sorted({difference.appeal_id for difference in differences if difference.kind != "signatures"})
        for appeal_id in rebuilt:
            _rebuild(session, appeal_id)
    if rebuilt:
        log.warning("tallies rebuilt by %s, of the appeals %s", context.actor.kind, rebuilt)
    return differences


def _differences(session: Session) -> list[Difference]:
    """Return every difference, found by one statement."""
    hour = _hour(session)
    no_hour = cast(null(), UtcDateTime)
    parts = union_all(
        _part("tally", Tally, no_hour, Tally.quantity, literal(0)),
        _part("tally", Action, no_hour, literal(0), Action.quantity),
        _part("hour", TallyHour, TallyHour.hour, TallyHour.quantity, literal(0)),
        _part("hour", Action, hour, literal(0), Action.quantity),
        _part("signatures", Action, no_hour, Action.quantity, literal(0)).where(
            Action.channel == Channel.SIGNATURE, Action.evidence == Evidence.VERIFIED
        ),
        _confirmed_part(no_hour),
    ).subquery()
    keys = [parts.c.kind, parts.c.appeal_id, parts.c.section_code, parts.c.channel, parts.c.evidence, parts.c.hour]
    stored, counted = func.sum(parts.c.stored), func.sum(parts.c.counted)
    rows = session.execute(select(*keys, stored, counted).group_by(*keys).having(stored != counted).order_by(*keys))
    return [Difference(*row[:6], stored=int(row[6]), counted=int(row[7])) for row in rows]


def _part(kind: str, model: Any, hour: Any, stored: Any, counted: Any) -> Any:
    """Return the query for one side of a comparison: the quantities of the model as stored or as counted."""
    return select(
        literal(kind).label("kind"),
        model.appeal_id,
        model.section_code,
        model.channel,
        model.evidence,
        hour.label("hour"),
        stored.label("stored"),
        counted.label("counted"),
    )


def _confirmed_part(no_hour: ColumnElement[Any]) -> Any:
    """Return the query for confirmed signatures, without those whose address was counted before and then erased."""
    return select(
        literal("signatures"),
        Signature.appeal_id,
        Signature.section_code,
        literal(Channel.SIGNATURE.value),
        literal(Evidence.VERIFIED.value),
        no_hour,
        literal(0),
        literal(1),
    ).where(
        Signature.state == SignatureState.CONFIRMED,
        ~Signature.is_repeat,
    )


def _hour(session: Session) -> ColumnElement[Any]:
    """Return the SQL expression for the hour in which the history counts an action.

    Where the history is rolled up, this is the first hour of the day.
    """
    if session.get_bind().dialect.name == "sqlite":
        hour: ColumnElement[datetime] = type_coerce(
            func.strftime("%Y-%m-%d %H:00:00.000000", Action.counted_at), UtcDateTime
        )
        day: ColumnElement[datetime] = type_coerce(
            func.strftime("%Y-%m-%d 00:00:00.000000", Action.counted_at), UtcDateTime
        )
    else:
        hour = func.date_trunc("hour", Action.counted_at, type_=UtcDateTime)
        day = func.date_trunc("day", Action.counted_at, type_=UtcDateTime)
    rolled_up_before = select(RollupProgress.days_before).scalar_subquery()
    return case((Action.counted_at < rolled_up_before, day), else_=hour)


def _rebuild(session: Session, appeal_id: int) -> None:
    """Replace the appeal's totals and history by sums of its actions."""
    keys = ("appeal_id", "section_code", "channel", "evidence")
    columns = [getattr(Action, key) for key in keys]
    of_appeal = Action.appeal_id == appeal_id
    hour, total = _hour(session), func.sum(Action.quantity)
    session.execute(delete(Tally).where(Tally.appeal_id == appeal_id))
    session.execute(delete(TallyHour).where(TallyHour.appeal_id == appeal_id))
    session.execute(
        insert(Tally).from_select(
            [*keys, "slot", "quantity"], select(*columns, literal(0), total).where(of_appeal).group_by(*columns)
        )
    )
    session.execute(
        insert(TallyHour).from_select(
            [*keys, "hour", "slot", "quantity"],
            select(*columns, hour, literal(0), total).where(of_appeal).group_by(*columns, hour),
        )
    )
