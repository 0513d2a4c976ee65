"""Lists of appeals for staff, drafts included: pages of all appeals, and the newest for a select field."""

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
# The number of appeals in a select field. For older appeals the form is opened from their own pages.
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
        """Return the headline in that language, else in the appeal's first language."""
        return self.headlines.get(locale) or self.headline


def list_appeals(*, before: int | None = None, words: str = "") -> tuple[ListedAppeal, ...]:
    """Return the PAGE newest appeals, or those older than the one with the id `before`.

    With `words`, return only appeals with this text in a headline, in the reference or in the slug.
    """
    query = select(Appeal)
    if before is not None:
        query = query.where(Appeal.id < before)
    if words:
        in_headline = exists().where(
            AppealText.appeal_id == Appeal.id, AppealText.headline.icontains(words, autoescape=True)
        )
        in_names = [column.icontains(words, autoescape=True) for column in (Appeal.slug, Appeal.reference)]
        query = query.where(or_(*in_names, in_headline))
    return _load(query.order_by(Appeal.id.desc()).limit(PAGE))


def newest_appeals(*, included_slug: str | None = None) -> tuple[ListedAppeal, ...]:
    """Return the CHOICES newest appeals, and the one with `included_slug` if it is older."""
    newest = _load(select(Appeal).order_by(Appeal.id.desc()).limit(CHOICES))
    if included_slug is None or not is_slug(included_slug) or included_slug in {appeal.slug for appeal in newest}:
        return newest
    return (*newest, *_load(select(Appeal).where(Appeal.slug == included_slug)))


def _load(query: Any) -> tuple[ListedAppeal, ...]:
    """Return the appeals of the query with their headlines; long columns are not loaded."""
    texts = selectinload(Appeal.texts).options(*(defer(getattr(AppealText, name)) for name in _LONG_COLUMNS))
    return tuple(_listed(row) for row in db.session.scalars(query.options(texts)))


# Columns that no list shows.
_LONG_COLUMNS = ("summary", "background", "paragraphs", "talking_points", "people")


def _listed(row: Appeal) -> ListedAppeal:
    """Return the row as list entry; the slug replaces a missing headline."""
    first_text = row.first_text
    return ListedAppeal(
        id=row.id,
        slug=row.slug,
        headline=first_text.headline or row.slug if first_text else row.slug,
        language=first_text.language if first_text else "en",
        state=row.state,
        section=row.section_code,
        country=row.country,
        deadline=row.deadline,
        languages=tuple(text.language for text in row.texts),
        review_requested_at=row.review_requested_at,
        headlines={text.language: text.headline for text in row.texts},
    )
