"""Appeals, for pages, mails and the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.slug import is_slug
from campaign.models import Appeal, AppealText, Target
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person whom the case concerns."""

    name: str
    pronoun: str | None


@dataclass(frozen=True, slots=True)
class TextView:
    """The appeal's text in one language."""

    language: str
    version: int
    headline: str
    people: tuple[PersonView, ...]
    summary: str
    background: str
    salutation: str | None
    paragraphs: tuple[str, ...]
    closing: str | None
    talking_points: tuple[str, ...]

    @property
    def has_letter(self) -> bool:
        """Return whether there is a letter to sign, not only talking points."""
        return bool(self.paragraphs)


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target in one language, which may differ from the language of the letter that is shown with it."""

    position: int
    kind: str
    role: str | None
    name: str | None
    address: tuple[str, ...]
    salutation: str | None
    country: str | None
    emails: tuple[str, ...]
    faxes: tuple[str, ...]
    phones: tuple[str, ...]
    social: dict[str, str]
    language: str = ""


@dataclass(frozen=True, slots=True)
class AppealView:
    """One appeal with its current texts and its targets in every language."""

    id: int
    slug: str
    reference: str | None
    sequence: int
    country: str | None
    state: str
    deadline: date | None
    goal: int
    languages: tuple[str, ...]
    own_language: bool
    risk_countries: tuple[str, ...]
    initials_only: bool
    opened_at: datetime | None
    ended_at: datetime | None
    revision: int
    outcome: dict[str, str]
    texts: dict[str, TextView]
    targets: dict[str, tuple[TargetView, ...]]
    # The sections that take part (empty: all), and their decisions for the time after the deadline: the last day on
    # which a section continues, or None if it stops.
    sections: tuple[str, ...] = ()
    continuation: dict[str, date | None] = field(default_factory=dict)
    # The language of its first text; "" without texts.
    first_language: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it is published and neither closed nor stopped; the deadline is not considered."""
        return self.state == AppealState.OPEN

    def text_in(self, locale: str) -> TextView:
        """Return the text in that language, else in the appeal's first language, else any."""
        return self.texts.get(locale) or self.texts.get(self.first_language) or next(iter(self.texts.values()))

    def outcome_in(self, locale: str) -> tuple[str, str] | None:
        """Return the outcome's language and Markdown; None without an outcome.

        It is the outcome in that language, else in the appeal's first language, else the one that was written first.
        """
        languages = (locale, self.first_language, *self.outcome)
        language = next((language for language in languages if self.outcome.get(language)), None)
        return None if language is None else (language, self.outcome[language])

    def targets_in(self, language: str) -> tuple[TargetView, ...]:
        """Return the targets in that language, else in the language of `text_in`, else in any."""
        languages = (language, self.text_in(language).language, *self.targets)
        return next((targets for code in languages if (targets := self.targets.get(code))), ())


def find_appeal(slug: str) -> AppealView | None:
    """Return the appeal with that slug, drafts included; None if unknown."""
    # This also refuses NUL, which a URL may contain and PostgreSQL does not accept.
    if not is_slug(slug):
        return None
    return next(iter(load_appeals(select(Appeal).where(Appeal.slug == slug))), None)


def find_appeal_by_id(appeal_id: int) -> AppealView | None:
    """Return the appeal with that id, drafts included; None if unknown."""
    return next(iter(load_appeals(select(Appeal).where(Appeal.id == appeal_id))), None)


def open_appeals() -> tuple[AppealView, ...]:
    """Return the open appeals, the nearest deadline first."""
    query = select(Appeal).where(Appeal.state == AppealState.OPEN)
    return tuple(load_appeals(query.order_by(Appeal.deadline.is_(None), Appeal.deadline, Appeal.slug)))


def all_appeals() -> tuple[AppealView, ...]:
    """Return all appeals, the newest first."""
    return tuple(load_appeals(select(Appeal).order_by(Appeal.created_at.desc(), Appeal.id.desc())))


def find_text(appeal_id: int, language: str, version: int) -> TextView | None:
    """Return one version of a text; None if unknown."""
    row = db.session.get(AppealText, (appeal_id, language, version))
    return None if row is None else _text(row)


def load_appeals(query: Any) -> Iterable[AppealView]:
    """Return the appeals of the query, in its order; two further statements load the texts and targets of all."""
    rows = db.session.scalars(query.options(selectinload(Appeal.texts), selectinload(Appeal.targets)))
    return [_view(row) for row in rows]


def _view(row: Appeal) -> AppealView:
    texts = {text.language: _text(text) for text in row.texts}
    return AppealView(
        id=row.id,
        slug=row.slug,
        reference=row.reference,
        sequence=row.sequence,
        country=row.country,
        state=row.state,
        deadline=row.deadline,
        goal=row.goal,
        languages=tuple(row.languages),
        own_language=row.own_language,
        risk_countries=tuple(row.risk_countries),
        initials_only=row.initials_only,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        revision=row.revision,
        outcome={str(language): str(body) for language, body in row.outcome.items()},
        texts=texts,
        targets={
            language: tuple(_target(target, language) for target in row.targets if language in target.words)
            for language in texts
        },
        sections=tuple(row.sections),
        continuation={code: date.fromisoformat(until) if until else None for code, until in row.continuation.items()},
        first_language=row.first_language or "",
    )


def _text(row: AppealText) -> TextView:
    return TextView(
        language=row.language,
        version=row.version,
        headline=row.headline,
        people=tuple(PersonView(person["name"], person.get("pronoun")) for person in row.people),
        summary=row.summary,
        background=row.background,
        salutation=row.salutation,
        paragraphs=tuple(row.paragraphs),
        closing=row.closing,
        talking_points=tuple(row.talking_points),
    )


def _target(row: Target, language: str) -> TargetView:
    words = row.words[language]
    return TargetView(
        position=row.position,
        kind=row.kind,
        role=words.get("role"),
        name=words.get("name"),
        address=tuple(words.get("address", ())),
        salutation=words.get("salutation"),
        country=row.country,
        emails=tuple(row.emails),
        faxes=tuple(row.faxes),
        phones=tuple(row.phones),
        social=dict(row.social),
        language=language,
    )


def case_appeal_ids(appeal_id: int) -> tuple[int, ...]:
    """Return the ids of all appeals of the same case, this one included, in ascending order."""
    parents = {row.id: row.follows_id for row in db.session.execute(select(Appeal.id, Appeal.follows_id))}
    root = _root(appeal_id, parents)
    return tuple(other_id for other_id in sorted(parents) if _root(other_id, parents) == root)


def _root(appeal_id: int, parents: dict[int, int | None]) -> int:
    """Return the id of the first appeal of the case, which follows none."""
    visited = set()
    while (parent := parents.get(appeal_id)) is not None and parent not in visited:
        visited.add(appeal_id)
        appeal_id = parent
    return appeal_id
