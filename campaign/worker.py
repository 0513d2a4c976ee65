"""A worker process: its loops and the progress it reports.

It delivers mail, answers who asks for links, does what staff have asked for, and runs the periodic jobs (see `tasks`).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from flask import Flask
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
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.periodic.worker_progress import delete_progress, store_progress
from campaign.services.privacy.erasure_journal import unwritable, write_out
from campaign.services.signing.new_link import answer_link_requests
from campaign.services.staff.password_reset import answer_reset_requests
from campaign.tasks import clocks_apart, progress, queue_trouble

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_SHUTDOWN_SECONDS = 2.0
# Longer than any round takes; and twice that is at most the lease of what this worker has claimed.
_SILENCE_SECONDS = 60.0
_BREATH_SECONDS = 0.05
_REPORT_SECONDS = 10.0
_SAID_AGAIN_SECONDS = 60.0


class WorkerBrokenError(Exception):
    """An error of this program ended the worker; it is in the log and in the worker's row."""


class _ThreadedConsumer(Consumer):  # type: ignore[misc]  # Huey has no types
    """A Huey consumer that runs inside the worker process and leaves signals to it."""

    def _set_signal_handlers(self) -> None:
        """Do nothing: the worker command has its own handlers."""


def run_worker(stop: threading.Event) -> None:
    """Deliver mail and run the periodic jobs until `stop` is set. Needs an application context.

    Raises:
        WorkerBrokenError: An error of this program ended a loop.
    """
    _wait_for_database(huey.app, stop)
    if stop.is_set():
        return
    huey.worker_stop = stop
    # Two threads: a list of a hundred thousand names must not delay the periodic jobs.
    consumer = _ThreadedConsumer(huey, workers=2, max_delay=1.0, shutdown_timeout=_SHUTDOWN_SECONDS)
    consumer.start()
    watchdog = Watchdog(_SILENCE_SECONDS)
    broken: list[Exception] = []
    threads = [
        threading.Thread(target=_run_beside, args=(watchdog, work, stop, broken), daemon=True)
        for work in (_mind, _work_for_staff, _tell_progress)
    ]
    for thread in threads:
        thread.start()
    try:
        watchdog.run_watched(_deliver, runtime(), stop)
    except Exception as error:
        log.exception("delivering broke")
        broken.append(error)
    finally:
        stop.set()
        for thread in threads:
            thread.join(_SHUTDOWN_SECONDS)
        consumer.stop(graceful=True)
        _say_end(broken)


def _run_beside(watchdog: Watchdog, work: Callable[..., None], stop: threading.Event, broken: list[Exception]) -> None:
    """Run a loop. An error of this program in it ends the whole worker, so that the service manager restarts it."""
    try:
        watchdog.run_watched(work, huey.app, stop)
    except Exception as error:
        log.exception("a loop broke")
        broken.append(error)
        stop.set()


def _say_end(broken: list[Exception]) -> None:
    """Delete this worker's row, or store in it what broke. Raise WorkerBrokenError in that case."""
    for error in broken:
        progress.record_error(diagnose(error))
        log.error("the worker ends: %s", diagnose(error))
    try:
        if broken:
            store_progress(progress, is_broken=True)
        else:
            delete_progress(progress)
    except DBAPIError as error:
        log.warning("how this worker ended is not written down: %s", diagnose(error))
    if broken:
        raise WorkerBrokenError(str(diagnose(broken[0])))


def _wait_for_database(app: Flask, stop: threading.Event) -> None:
    """Return once the database can be used, because machines start in any order, or once `stop` is set."""
    said, said_at = "", 0.0
    while not stop.is_set():
        try:
            reason = readiness_problem(app.extensions["migrate"].directory)
            if reason is None and not isinstance(huey.storage, RedisStorage):  # which has no schema
                huey.storage.initialize_schema()
        except (DBAPIError, PsycopgError, sqlite3.Error) as error:
            reason = str(diagnose(error))
        if reason is None:
            return
        if reason != said or time.monotonic() - said_at >= _SAID_AGAIN_SECONDS:
            log.warning("waiting: %s", reason)
            said, said_at = reason, time.monotonic()
        stop.wait(POLL_SECONDS)


