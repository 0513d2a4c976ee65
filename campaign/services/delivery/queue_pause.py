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

# The time that a worker has for its probe. After it, another worker may probe.
_PROBE_LEASE = timedelta(minutes=1)
_CURRENT_PAUSE = select(QueuePause).where(QueuePause.is_open)


def current_pause(session: Session) -> QueuePause | None:
    """Return the current pause; None where the queue is not paused."""
    return session.scalars(_CURRENT_PAUSE.execution_options(populate_existing=True)).one_or_none()


def claim_probe(session: Session, pause: QueuePause, now: datetime, *, at_once: bool = False) -> bool:
    """Return whether the caller may send one mail as a probe. At the time of the next probe, only one worker may.

    With `at_once` that time is ignored.
    """
    if pause.probe_at > now and not at_once:
        return False
    claim = update(QueuePause).where(
        QueuePause.id == pause.id, QueuePause.is_open, QueuePause.probe_at == pause.probe_at
    )
    return session.connection().execute(claim.values(probe_at=now + _PROBE_LEASE)).rowcount == 1


def pause_queue(session: Session, attempt: DeliveryAttempt, now: datetime, *, is_probe: bool) -> bool:
    """Pause the queue, or extend the pause after a failed probe; return whether the pause is new."""
    answer = {"phase": attempt.phase, "code": attempt.code, "detail": attempt.detail or None}
    row = {"is_open": True, "began_at": now, "probe_at": now + probe_delay(attempt.outcome, 0), "probes": 0, **answer}
    if insert_or_ignore(session.connection(), QueuePause, row):
        return True
    pause = current_pause(session)
    if pause is not None and is_probe:
        pause.probes += 1
        pause.probe_at = now + probe_delay(attempt.outcome, pause.probes)
        pause.phase, pause.code, pause.detail = attempt.phase, attempt.code, attempt.detail or None
        session.flush()
    return False


def resume_queue(session: Session, now: datetime) -> datetime | None:
    """End the pause; return when it began, None where there was none."""
    statement = (
        update(QueuePause).where(QueuePause.is_open).values(is_open=False, ended_at=now).returning(QueuePause.began_at)
    )
    return session.execute(statement.execution_options(synchronize_session=False)).scalar_one_or_none()


def time_paused(session: Session, since: datetime, now: datetime) -> timedelta:
    """Return how long the queue was paused since then. That time does not count against a mail that waited."""
    rows = session.execute(
        select(QueuePause.began_at, func.coalesce(QueuePause.ended_at, now)).where(
            or_(QueuePause.ended_at.is_(None), QueuePause.ended_at > since)
        )
    )
    return sum((min(ended_at, now) - max(began_at, since) for began_at, ended_at in rows), timedelta(0))


def is_global_failure(attempt: DeliveryAttempt, *, is_other_mail_accepted: bool) -> bool:
    """Return whether the failure concerns all mail, so that the queue must be paused.

    A permanent refusal before the server knows the recipient concerns all mail. A refusal after that, or a failure to
    connect, may concern one recipient or one connection only, and counts as such while other mail is accepted.
    Otherwise one signer's own mail server could stop all mail.
    """
    if attempt.outcome is DeliveryOutcome.SENDER_REFUSED:
        return attempt.phase not in {"rcpt", "data", "dot"} or not is_other_mail_accepted
    return attempt.outcome is DeliveryOutcome.UNREACHABLE and not is_other_mail_accepted
