"""A worker process: its loops and the progress it reports.

It delivers mail, answers requests for links and passwords, does long work for staff, and runs the periodic jobs of
`tasks`.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from flask import Flask
from gunicorn.systemd import sd_notify
from huey.consumer import Consumer
from huey.storage import RedisStorage
from psycopg import Error as PsycopgError
from sqlalchemy.exc import DBAPIError

from campaign.domain.staff.actor import SYSTEM
from campaign.platform import huey
from campaign.platform.context import Keys
from campaign.platform.database.errors import diagnose
from campaign.platform.database.schema import readiness_problem
from campaign.platform.process.watchdog import Watchdog
from campaign.platform.runtime import Runtime, runtime
from campaign.services.delivery.dispatcher import Dispatcher
from campaign.services.moderation.invalidate import advance, has_work
from campaign.services.offline.paper_sheet import has_waiting_rows, sign_sheet_rows
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.periodic.worker_progress import delete_progress, store_progress
from campaign.services.privacy.erasure_journal import write_entries, write_problem
from campaign.services.signing.new_link import answer_link_requests
from campaign.services.staff.password_reset import answer_reset_requests
from campaign.tasks import clock_trouble, progress, queue_trouble

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_SHUTDOWN_SECONDS = 2.0
# No round takes longer. Twice this time is at most the lease of the mails that this worker has claimed.
# `WatchdogSec=` in deploy/tocsin-worker.service is between the two: the process itself says first where it stands.
_MAX_ROUND_SECONDS = 60.0
_BATCH_PAUSE_SECONDS = 0.05
_REPORT_SECONDS = 10.0
_LOG_AGAIN_SECONDS = 60.0


class WorkerBrokenError(Exception):
    """An error of this program ended the worker. The log and the worker's row have the error."""


class _ThreadedConsumer(Consumer):  # type: ignore[misc]  # Huey has no types
    """A Huey consumer that runs inside the worker process and leaves signals to it."""

    def _set_signal_handlers(self) -> None:
        """Do nothing: the worker command has its own handlers."""


def run_worker(stop: threading.Event) -> None:
    """Deliver mail and run the periodic jobs until `stop` is set. Needs an application context.

    Raises:
        WorkerBrokenError: An error of this program ended a loop.
    """
    with Watchdog(_MAX_ROUND_SECONDS) as watchdog:
        watchdog.run_watched(_wait_for_database, huey.app, stop)
        if not stop.is_set():
            _run_loops(watchdog, stop)


def _run_loops(watchdog: Watchdog, stop: threading.Event) -> None:
    """Run all loops until `stop` is set, and tell systemd, if there is one, when they begin and end."""
    huey.worker_stop = stop
    # Two threads, so that a list of a hundred thousand names does not delay the periodic jobs.
    consumer = _ThreadedConsumer(huey, workers=2, max_delay=1.0, shutdown_timeout=_SHUTDOWN_SECONDS)
    consumer.start()
    errors: list[Exception] = []
    threads = [
        threading.Thread(target=_run_loop, args=(watchdog, loop, stop, errors), name=loop.__name__, daemon=True)
        for loop in (_answer_requests, _work_for_staff, _report_progress)
    ]
    for thread in threads:
        thread.start()
    sd_notify("READY=1", log)
    try:
        watchdog.run_watched(_deliver_mail, runtime(), stop)
    except Exception as error:
        log.exception("delivering broke")
        errors.append(error)
    finally:
        stop.set()
        sd_notify("STOPPING=1", log)
        for thread in threads:
            thread.join(_SHUTDOWN_SECONDS)
        consumer.stop(graceful=True)
        _record_end(errors)


def _run_loop(watchdog: Watchdog, loop: Callable[..., None], stop: threading.Event, errors: list[Exception]) -> None:
    """Run a loop. An error of this program in it ends the whole worker, which the service manager then restarts."""
    try:
        watchdog.run_watched(loop, huey.app, stop)
    except Exception as error:
        log.exception("a loop broke")
        errors.append(error)
        stop.set()


def _record_end(errors: list[Exception]) -> None:
    """Delete this worker's row; after an error, store the error there instead and raise WorkerBrokenError."""
    for error in errors:
        progress.record_error(diagnose(error))
        log.error("the worker ends: %s", diagnose(error))
    try:
        if errors:
            store_progress(progress, is_broken=True)
        else:
            delete_progress(progress)
    except DBAPIError as error:
        log.warning("the end of this worker could not be stored: %s", diagnose(error))
    if errors:
        raise WorkerBrokenError(str(diagnose(errors[0])))


def _wait_for_database(app: Flask, stop: threading.Event, heartbeat: Callable[[], None]) -> None:
    """Wait until the database can be used, because machines start in any order, or until `stop` is set."""
    logged_reason, logged_at = "", 0.0
    while not stop.is_set():
        heartbeat()
        try:
            reason = readiness_problem(app.extensions["migrate"].directory)
            if reason is None and not isinstance(huey.storage, RedisStorage):  # which has no schema
                huey.storage.initialize_schema()
        except (DBAPIError, PsycopgError, sqlite3.Error) as error:
            reason = str(diagnose(error))
        if reason is None:
            return
        if reason != logged_reason or time.monotonic() - logged_at >= _LOG_AGAIN_SECONDS:
            log.warning("waiting: %s", reason)
            logged_reason, logged_at = reason, time.monotonic()
        stop.wait(POLL_SECONDS)


