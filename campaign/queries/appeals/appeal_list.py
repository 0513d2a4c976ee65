"""Lists of appeals for staff, drafts included: by pages, and the newest for a field to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import defer, selectinload

from campaign.domain.appeals.slug import is_slug
from campaign.models import Appeal, AppealText
from campaign.platform import db

PAGE = 100
# The number of appeals in a field to choose from; older ones are reached from their own pages.
CHOICES = 200


@dataclass(frozen=True, slots=True)
class ListedAppeal:
    """An appeal in a list. The headline is in the appeal's first language."""

    id: int
    slug: str
    headline: str
    language: str
    state: str
    section: str | None
    country: str | None
    deadline: date | None
    languages: tuple[str, ...]
    review_requested_at: datetime | None
    headlines: Mapping[str, str]

    def headline_in(self, locale: str) -> str:
        """Return the headline in that language, else that of the list."""
        return self.headlines.get(locale) or self.headline


def list_appeals(*, before: int | None = None, words: str = "") -> tuple[ListedAppeal, ...]:
    """Return the PAGE newest appeals, or those older than the one with the id `before`.

    With `words`, only those that have them in a headline, in the reference or in the address of the page.
    """
    chosen = select(Appeal)
    if before is not None:
        chosen = chosen.where(Appeal.id < before)
    if words:
        text = exists().where(AppealText.appeal_id == Appeal.id, AppealText.headline.icontains(words, autoescape=True))
        named = [column.icontains(words, autoescape=True) for column in (Appeal.slug, Appeal.reference)]
        chosen = chosen.where(or_(*named, text))
    return _read(chosen.order_by(Appeal.id.desc()).limit(PAGE))


def newest_appeals(*, beside: str | None = None) -> tuple[ListedAppeal, ...]:
    """Return the CHOICES newest appeals, and the one with the slug `beside` if it is older."""
    found = _read(select(Appeal).order_by(Appeal.id.desc()).limit(CHOICES))
    if beside is None or not is_slug(beside) or beside in {one.slug for one in found}:
        return found
    return (*found, *_read(select(Appeal).where(Appeal.slug == beside)))


def _read(chosen: Any) -> tuple[ListedAppeal, ...]:
    texts = selectinload(Appeal.texts).options(*(defer(getattr(AppealText, name)) for name in _LONG))
    return tuple(_listed(row) for row in db.session.scalars(chosen.options(texts)))


# Long columns that no list shows.
_LONG = ("summary", "background", "paragraphs", "talking_points", "people")


def _listed(row: Appeal) -> ListedAppeal:
    text = row.first_text
    return ListedAppeal(
        id=row.id,
        slug=row.slug,
        headline=text.headline or row.slug if text else row.slug,
        language=text.language if text else "en",
        state=row.state,
        section=row.section_code,
        country=row.country,
        deadline=row.deadline,
        languages=tuple(one.language for one in row.texts),
        review_requested_at=row.review_requested_at,
        headlines={one.language: one.headline for one in row.texts},
    )
