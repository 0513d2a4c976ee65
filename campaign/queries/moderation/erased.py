"""Numbers of counted signatures by appeal and day whose signers have erased their data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.signing.signature import SignatureState
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, Signature
from campaign.platform import db
from campaign.queries.moderation.row_limit import EXAMINED_ROWS

DAYS = 30
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ErasedDay:
    """The number of the appeal's signatures that were confirmed on that day (UTC) and have been erased."""

    slug: str
    on: date
    number: int


def erased_days(scope: Scope, *, now: datetime, retention_days: int, slug: str | None = None) -> tuple[ErasedDay, ...]:
    """Return the days of the last month with at least SMALLEST_SHOWN such signatures in the section.

    `slug` limits them to one appeal. `retention_days` is TOCSIN_RETENTION_DAYS. Of an erased signature only the day is
    stored.
    """
    columns = Signature.appeal_id, Signature.confirmed_at, Signature.address_digest, Signature.state
    newest = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    newest_rows = newest.limit(EXAMINED_ROWS).subquery()
    number = func.count().label("number")
    conditions = [
        newest_rows.c.address_digest.is_(None),
        newest_rows.c.state == SignatureState.CONFIRMED,
        newest_rows.c.confirmed_at > now - timedelta(days=DAYS),
        uncleared_appeals(newest_rows.c.appeal_id, now, retention_days),
    ]
    if slug is not None:
        conditions.append(Appeal.slug == slug)
    days = (
        select(Appeal.slug, newest_rows.c.confirmed_at, number)
        .join(Appeal, Appeal.id == newest_rows.c.appeal_id)
        .where(*conditions)
        .group_by(Appeal.slug, newest_rows.c.confirmed_at)
        .having(number >= SMALLEST_SHOWN)
        .order_by(number.desc(), newest_rows.c.confirmed_at.desc(), Appeal.slug)
    )
    rows = db.session.execute(days.limit(_SHOWN))
    return tuple(ErasedDay(appeal_slug, confirmed_at.date(), quantity) for appeal_slug, confirmed_at, quantity in rows)


def uncleared_appeals(appeal_id: Any, now: datetime, retention_days: int) -> ColumnElement[bool]:
    """Return the condition that retention has not cleared the appeal's signatures; cleared ones look erased."""
    is_uncleared = or_(Appeal.ended_at.is_(None), Appeal.ended_at > now - timedelta(days=retention_days))
    condition: ColumnElement[bool] = appeal_id.in_(select(Appeal.id).where(is_uncleared))
    return condition
