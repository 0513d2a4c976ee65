"""An appeal's way from draft to open to closed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.appeal import AppealState, is_in_time
from campaign.domain.country import COUNTRIES
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.models import Appeal, Section
from campaign.services.transaction import transaction

_MOST_OUTCOME = 20_000


def publish(slug: str, *, now: datetime) -> bool:
    """Opens a draft for signatures; False where it is open already.

    Raises NotFoundError, or StateError that names what is missing.
    """
    with transaction() as session:
        appeal = find(session, slug)
        if appeal.state == AppealState.OPEN:
            return False
        if appeal.state != AppealState.DRAFT:
            raise StateError(f"{slug} is {appeal.state}: only a draft can be published")
        missing = _missing(session, appeal, now)
        if missing:
            raise StateError(f"{slug} cannot be published: " + "; ".join(missing))
        appeal.state = AppealState.OPEN
        appeal.opened_at = now
        appeal.revision += 1
    return True


def close(slug: str, *, now: datetime) -> bool:
    """Ends an open appeal before its deadline; False where it is closed already. Raises NotFoundError, StateError."""
    with transaction() as session:
        appeal = find(session, slug)
        if appeal.state == AppealState.CLOSED:
            return False
        if appeal.state != AppealState.OPEN:
            raise StateError(f"{slug} is {appeal.state}: only an open appeal can be closed")
        _end(appeal, now)
    return True


def stop(slug: str, *, now: datetime) -> bool:
    """Stops an open appeal, because signing would no longer help or could harm; False where it is stopped already.

    What became of the case is told with `tell_outcome`. Raises NotFoundError, StateError.
    """
    with transaction() as session:
        appeal = find(session, slug)
        if appeal.state == AppealState.STOPPED:
            return False
        if appeal.state != AppealState.OPEN:
            raise StateError(f"{slug} is {appeal.state}: only an open appeal can be stopped")
        _end(appeal, now, AppealState.STOPPED)
    return True


def tell_outcome(slug: str, language: str, body: str) -> None:
    """Says on its page what became of the case, in Markdown; an empty body takes it back.

    Raises NotFoundError, StateError while it is open or a draft, and InputError for a text that is too long.
    """
    body = body.replace("\x00", "").strip()
    if len(body) > _MOST_OUTCOME:
        raise InputError("body", "too-long", f"an outcome has at most {_MOST_OUTCOME} characters, not {len(body)}")
    with transaction() as session:
        appeal = find(session, slug)
        if appeal.state not in {AppealState.CLOSED, AppealState.STOPPED}:
            raise StateError(f"{slug} is {appeal.state}: how a case ended is told once it is closed or stopped")
        told = {**appeal.outcome, language: body}
        appeal.outcome = {name: text for name, text in told.items() if text}
        appeal.revision += 1


def set_safety(slug: str, *, risk_countries: tuple[str, ...], initials_only: bool) -> None:
    """Says where writing endangers the sender (ISO 3166-1 alpha-2), and whether letters bear initials instead of names.

    Raises NotFoundError, InputError (`risk_countries`).
    """
    unknown = [code for code in risk_countries if code not in COUNTRIES]
    if unknown:
        raise InputError(
            "risk_countries", "unknown", f"{', '.join(unknown)}: give countries as two letters, such as KZ"
        )
    with transaction() as session:
        appeal = find(session, slug)
        appeal.risk_countries = list(dict.fromkeys(risk_countries))
        appeal.initials_only = initials_only
        appeal.revision += 1


def close_over(*, now: datetime) -> list[str]:
    """Closes what is over: open appeals whose last section's day has ended. Returns their slugs."""
    closed = []
    with transaction() as session:
        zones = set(session.scalars(select(Section.time_zone)))
        for appeal in session.scalars(select(Appeal).where(Appeal.state == AppealState.OPEN)):
            if not any(is_in_time(appeal.deadline, zone, now) for zone in zones or {"UTC"}):
                _end(appeal, now)
                closed.append(appeal.slug)
    return closed


def find(session: Session, slug: str) -> Appeal:
    """The appeal, locked until the transaction ends. Raises NotFoundError."""
    appeal = session.scalars(select(Appeal).where(Appeal.slug == slug).with_for_update()).one_or_none()
    if appeal is None:
        raise NotFoundError(f"there is no appeal {slug}; `flask appeal list` shows those there are")
    return appeal


def _end(appeal: Appeal, now: datetime, state: AppealState = AppealState.CLOSED) -> None:
    appeal.state = state
    appeal.ended_at = now
    appeal.revision += 1


def _missing(session: Session, appeal: Appeal, now: datetime) -> list[str]:
    missing = []
    if not appeal.texts:
        missing.append("it has no text")
    for text in appeal.texts:
        if not text.headline:
            missing.append(f"its text in {text.language} has no headline")
        if not text.paragraphs and not text.talking_points:
            missing.append(f"its text in {text.language} has neither a letter nor talking points")
    if not appeal.targets:
        missing.append("it has nobody to write to")
    if appeal.deadline is None:
        missing.append("it has no deadline (give one with --deadline)")
    else:
        zones = session.scalars(select(Section.time_zone)).all()
        if not zones:
            missing.append("no sections are loaded (flask sections load)")
        elif not any(is_in_time(appeal.deadline, zone, now) for zone in zones):
            missing.append(f"its deadline {appeal.deadline} has passed (give one with --deadline)")
    return missing