def _deliver_mail(app_runtime: Runtime, stop: threading.Event, heartbeat: Callable[[], None]) -> None:
    """Deliver mail until `stop` is set, and record each round that succeeded."""
    keys = Keys(app_runtime.vault, app_runtime.tokens)
    dispatcher = Dispatcher(app_runtime.settings, keys)
    rounds = 0

    def begin_round() -> None:
        nonlocal rounds
        heartbeat()
        if rounds:  # the previous round has succeeded
            progress.record_round("deliver_mail")
        rounds += 1

    try:
        while not stop.is_set():
            try:
                dispatcher.run(stop, begin_round)
            except DBAPIError as error:
                # The database may be restarting. The mails to send are still stored there.
                rounds = _wait_or_raise(error, stop)
    finally:
        try:
            dispatcher.stop()
        except DBAPIError as error:
            log.warning("mails being sent are in doubt: %s", diagnose(error))


def _wait_or_raise(error: DBAPIError, stop: threading.Event) -> int:
    """Wait a second and return 0 if the error is transient; else raise it."""
    diagnosis = diagnose(error)
    if not diagnosis.is_transient:
        raise error
    log.warning("%s", diagnosis)
    stop.wait(POLL_SECONDS)
    return 0


def _report_progress(app: Flask, stop: threading.Event, heartbeat: Callable[[], None]) -> None:
    """Report every ten seconds the progress of this worker, and whether the erasure journal can be written."""
    while not stop.wait(POLL_SECONDS):
        heartbeat()
        if time.monotonic() < progress.report_at:
            continue
        with app.app_context():
            folder = runtime().settings.erasure_journal
            progress.set_trouble("erasure-journal", write_problem(folder))
            try:
                clock_problem = clock_trouble()
                progress.set_trouble("clock", clock_problem)
                if clock_problem is not None:
                    progress.newest_run_since = None  # no job begins meanwhile
                progress.set_trouble("queue", None if clock_problem else queue_trouble())
                store_progress(progress)
                since = progress.seconds_since_last_round()
                # A worker that has just started, or just recovered, reports at once.
                is_steady = since is not None and since < _REPORT_SECONDS
                progress.report_at = time.monotonic() + (_REPORT_SECONDS if is_steady else POLL_SECONDS)
            except DBAPIError as error:
                progress.newest_run_since = None
                _wait_or_raise(error, stop)


def _answer_requests(app: Flask, stop: threading.Event, heartbeat: Callable[[], None]) -> None:
    """Answer requests for links and passwords, and write the erasure journal, every second."""
    retry_at = 0.0
    while not stop.wait(POLL_SECONDS):
        heartbeat()
        with app.app_context():
            app_runtime = runtime()
            try:
                context = app_runtime.context(SYSTEM)
                while answer_link_requests(context=context) and not stop.is_set():
                    heartbeat()
                while answer_reset_requests(context=context) and not stop.is_set():
                    heartbeat()
                if time.monotonic() >= retry_at:
                    write_entries(app_runtime.settings.erasure_journal, heartbeat=heartbeat, context=context)
                progress.record_round("answer_requests")
            except DBAPIError as error:
                _wait_or_raise(error, stop)
            except OSError as error:
                # The entries wait in the database until the folder can be written to.
                log.warning(
                    "the erasure journal cannot be written to %s: %s",
                    app_runtime.settings.erasure_journal,
                    error.strerror or error,
                )
                retry_at = time.monotonic() + 60
            except Exception as error:  # one failing request must not stop all others until the next start
                progress.record_error(diagnose(error))
                log.exception("links or the erasure journal failed")


def _work_for_staff(app: Flask, stop: threading.Event, heartbeat: Callable[[], None]) -> None:
    """Sign up the next rows of paper sheets, and run invalidations batch by batch, every second."""
    with app.app_context():
        target_mailboxes = TargetMailboxes(runtime().settings)
    while not stop.wait(POLL_SECONDS):
        heartbeat()
        with app.app_context():
            app_runtime = runtime()
            try:
                if has_waiting_rows():
                    sign_sheet_rows(context=app_runtime.context(SYSTEM), target_mailboxes=target_mailboxes)
                # Between two batches there is a pause, so that sign-ups can use the database.
                while (
                    has_work() and advance(context=app_runtime.context(SYSTEM)) and not stop.wait(_BATCH_PAUSE_SECONDS)
                ):
                    heartbeat()
                progress.record_round("work_for_staff")
            except DBAPIError as error:
                _wait_or_raise(error, stop)
            except Exception as error:  # the next second tries again, and other work continues
                progress.record_error(diagnose(error))
                log.exception("work for staff failed")
