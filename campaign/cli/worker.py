"""flask worker: mail and periodic jobs, until it is stopped."""

from __future__ import annotations

import logging
import signal
import sqlite3
import threading

import click
import psycopg
from flask.cli import with_appcontext
from redis.exceptions import RedisError

from campaign.cli.refusal import refuse
from campaign.platform.database.errors import diagnose
from campaign.platform.process.log_throttle import LogThrottle
from campaign.worker import WorkerBrokenError, run_worker

# Errors of the queue's storages; those of a job's own statements are SQLAlchemy's.
_AWAY = (psycopg.Error, sqlite3.Error, RedisError)
_throttle = LogThrottle()
_ENDING = {signal.SIGINT, signal.SIGTERM}


def _shorten(record: logging.LogRecord) -> bool:
    """Return whether the record is logged.

    While the storage of the job queue is away, its errors become one line a minute instead of a trace for each look.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not record.name.startswith("huey") or not isinstance(error, _AWAY):
        return True
    is_redis = isinstance(error, RedisError)
    is_transient, said = is_redis or diagnose(error).is_transient, str(error) if is_redis else str(diagnose(error))
    what = "the queue of jobs is away" if is_transient else record.getMessage()
    record.msg, record.args, record.exc_info, record.exc_text = f"{what}: {said}", None, None, None
    return _throttle.is_due() if is_transient else True


@click.command()
@with_appcontext
def worker() -> None:
    """Deliver mail and run the periodic jobs; any number of workers, on any number of machines."""
    logging.getLogger().setLevel(logging.INFO)
    for name in ("huey", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_shorten)
    stop = threading.Event()
    # A thread waits for the signals. A handler would run in the middle of the main thread's work: setting the event
    # while the main thread waits for it may lock both for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    threading.Thread(target=_wait_for_end, args=(stop,), name="signals", daemon=True).start()
    try:
        run_worker(stop)
    except WorkerBrokenError as error:
        refuse(f"the worker ended: {error}")


def _wait_for_end(stop: threading.Event) -> None:
    signal.sigwait(_ENDING)
    stop.set()
