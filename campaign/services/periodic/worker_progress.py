"""The progress of each worker, stored where every web process can read it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.models import Worker
from campaign.platform.database.clock import server_now
from campaign.platform.database.transaction import transaction
from campaign.platform.process.progress import WorkerProgress

_FORGOTTEN_AFTER = timedelta(days=1)
_INSERTS = {dialect: module.insert(Worker) for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))}


def store_progress(progress: WorkerProgress, *, is_broken: bool = False) -> None:
    """Store this worker's row. Set `is_broken` where an error of the application ends the worker. Raises DBAPIError."""
    with transaction() as session:
        now = server_now(session)
        session.execute(delete(Worker).where(Worker.beat_at < now - _FORGOTTEN_AFTER))
        progress.error_count += _take_over(session, progress)
        since = progress.seconds_since_last_round()
        values = {
            "beat_at": now,
            "done_at": None if since is None else now - timedelta(seconds=since),
            "failures": progress.error_count,
            "error": progress.last_error,
            "is_broken": is_broken,
            "trouble": progress.troubles,
        }
        row = {"id": progress.id, "host": progress.host, "started_at": now, **values}
        insert = _INSERTS[session.connection().dialect.name].values(row)
        session.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))


def delete_progress(progress: WorkerProgress) -> None:
    """Delete the row of a worker that stops on request. Raises DBAPIError."""
    with transaction() as session:
        session.execute(delete(Worker).where(Worker.id == progress.id))


def _take_over(session: Session, progress: WorkerProgress) -> int:
    """Delete the rows of broken workers on the same machine; return the number of their failures.

    Otherwise each start of a service that breaks again and again would leave a row.
    """
    if progress.seconds_since_last_round() is None and not progress.error_count:
        return 0  # this worker has done nothing yet, so the broken worker's row still describes the state
    broken = Worker.host == progress.host, Worker.is_broken, Worker.id != progress.id
    failures = int(session.scalar(select(func.coalesce(func.sum(Worker.failures), 0)).where(*broken)) or 0)
    session.execute(delete(Worker).where(*broken))
    return failures