def _deliver(at: Runtime, stop: threading.Event, turning: Callable[[], None]) -> None:
    keys = Keys(at.vault, at.tokens)
    dispatcher = Dispatcher(at.settings, keys)
    turns = 0

    def turned() -> None:
        nonlocal turns
        turning()
        if turns:  # the round before succeeded
            progress.record_round("deliver")
        turns += 1

    try:
        while not stop.is_set():
            try:
                dispatcher.run(stop, turned)
            except DBAPIError as error:
                # The database may be restarting; the mails to send are still stored there.
                turns = _wait_or_raise(error, stop)
    finally:
        try:
            dispatcher.stop()
        except DBAPIError as error:
            log.warning("what was under way is in doubt: %s", diagnose(error))


def _wait_or_raise(error: DBAPIError, stop: threading.Event) -> int:
    """Wait a second if the error can pass, and return 0. Raise it otherwise: a wrong statement stays wrong."""
    found = diagnose(error)
    if not found.is_transient:
        raise error
    log.warning("%s", found)
    stop.wait(POLL_SECONDS)
    return 0


def _tell_progress(app: Flask, stop: threading.Event, turning: Callable[[], None]) -> None:
    """Report every ten seconds what this worker has done, and whether the erasure journal can be written."""
    while not stop.wait(POLL_SECONDS):
        turning()
        if time.monotonic() < progress.report_at:
            continue
        with app.app_context():
            folder = runtime().settings.erasure_journal
            progress.set_trouble("erasure-journal", unwritable(folder))
            try:
                apart = clocks_apart()
                progress.set_trouble("clock", apart)
                if apart is not None:
                    progress.newest_run_since = None  # no job begins meanwhile
                progress.set_trouble("queue", None if apart else queue_trouble())
                store_progress(progress)
                since = progress.seconds_since_last_round()
                # A worker that has just started, or just recovered, reports at once.
                is_steady = since is not None and since < _REPORT_SECONDS
                progress.report_at = time.monotonic() + (_REPORT_SECONDS if is_steady else POLL_SECONDS)
            except DBAPIError as error:
                progress.newest_run_since = None
                _wait_or_raise(error, stop)


def _mind(app: Flask, stop: threading.Event, turning: Callable[[], None]) -> None:
    """Answer requests for links and passwords, and write the erasure journal, every second."""
    again_at = 0.0
    while not stop.wait(POLL_SECONDS):
        turning()
        with app.app_context():
            at = runtime()
            try:
                context = at.context(SYSTEM)
                while answer_link_requests(context=context) and not stop.is_set():
                    turning()
                while answer_reset_requests(context=context) and not stop.is_set():
                    turning()
                if time.monotonic() >= again_at:
                    write_out(at.settings.erasure_journal, turning=turning, context=context)
                progress.record_round("mind")
            except DBAPIError as error:
                _wait_or_raise(error, stop)
            except OSError as error:
                # The entries wait in the database until the folder can be written to.
                log.warning(
                    "the erasure journal cannot be written to %s: %s",
                    at.settings.erasure_journal,
                    error.strerror or error,
                )
                again_at = time.monotonic() + 60
            except Exception as error:  # one request that fails must not stop all others until the next start
                progress.record_error(diagnose(error))
                log.exception("links or the erasure journal failed")


def _work_for_staff(app: Flask, stop: threading.Event, turning: Callable[[], None]) -> None:
    """Sign up the next rows of paper sheets, and run invalidations batch by batch, every second."""
    with app.app_context():
        addressees = RefusedRecipients(runtime().settings)
    while not stop.wait(POLL_SECONDS):
        turning()
        with app.app_context():
            at = runtime()
            try:
                if has_waiting_rows():
                    sign_sheet_rows(context=at.context(SYSTEM), addressees=addressees)
                # A pause between two batches, in which sign-ups get the database.
                while has_work() and advance(context=at.context(SYSTEM)) and not stop.wait(_BREATH_SECONDS):
                    turning()
                progress.record_round("work_for_staff")
            except DBAPIError as error:
                _wait_or_raise(error, stop)
            except Exception as error:  # the next second tries again, and other work continues
                progress.record_error(diagnose(error))
                log.exception("work for staff failed")
