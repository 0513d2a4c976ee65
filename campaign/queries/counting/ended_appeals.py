"""Appeals that have ended (closed or stopped), with their final counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from campaign.domain.appeals.appeal import AppealState
from campaign.models import Appeal
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView, load_appeals
from campaign.queries.counting.counts import Counts, counts_by_appeal

PAGE_LENGTH = 50
# Search engines accept 50,000 URLs in a sitemap (sitemaps.org), and each appeal has several.
MOST_LISTED = 5000
_ENDED = Appeal.state.in_([AppealState.CLOSED.value, AppealState.STOPPED.value])


@dataclass(frozen=True, slots=True)
class EndedAppeal:
    """An ended appeal with its counts."""

    appeal: AppealView
    counts: Counts


@dataclass(frozen=True, slots=True)
class EndedPage:
    """One page of the list, the last ended appeal first. `number` counts from 1 to `pages`."""

    appeals: tuple[EndedAppeal, ...]
    number: int
    pages: int


def ended_page(number: int, country: str = "") -> EndedPage | None:
    """Return a page of the ended appeals, of all or of one country; None if there is no page with that number."""
    conditions = [_ENDED, Appeal.country == country] if country else [_ENDED]
    total = db.session.execute(select(func.count()).select_from(Appeal).where(*conditions)).scalar_one()
    pages = max(1, -(-total // PAGE_LENGTH))
    if not 1 <= number <= pages:
        return None
    appeals = tuple(load_appeals(_newest().where(*conditions).limit(PAGE_LENGTH).offset((number - 1) * PAGE_LENGTH)))
    sums = counts_by_appeal(tuple(appeal.id for appeal in appeals))
    return EndedPage(tuple(EndedAppeal(appeal, sums[appeal.id]) for appeal in appeals), number, pages)


def ended_appeals() -> tuple[AppealView, ...]:
    """Return the newest MOST_NAMED ended appeals."""
    return tuple(load_appeals(_newest().where(_ENDED).limit(MOST_LISTED)))


def ended_version() -> tuple[int, int, datetime | None]:
    """Return a value that changes whenever an appeal ends, or an ended one is changed."""
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Appeal.revision), 0), func.max(Appeal.ended_at)).where(_ENDED)
    ).one()
    return int(row[0]), int(row[1]), row[2]


def _newest() -> Any:
    return select(Appeal).order_by(Appeal.ended_at.desc(), Appeal.id.desc())
