"""What the workers run and when: the periodic jobs through Huey, and long jobs for staff.

Every worker's scheduler ticks, so each run of a job is claimed by writing its row: the first one does the work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Flask
from huey import crontab
from huey.storage import RedisStorage

from campaign.domain.staff.actor import SYSTEM
from campaign.platform import huey
from campaign.platform.context import Context
from campaign.platform.database.errors import diagnose
from campaign.platform.limits.redis_pool import FAILURES
from campaign.platform.process.progress import WorkerProgress
from campaign.platform.runtime import runtime
from campaign.services.announcements.deadline_notices import remind_staff
from campaign.services.announcements.fan_out import spread_all, start_reminders
from campaign.services.announcements.reminders import remind_pending
from campaign.services.announcements.weekly_digest import owe_digests
from campaign.services.appeals.lifecycle import close_over
from campaign.services.counting.funnel_counts import fold_steps
from campaign.services.counting.rollup import fold
from campaign.services.counting.verify import verify
from campaign.services.delivery.bounce import take_maildir
from campaign.services.handover.handover import make_handover, waiting
from campaign.services.keys.row_key import rewrite
from campaign.services.moderation.watch_domains import watch_domains
from campaign.services.periodic.clock import ClocksApartError, agreed_now
from campaign.services.periodic.periodic import last_run, run_once
from campaign.services.privacy.erasure_journal import forget
from campaign.services.privacy.retention import retain

log = logging.getLogger(__name__)

# What one minute looks at: a hundred thousand confirmations.
_DOMAIN_BATCHES = 20
# Every five minutes, so it tells when any worker last ran.
_STEADY_JOB = "close-over"
_LONG_STOP = timedelta(days=2)
_DOUBT_SECONDS = 3600.0
# Runs each minute, so it tells whether any job begins at all; two long ones may keep it waiting for some minutes.
_MINUTE_JOB = "take-bounces"
_STANDSTILL_SECONDS = 600.0
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


# This process's; one process runs one worker.
progress = WorkerProgress(("deliver", "mind", "work_for_staff"))


def bind(app: Flask) -> None:
    """Lets the jobs find their application."""
    huey.app = app


def clocks_apart() -> str | None:
    """Return why no time can be believed yet; None where one can."""
    try:
        now = agreed_now(runtime().clock())
    except ClocksApartError as error:
        return str(error)
    # On one machine both clocks are the same, and may be wrong together. A site that nobody ran for days looks alike.
    last = last_run(_STEADY_JOB, now)
    if last is None or now - last < _LONG_STOP:
        progress.waits_since = None
        return None
    if progress.waits_since is None:
        progress.waits_since = time.monotonic()
    minutes = round((progress.waits_since + _DOUBT_SECONDS - time.monotonic()) / 60)
    if minutes <= 0:
        return None
    return (
        f"it is {now:%Y-%m-%d %H:%M} UTC, and the last job ran {last:%Y-%m-%d %H:%M}: "
        f"if that is no error of the clock, wait; jobs begin in {minutes} minutes"
    )


def queue_trouble() -> str | None:
    """Return why no periodic job begins although the clocks agree; None where they do begin. Raises DBAPIError.

    By the rows of all workers: whichever takes the job from the queue writes its row.
    """
    if isinstance(huey.storage, RedisStorage):
        try:
            huey.storage.queue_size()
        except FAILURES as error:
            return f"the queue of jobs is away ({type(error).__name__}), so no periodic job runs: see TOCSIN_QUEUE_URL"
    newest, now = last_run(_MINUTE_JOB), time.monotonic()
    if progress.newest_run_since is None or newest != progress.newest_run:
        progress.newest_run, progress.newest_run_since = newest, now
    seconds = now - progress.newest_run_since
    if seconds < _STANDSTILL_SECONDS:
        return None
    return f"no periodic job has begun for {round(seconds / 60)} minutes: see the workers' log"


def _once(job: str, every: timedelta, work: Callable[[Context], object]) -> None:
    """Runs the job for the period that now falls into, unless another worker has; not where the clocks differ."""
    with huey.app.app_context():
        apart = clocks_apart()
        if apart is not None:
            log.error("%s is not done: %s", job, apart)
            return
        at = runtime()
        now = agreed_now(at.clock())
        context = at.context(SYSTEM, now=now)
        due_at = _EPOCH + (now - _EPOCH) // every * every
        try:
            run_once(job, due_at, lambda: work(context), context=context)
        except Exception as error:
            found = diagnose(error)
            if not found.may_pass:
                progress.failed(f"{job}: {found}")
            raise


def close_what_is_over() -> None:
    """Every five minutes: appeals whose last section's day has ended."""

    def work(context: Context) -> None:
        for slug in close_over(context=context):
            log.info("closed %s: its deadline has passed everywhere", slug)

    _once(_STEADY_JOB, timedelta(minutes=5), work)


