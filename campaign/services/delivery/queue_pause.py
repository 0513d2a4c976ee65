"""The pause of the mail queue while the server refuses all mail: one row that all workers see, and the probes."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome, probe_delay
from campaign.models import QueuePause
from campaign.platform.database.insert_or_ignore import insert_or_ignore

log = logging.getLogger(__name__)

# The time that a worker has for its probe before another worker may probe.
_PROBING = timedelta(minutes=1)
_OPEN = select(QueuePause).where(QueuePause.is_open)


def open_pause(session: Session) -> QueuePause | None:
    """Return the current pause; None where the queue is not paused."""
    return session.scalars(_OPEN.execution_options(populate_existing=True)).one_or_none()


def take_probe(session: Session, pause: QueuePause, now: datetime, *, at_once: bool = False) -> bool:
    """Return whether the caller may try one mail: only one of all workers may, at the time of the next probe.

    `at_once` ignores that time.
    """
    if pause.probe_at > now and not at_once:
        return False
    claimed = update(QueuePause).where(
        QueuePause.id == pause.id, QueuePause.is_open, QueuePause.probe_at == pause.probe_at
    )
    return session.connection().execute(claimed.values(probe_at=now + _PROBING)).rowcount == 1


def pause_queue(session: Session, attempt: DeliveryAttempt, now: datetime, *, is_probe: bool) -> bool:
    """Pause the queue, or lengthen the pause after a failed probe; return whether the queue was running before."""
    answer = {"phase": attempt.phase, "code": attempt.code, "detail": attempt.detail or None}
    row = {"is_open": True, "began_at": now, "probe_at": now + probe_delay(attempt.outcome, 0), "probes": 0, **answer}
    if insert_or_ignore(session.connection(), QueuePause, row):
        return True
    pause = open_pause(session)
    if pause is not None and is_probe:
        pause.probes += 1
        pause.probe_at = now + probe_delay(attempt.outcome, pause.probes)
        pause.phase, pause.code, pause.detail = attempt.phase, attempt.code, attempt.detail or None
        session.flush()
    return False


def resume_queue(session: Session, now: datetime) -> datetime | None:
    """End the pause; return when it began, None where there was none."""
    ended = (
        update(QueuePause).where(QueuePause.is_open).values(is_open=False, ended_at=now).returning(QueuePause.began_at)
    )
    return session.execute(ended.execution_options(synchronize_session=False)).scalar_one_or_none()


def time_paused(session: Session, since: datetime, now: datetime) -> timedelta:
    """Return how long the queue was paused since then: this time does not count against a mail that waited."""
    rows = session.execute(
        select(QueuePause.began_at, func.coalesce(QueuePause.ended_at, now)).where(
            or_(QueuePause.ended_at.is_(None), QueuePause.ended_at > since)
        )
    )
    return sum((min(ended_at, now) - max(began_at, since) for began_at, ended_at in rows), timedelta(0))


def is_global_failure(attempt: DeliveryAttempt, *, others_pass: bool) -> bool:
    """Return whether the failure concerns all mail, so that the queue must be paused.

    A permanent refusal before the server knows the recipient concerns all mail. A server that is away, or a refusal by
    policy once the recipient is known, may concern one connection or one recipient, and does so while other mail
    passes. Otherwise any signer's own server could stop the whole campaign.
    """
    if attempt.outcome is DeliveryOutcome.HELD:
        return attempt.phase not in {"rcpt", "data", "dot"} or not others_pass
    return attempt.outcome is DeliveryOutcome.AWAY and not others_pass
