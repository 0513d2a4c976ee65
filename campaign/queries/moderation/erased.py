"""Numbers, by appeal and day, of counted signatures whose signers have erased their data since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from campaign.domain.counting.small_cells import FEW
from campaign.domain.signing.signature import SignatureState
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, Signature
from campaign.platform import db

DAYS = 30
# The number of newest signatures examined.
EXAMINED_ROWS = 20_000
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ErasedDay:
    """The number of signatures under the appeal that were confirmed on that day (UTC) and erased since."""

    slug: str
    on: date
    number: int


def erased_days(scope: Scope, *, now: datetime, kept_days: int, slug: str | None = None) -> tuple[ErasedDay, ...]:
    """Return the days of the last month with at least FEW such signatures in the own section, of one appeal or all.

    `kept_days` is TOCSIN_RETENTION_DAYS. Only the day of an erased signature is stored.
    """
    columns = Signature.appeal_id, Signature.confirmed_at, Signature.address_digest, Signature.state
    newest = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    lately = newest.limit(EXAMINED_ROWS).subquery()
    number = func.count().label("number")
    wanted = [
        lately.c.address_digest.is_(None),
        lately.c.state == SignatureState.CONFIRMED,
        lately.c.confirmed_at > now - timedelta(days=DAYS),
        uncleared_appeals(lately.c.appeal_id, now, kept_days),
    ]
    if slug is not None:
        wanted.append(Appeal.slug == slug)
    days = (
        select(Appeal.slug, lately.c.confirmed_at, number)
        .join(Appeal, Appeal.id == lately.c.appeal_id)
        .where(*wanted)
        .group_by(Appeal.slug, lately.c.confirmed_at)
        .having(number >= FEW)
        .order_by(number.desc(), lately.c.confirmed_at.desc(), Appeal.slug)
    )
    rows = db.session.execute(days.limit(_SHOWN))
    return tuple(ErasedDay(of, confirmed_at.date(), many) for of, confirmed_at, many in rows)


def uncleared_appeals(appeal_id: Any, now: datetime, kept_days: int) -> ColumnElement[bool]:
    """Return the condition that retention has not cleared the appeal's signatures, which then look like erased ones."""
    kept = or_(Appeal.ended_at.is_(None), Appeal.ended_at > now - timedelta(days=kept_days))
    found: ColumnElement[bool] = appeal_id.in_(select(Appeal.id).where(kept))
    return found
