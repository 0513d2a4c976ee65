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

# The errors of the job queue's storage. Errors of a job's own statements are SQLAlchemy's.
_QUEUE_ERRORS = (psycopg.Error, sqlite3.Error, RedisError)
_queue_throttle = LogThrottle()
_END_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def _shorten(record: logging.LogRecord) -> bool:
    """Shorten an error of the job queue's storage to one line; return whether the record is logged.

    While the storage is unreachable, one line a minute is logged instead of a traceback every second.
    """
    error = record.exc_info[1] if record.exc_info else None
    if not record.name.startswith("huey") or not isinstance(error, _QUEUE_ERRORS):
        return True
    if isinstance(error, RedisError):
        is_transient, cause = True, str(error)
    else:
        is_transient, cause = diagnose(error).is_transient, str(diagnose(error))
    message = "the queue of jobs is away" if is_transient else record.getMessage()
    record.msg, record.args, record.exc_info, record.exc_text = f"{message}: {cause}", None, None, None
    return _queue_throttle.is_due() if is_transient else True


@click.command()
@with_appcontext
def worker() -> None:
    """Deliver mail and run the periodic jobs until stopped. Several workers may run, also on several machines."""
    logging.getLogger().setLevel(logging.INFO)
    for name in ("huey", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_shorten)
    stop = threading.Event()
    # A thread waits for the signals. A signal handler would run inside the main thread: setting the event while the
    # main thread waits for it can end in a deadlock.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    threading.Thread(target=_wait_for_end, args=(stop,), name="signals", daemon=True).start()
    try:
        run_worker(stop)
    except WorkerBrokenError as error:
        refuse(f"the worker ended: {error}")


def _wait_for_end(stop: threading.Event) -> None:
    signal.sigwait(_END_SIGNALS)
    stop.set()
