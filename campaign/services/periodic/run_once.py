"""The runs of periodic jobs. With any number of workers, each run is done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select, update

from campaign.models import PeriodicRun
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.transaction import transaction


def run_once(job: str, due_at: datetime, work: Callable[[], object], *, context: Context) -> bool:
    """Claim the run and do its work; return False, without doing it, where another worker has claimed the run.

    An error of the work is stored and raised. The run of a worker that dies stays claimed: the next run of the job does
    its work.
    """
    now = context.now
    with transaction() as session:
        values = {"job": job, "due_at": due_at, "claimed_at": now}
        if not insert_or_ignore(session.connection(), PeriodicRun, values):
            return False
    try:
        work()
    except Exception as error:
        _end(job, due_at, now, f"{type(error).__name__}: {error}"[:500])
        raise
    _end(job, due_at, now, None)
    return True


def last_run(job: str, now: datetime | None = None) -> datetime | None:
    """Return the time at which the job's last run was due, not later than `now` if given; None where it never ran."""
    newest = select(func.max(PeriodicRun.due_at)).where(PeriodicRun.job == job)
    due_at = db.session.execute(newest if now is None else newest.where(PeriodicRun.due_at <= now)).scalar_one()
    db.session.rollback()
    return due_at


def _end(job: str, due_at: datetime, now: datetime, error: str | None) -> None:
    """Store the end of the run, with its error if any."""
    with transaction() as session:
        run = update(PeriodicRun).where(PeriodicRun.job == job, PeriodicRun.due_at == due_at)
        session.execute(run.values(ended_at=now, error=error))