def fold_history() -> None:
    """Each hour: the counts of days gone by into fewer rows."""
    _once("fold-history", timedelta(hours=1), lambda context: (fold(context=context), fold_steps(context=context)))


def verify_tallies() -> None:
    """Each night: the stored counts against the rows."""

    def work(_context: Context) -> None:
        for difference in verify():
            log.error("tally differs: %s", difference)

    _once("verify-tallies", timedelta(days=1), work)


def send_digests() -> None:
    """Each Monday: the week in figures, to the staff who asked for it."""

    def work(context: Context) -> None:
        owed = owe_digests(context=context)
        if owed:
            log.info("digests: %s mails owed", owed)

    _once("send-digests", timedelta(days=7), work)


def spread_announcements() -> None:
    """Each minute: announcements on their way to those who asked to hear."""

    def work(context: Context) -> None:
        owed = spread_all(context=context)
        if owed:
            log.info("announcements: %s mails owed", owed)

    _once("spread-announcements", timedelta(minutes=1), work)


def remind() -> None:
    """Each hour: who has not confirmed, and which section's deadline is near."""

    def work(context: Context) -> None:
        reminded = remind_pending(context=context)
        started = start_reminders(context=context)
        staff = remind_staff(context=context)
        if reminded or started or staff:
            log.info("reminders: %s to confirm, %s of a deadline begun, %s to staff", reminded, started, staff)

    _once("remind", timedelta(hours=1), work)


def start_handover(handover_id: int) -> None:
    """Has a worker make that list, soon. Where the queue cannot take it, the minute's job finds it."""
    try:
        if not isinstance(huey.storage, RedisStorage):
            huey.storage.initialize_schema()  # no worker may have run yet
        _queue_handover(handover_id)
    except FAILURES as error:
        log.warning("the queue took no job for the list %s: %s", handover_id, type(error).__name__)
    except Exception:  # whatever the queue's storage raises: the row says what is wanted
        log.exception("the queue took no job for the list %s", handover_id)


def _make_handover(handover_id: int) -> None:
    with huey.app.app_context():
        at = runtime()
        make_handover(handover_id, clock=at.clock, context=at.context(SYSTEM))


def make_handovers() -> None:
    """Each minute: lists that nobody is making, because a worker broke off or the queue was away."""

    def work(context: Context) -> None:
        for handover_id in waiting(context.now):
            _make_handover(handover_id)

    _once("make-handovers", timedelta(minutes=1), work)


def take_bounces() -> None:
    """Each minute: what came back into the Maildir of TOCSIN_BOUNCE_MAILDIR."""

    def work(context: Context) -> None:
        if context.settings.bounce_maildir is None:
            return
        outcomes = take_maildir(context.settings.bounce_maildir, context=context)
        if outcomes:
            log.info("bounces: %s", ", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())))

    _once(_MINUTE_JOB, timedelta(minutes=1), work)


def let_go() -> None:
    """Each hour: personal data whose time is over. A worker that is stopped leaves the rest to the next run."""

    def work(context: Context) -> None:
        stop: threading.Event = huey.worker_stop
        done = retain(go_on=lambda: not stop.is_set(), context=context)
        done["months of the erasure journal"] = forget(context.settings.erasure_journal, context=context)
        if done.total():
            log.info("let go: %s", ", ".join(f"{number} {name}" for name, number in sorted(done.items()) if number))

    _once("let-go", timedelta(hours=1), work)


def look_at_domains() -> None:
    """Each minute: from which mail domains signatures were confirmed."""

    def work(context: Context) -> None:
        for _ in range(_DOMAIN_BATCHES):
            if not watch_domains(context=context):
                break

    _once("look-at-domains", timedelta(minutes=1), work)


def rewrite_keys() -> None:
    """Every ten minutes: the small table of rows' keys, where somebody was erased."""

    def work(_context: Context) -> None:
        if rewrite():
            log.info("the keys of erased rows are gone from the database's files")

    _once("rewrite-keys", timedelta(minutes=10), work)


# When each runs, by Huey's clock: UTC.
for _job, _when in (
    (close_what_is_over, crontab(minute="*/5")),
    (fold_history, crontab(minute="7")),
    (verify_tallies, crontab(hour="3", minute="17")),
    (send_digests, crontab(day_of_week="1", hour="6", minute="41")),
    (spread_announcements, crontab(minute="*")),
    (remind, crontab(minute="11")),
    (make_handovers, crontab(minute="*")),
    (take_bounces, crontab(minute="*")),
    (let_go, crontab(minute="23")),
    (rewrite_keys, crontab(minute="*/10")),
    (look_at_domains, crontab(minute="*")),
):
    huey.periodic_task(_when)(_job)
_queue_handover = huey.task()(_make_handover)
