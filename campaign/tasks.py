"""The periodic jobs with their times, run through Huey, and long jobs for staff.

Every worker's scheduler ticks, so each run of a job is claimed by inserting its row: the first worker does the work.
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
from campaign.platform.limits.redis_pool import CLIENT_ERRORS
from campaign.platform.process.progress import WorkerProgress
from campaign.platform.runtime import runtime
from campaign.services.announcements.confirmation_reminders import enqueue_confirmation_reminders
from campaign.services.announcements.deadline_notices import enqueue_deadline_notices
from campaign.services.announcements.deadline_reminders import start_deadline_reminders
from campaign.services.announcements.fan_out import fan_out_all
from campaign.services.announcements.weekly_digest import enqueue_digests
from campaign.services.appeals.lifecycle import close_expired
from campaign.services.counting.funnel_counts import roll_up_funnel
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.verify import verify_counts
from campaign.services.delivery.bounce import process_maildir
from campaign.services.handover.handover import make_handover, waiting_handovers
from campaign.services.keys.row_key import rewrite
from campaign.services.moderation.watch_domains import watch_domains
from campaign.services.periodic.clock import ClocksApartError, agreed_now
from campaign.services.periodic.run_once import last_run, run_once
from campaign.services.privacy.erasure_journal import delete_expired_files
from campaign.services.privacy.retention import purge_expired

log = logging.getLogger(__name__)

# The batches of one run, each minute: together a hundred thousand confirmations.
_DOMAIN_BATCHES_A_RUN = 20
# This job runs every five minutes, so its last run shows when any worker last ran.
_CLOCK_CHECK_JOB = "close-over"
_LONG_PAUSE = timedelta(days=2)
_CLOCK_DOUBT_SECONDS = 3600.0
# This job runs each minute, so its last run shows whether any job begins at all. Two long jobs may delay it by minutes.
_MINUTE_JOB = "take-bounces"
_STANDSTILL_SECONDS = 600.0
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


# The progress of this process, which runs one worker.
progress = WorkerProgress(("deliver_mail", "answer_requests", "work_for_staff"))


def bind(app: Flask) -> None:
    """Attach the application to the queue, for the jobs to use."""
    huey.app = app


def clock_trouble() -> str | None:
    """Return the reason why the current time cannot be trusted yet; None if it can."""
    try:
        now = agreed_now(runtime().clock())
    except ClocksApartError as error:
        return str(error)
    # On a single machine, application and database share one clock, which may be wrong. A site that was off for days
    # looks the same.
    last_run_at = last_run(_CLOCK_CHECK_JOB, now)
    if last_run_at is None or now - last_run_at < _LONG_PAUSE:
        progress.in_doubt_since = None
        return None
    if progress.in_doubt_since is None:
        progress.in_doubt_since = time.monotonic()
    minutes = round((progress.in_doubt_since + _CLOCK_DOUBT_SECONDS - time.monotonic()) / 60)
    if minutes <= 0:
        return None
    return (
        f"it is {now:%Y-%m-%d %H:%M} UTC, and the last job ran {last_run_at:%Y-%m-%d %H:%M}: "
        f"if that is no error of the clock, wait; jobs begin in {minutes} minutes"
    )


def queue_trouble() -> str | None:
    """Return the reason why no periodic job begins although the clocks agree; None if jobs begin.

    The runs of all workers count, because any of them may take the job from the queue. Raises DBAPIError.
    """
    if isinstance(huey.storage, RedisStorage):
        try:
            huey.storage.queue_size()
        except CLIENT_ERRORS as error:
            return f"the queue of jobs is away ({type(error).__name__}), so no periodic job runs: see TOCSIN_QUEUE_URL"
    newest, now = last_run(_MINUTE_JOB), time.monotonic()
    if progress.newest_run_since is None or newest != progress.newest_run:
        progress.newest_run, progress.newest_run_since = newest, now
    seconds = now - progress.newest_run_since
    if seconds < _STANDSTILL_SECONDS:
        return None
    return f"no periodic job has begun for {round(seconds / 60)} minutes: see the workers' log"


def _run_job(job: str, every: timedelta, work: Callable[[Context], object]) -> None:
    """Run the job for the current period, unless another worker has, or the clocks disagree."""
    with huey.app.app_context():
        trouble = clock_trouble()
        if trouble is not None:
            log.error("%s is not done: %s", job, trouble)
            return
        app_runtime = runtime()
        now = agreed_now(app_runtime.clock())
        context = app_runtime.context(SYSTEM, now=now)
        due_at = _EPOCH + (now - _EPOCH) // every * every
        try:
            run_once(job, due_at, lambda: work(context), context=context)
        except Exception as error:
            diagnosis = diagnose(error)
            if not diagnosis.is_transient:
                progress.record_error(f"{job}: {diagnosis}")
            raise


def close_expired_appeals() -> None:
    """Close, every five minutes, the appeals whose deadline has passed in all sections."""

    def work(context: Context) -> None:
        for slug in close_expired(context=context):
            log.info("closed %s: its deadline has passed everywhere", slug)

    _run_job(_CLOCK_CHECK_JOB, timedelta(minutes=5), work)


def roll_up_history() -> None:
    """Roll up, each hour, the counts of past days into fewer rows."""
    _run_job(
        "roll-up-history",
        timedelta(hours=1),
        lambda context: (roll_up(context=context), roll_up_funnel(context=context)),
    )


def verify_tallies() -> None:
    """Compare, each night, the stored counts with the rows, and log each difference."""

    def work(_context: Context) -> None:
        for difference in verify_counts():
            log.error("tally differs: %s", difference)

    _run_job("verify-tallies", timedelta(days=1), work)


def send_digests() -> None:
    """Send, each Monday, the figures of the week to the staff who subscribed."""

    def work(context: Context) -> None:
        enqueued = enqueue_digests(context=context)
        if enqueued:
            log.info("digests: %s mails owed", enqueued)

    _run_job("send-digests", timedelta(days=7), work)


def fan_out_announcements() -> None:
    """Enqueue, each minute, the next mails of the announcements that are being sent."""

    def work(context: Context) -> None:
        enqueued = fan_out_all(context=context)
        if enqueued:
            log.info("announcements: %s mails owed", enqueued)

    _run_job("fan-out-announcements", timedelta(minutes=1), work)


def send_reminders() -> None:
    """Remind, each hour, people who have not confirmed, and signers and staff of deadlines that are near."""

    def work(context: Context) -> None:
        reminded = enqueue_confirmation_reminders(context=context)
        started = start_deadline_reminders(context=context)
        staff = enqueue_deadline_notices(context=context)
        if reminded or started or staff:
            log.info("reminders: %s to confirm, %s of a deadline begun, %s to staff", reminded, started, staff)

    _run_job("remind", timedelta(hours=1), work)


def start_handover(handover_id: int) -> None:
    """Enqueue the making of that list. If the queue is unreachable, the job that runs each minute makes the list."""
    try:
        if not isinstance(huey.storage, RedisStorage):
            huey.storage.initialize_schema()  # no worker may have run yet
        _queue_handover(handover_id)
    except CLIENT_ERRORS as error:
        log.warning("the queue took no job for the list %s: %s", handover_id, type(error).__name__)
    except Exception:  # any error of the queue's storage: the row of the list remains, and a later run makes it
        log.exception("the queue took no job for the list %s", handover_id)


def _make_handover(handover_id: int) -> None:
    with huey.app.app_context():
        app_runtime = runtime()
        make_handover(handover_id, clock=app_runtime.clock, context=app_runtime.context(SYSTEM))


def make_handovers() -> None:
    """Make, each minute, the lists that no worker is making: one was interrupted, or the queue was unreachable."""

    def work(context: Context) -> None:
        for handover_id in waiting_handovers(context.now):
            _make_handover(handover_id)

    _run_job("make-handovers", timedelta(minutes=1), work)


def process_bounces() -> None:
    """Read, each minute, the bounces in the Maildir of TOCSIN_BOUNCE_MAILDIR."""

    def work(context: Context) -> None:
        if context.settings.bounce_maildir is None:
            return
        outcomes = process_maildir(context.settings.bounce_maildir, context=context)
        if outcomes:
            log.info("bounces: %s", ", ".join(f"{number} {name}" for name, number in sorted(outcomes.items())))

    _run_job(_MINUTE_JOB, timedelta(minutes=1), work)


def purge_personal_data() -> None:
    """Delete, each hour, personal data whose retention has ended; stop early where the worker is stopped."""

    def work(context: Context) -> None:
        stop: threading.Event = huey.worker_stop
        counts = purge_expired(may_continue=lambda: not stop.is_set(), context=context)
        counts["months of the erasure journal"] = delete_expired_files(
            context.settings.erasure_journal, context=context
        )
        if counts.total():
            log.info("purged: %s", ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number))

    _run_job("purge-expired", timedelta(hours=1), work)


def examine_domains() -> None:
    """Examine, each minute, the mail domains from which signatures were confirmed."""

    def work(context: Context) -> None:
        for _ in range(_DOMAIN_BATCHES_A_RUN):
            if not watch_domains(context=context):
                break

    _run_job("look-at-domains", timedelta(minutes=1), work)


def rewrite_keys() -> None:
    """Rewrite, every ten minutes, the small table of row keys if some were erased."""

    def work(_context: Context) -> None:
        if rewrite():
            log.info("the keys of erased rows are gone from the database's files")

    _run_job("rewrite-keys", timedelta(minutes=10), work)


# The times of the jobs, in UTC.
for _job, _schedule in (
    (close_expired_appeals, crontab(minute="*/5")),
    (roll_up_history, crontab(minute="7")),
    (verify_tallies, crontab(hour="3", minute="17")),
    (send_digests, crontab(day_of_week="1", hour="6", minute="41")),
    (fan_out_announcements, crontab(minute="*")),
    (send_reminders, crontab(minute="11")),
    (make_handovers, crontab(minute="*")),
    (process_bounces, crontab(minute="*")),
    (purge_personal_data, crontab(minute="23")),
    (rewrite_keys, crontab(minute="*/10")),
    (examine_domains, crontab(minute="*")),
):
    huey.periodic_task(_schedule)(_job)
_queue_handover = huey.task()(_make_handover)
