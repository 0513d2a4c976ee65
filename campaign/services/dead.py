"""What was not delivered: trying it again, or letting it go, in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, select, update

from campaign.domain.errors import InputError
from campaign.domain.outbox import MailState
from campaign.models import Mail
from campaign.services.transaction import transaction

_BATCH = 1000
UNDELIVERED = (MailState.DEAD.value, MailState.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which undelivered mails: all that agree with each value given. `words` is a part of what the server said."""

    state: str | None = None
    kind: str | None = None
    phase: str | None = None
    code: int | None = None
    words: str | None = None


def retry(chosen: Chosen, *, now: datetime) -> int:
    """Makes them due again, as the same messages; returns how many. Raises InputError.

    Each is checked again before it is sent, so an address suppressed meanwhile gets nothing.
    """
    return _change(chosen, {"state": MailState.RETRY.value, "due_at": now, "lease_until": None, "ambiguous": 0})


def drop(chosen: Chosen) -> int:
    """Gives them up for good, and forgets to whom those to staff were; returns how many. Raises InputError."""
    forgotten = {"recipient_sealed": None, "context_sealed": None}
    return _change(chosen, {"state": MailState.SUPPRESSED.value, "detail": "dropped by an operator", **forgotten})


def _change(chosen: Chosen, values: dict[str, Any]) -> int:
    if chosen.state is not None and chosen.state not in UNDELIVERED:
        raise InputError("state", "unknown", f"{chosen.state} is none of " + ", ".join(UNDELIVERED))
    changed = 0
    while True:
        with transaction() as session:
            ids = session.scalars(_matching(chosen).limit(_BATCH).with_for_update(skip_locked=True)).all()
            if ids:
                done = session.execute(update(Mail).where(Mail.id.in_(ids)).values(**values, fence=Mail.fence + 1))
                assert isinstance(done, CursorResult)  # noqa: S101  an update
                changed += done.rowcount
        if len(ids) < _BATCH:
            return changed


def _matching(chosen: Chosen) -> Any:
    states = (chosen.state,) if chosen.state else UNDELIVERED
    conditions: list[ColumnElement[bool]] = [Mail.state.in_(states)]
    for column, value in ((Mail.kind, chosen.kind), (Mail.phase, chosen.phase), (Mail.code, chosen.code)):
        if value is not None:
            conditions.append(column == value)
    if chosen.words is not None:
        conditions.append(Mail.detail.icontains(chosen.words, autoescape=True))
    return select(Mail.id).where(*conditions).order_by(Mail.id)
