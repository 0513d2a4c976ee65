"""The dispatcher of one worker, which assigns due mails to connections so that no domain delays another.

Its own thread does all work in the database, for several mails in one transaction; the sending threads only communicate
with the server. Each worker remembers by itself which domains are slow. Leases, the pause and the rate, which all
workers share, are in the database.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaign.config import Settings
from campaign.domain.delivery.return_path import ReturnPaths
from campaign.domain.outbox.mail_state import BATCH_LEASE, CLAIM_SIZE, DeliveryAttempt, DeliveryOutcome, MailState
from campaign.domain.staff.actor import SYSTEM
from campaign.mail.extension import mail
from campaign.mail.smtp.sending_thread import OutgoingMail, SendingThread
from campaign.models import QueuePause
from campaign.platform import db
from campaign.platform.context import Context, Keys
from campaign.platform.database.errors import diagnose
from campaign.platform.database.transaction import transaction
from campaign.services.delivery.claim import Claim, ClaimedMail, claim, database_now, release, renew
from campaign.services.delivery.compose import RenderCache, render
from campaign.services.delivery.connection_limit import ConnectionLimit
from campaign.services.delivery.deliver import DeliveryJob, begin_sending, recover_stale, renew_sending, store_outcomes
from campaign.services.delivery.domain_rate import reserve_send
from campaign.services.delivery.domain_scheduler import HANGING_SECONDS, SLOW_SECONDS, DomainScheduler
from campaign.services.delivery.queue_pause import (
    claim_probe,
    current_pause,
    is_global_failure,
    pause_queue,
    resume_queue,
)
from campaign.services.delivery.reports import report_pause, report_resumed, report_undecryptable
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.signing.new_link import answer_link_requests

log = logging.getLogger(__name__)

# Each slow message adds a connection to the configured ones, up to this number.
MOST_CONNECTIONS = 64
_POLL_SECONDS = 1.0
_WAIT_SECONDS = 0.1
_GROUPING_SECONDS = 0.003
_LOG_SECONDS = 10.0
# The time after which a correction of an appeal is in all mails rendered.
_CACHE_SECONDS = 1.0
# The time for mails being sent to end when the worker is told to stop.
_SHUTDOWN_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class _SendingMail:
    """A mail that a thread is sending, since a moment on the monotonic clock."""

    job: DeliveryJob
    thread: SendingThread[DeliveryJob]
    began_at: float


@dataclass(frozen=True, slots=True)
class _Result:
    """The attempt of a job, and whether the server accepted other mail at the same time."""

    job: DeliveryJob
    attempt: DeliveryAttempt
    is_other_mail_accepted: bool = True


def deliver_due(*, connections: int | None = None, context: Context) -> Counter[str]:
    """Deliver all mails that are due now; return how many went into which state.

    Where the queue is paused, sends one mail as a probe.
    """
    while answer_link_requests(context=context):
        pass
    dispatcher = Dispatcher(context.settings, context.keys, connections, probe_at_once=True)
    try:
        while dispatcher.run_round():
            pass
    finally:
        dispatcher.stop()
    return dispatcher.state_counts


class Dispatcher:
    """The loop that claims mails, hands them to sending threads and stores the outcomes.

    Call `run`, or `run_round` repeatedly, and then `stop`.
    """

    def __init__(
        self, settings: Settings, keys: Keys, connections: int | None = None, *, probe_at_once: bool = False
    ) -> None:
        """Create a dispatcher that uses up to `connections`, by default the number in the settings.

        With `probe_at_once`, a paused queue is probed at once, and only once.
        """
        self.state_counts: Counter[str] = Counter()
        self._settings, self._keys = settings, keys
        self._target_mailboxes = TargetMailboxes(settings)
        self._return_paths = ReturnPaths(settings.secret_key, settings.bounce_domain)
        self._connections = connections or settings.mail_connections
        self._probe_at_once = probe_at_once
        self._scheduler = DomainScheduler(self._connections, settings.mail_rate)
        self._idle_threads: list[SendingThread[DeliveryJob]] = []
        self._sending: dict[int, _SendingMail] = {}
        self._slow_ids: set[int] = set()
        self._hanging_ids: set[int] = set()
        # Not SimpleQueue, which in Python 3.11 and 3.12 waits for ever if the time-out passes before its first look.
        self._results: queue.Queue[tuple[SendingThread[DeliveryJob], DeliveryJob, DeliveryAttempt]] = queue.Queue()
        self._unsaved_results: list[_Result] = []
        self._mails_to_release: list[ClaimedMail] = []
        self._cache, self._cache_until = RenderCache(), time.monotonic() + _CACHE_SECONDS
        self._last_claim: Claim | None = None
        self._next_claim_at = self._next_renewal_at = self._logged_at = 0.0
        self._connection_limit = ConnectionLimit(self._connections)
        self._alerts: list[Callable[[], None]] = []

    def run(self, stop: threading.Event, heartbeat: Callable[[], object]) -> None:
        """Dispatch until `stop` is set, calling `heartbeat` before each round.

        Raises DBAPIError where the database is unreachable. Nothing is lost then; call it again.
        """
        while not stop.is_set():
            heartbeat()
            if not self.run_round():
                stop.wait(_POLL_SECONDS)
            self._log_state_counts()

    def run_round(self) -> bool:
        """Store the outcomes that arrived and send the next mails; return False where nothing is left to do."""
        self._mark_slow_mails()
        capacity = self._free_connections()
        ready_count = self._scheduler.ready_count() if capacity else 0
        wants_more = capacity > ready_count and time.monotonic() >= self._next_claim_at
        self._collect_results(0.0 if ready_count or wants_more or self._unsaved_results else _WAIT_SECONDS)
        if self._unsaved_results or ready_count or wants_more:
            jobs = self._run_transaction(self._free_connections(), wants_more=wants_more)
            for alert in self._alerts:
                alert()
            self._alerts.clear()
            for job in jobs:
                self._send(job)
        last_claim = self._last_claim
        has_more = last_claim is not None and (
            bool(last_claim.mails) or last_claim.is_limited or not last_claim.is_whole_round
        )
        return bool(self._sending or self._unsaved_results or len(self._scheduler)) or has_more

    def stop(self) -> None:
        """Release the mails whose sending has not begun, and abort those whose sending takes too long."""
        self._mails_to_release += self._scheduler.drop()
        end = time.monotonic() + _SHUTDOWN_SECONDS
        while self._sending and time.monotonic() < end:
            self._collect_results(_WAIT_SECONDS)
        for sending in self._sending.values():
            sending.thread.abort()
        end = time.monotonic() + _SHUTDOWN_SECONDS / 3
        while self._sending and time.monotonic() < end:
            self._collect_results(_WAIT_SECONDS)
        if self._unsaved_results or self._mails_to_release:
            self._run_transaction(0, wants_more=False)
        for thread in self._idle_threads:
            thread.close()
        self._log_state_counts(at_once=True)

    def _run_transaction(self, capacity: int, *, wants_more: bool) -> list[DeliveryJob]:
        """Store the outcomes, claim more mails and begin the next ones in one transaction; return the mails to send.

        Raises DBAPIError; then the outcomes are stored by a later call.
        """
        alerts: list[Callable[[], None]] = []
        waiting_mails = self._scheduler.waiting_mails()
        try:
            jobs, states = self._update_database(capacity, alerts, wants_more=wants_more)
        except DBAPIError:
            # The claim was rolled back, and the mails to be begun were removed from the schedule. All mails that waited
            # are released, so that none has to wait until its lease ends.
            self._scheduler.drop()
            self._mails_to_release += waiting_mails
            self._last_claim, self._next_claim_at = None, 0.0
            raise
        db.session.expunge_all()  # statements have changed rows that the session has loaded
        self._unsaved_results.clear()
        self._mails_to_release.clear()
        self._alerts += alerts
        self.state_counts.update(state.value for state in states)
        return jobs

    def _update_database(
        self, capacity: int, alerts: list[Callable[[], None]], *, wants_more: bool
    ) -> tuple[list[DeliveryJob], list[MailState]]:
        """Do the work of one transaction; return the mails to send, and the new states of other mails."""
        jobs: list[DeliveryJob] = []
        with transaction() as session:
            context = Context(SYSTEM, database_now(session), self._keys, self._settings)
            now = context.now
            pause = current_pause(session)
            attempts = [
                (result.job, self._apply_to_pause(session, result, context, pause, alerts))
                for result in self._unsaved_results
            ]
            states = store_outcomes(session, attempts, context=context)
            release(session, self._mails_to_release)
            if alerts:
                pause, wants_more = current_pause(session), True
            if pause is not None:
                self._last_claim = None
                release(session, self._scheduler.drop())
                if capacity and not self._sending and claim_probe(session, pause, now, at_once=self._probe_at_once):
                    jobs = self._begin_probe(session, context, states, alerts)
                self._probe_at_once = False
                self._next_claim_at = time.monotonic() + _POLL_SECONDS
            else:
                self._renew_leases(session, now)
                if wants_more:
                    self._claim_more(session, context)
                jobs = self._begin_next(session, capacity, context, states, alerts)
        return jobs, states

    def _apply_to_pause(
        self,
        session: Session,
        result: _Result,
        context: Context,
        pause: QueuePause | None,
        alerts: list[Callable[[], None]],
    ) -> DeliveryAttempt:
        """Pause or resume the queue if the attempt requires it; return the attempt as it counts for the mail."""
        job, attempt = result.job, result.attempt
        if is_global_failure(attempt, is_other_mail_accepted=result.is_other_mail_accepted and not job.is_probe):
            if pause_queue(session, attempt, context.now, is_probe=job.is_probe):
                alerts.append(partial(report_pause, attempt, context=context))
            attempt = replace(attempt, outcome=DeliveryOutcome.SENDER_REFUSED)
        elif attempt.outcome is DeliveryOutcome.SENDER_REFUSED:
            attempt = replace(attempt, outcome=DeliveryOutcome.RETRY)
        elif pause is not None and (
            attempt.outcome is DeliveryOutcome.SENT or (job.is_probe and attempt.code is not None)
        ):
            began_at = resume_queue(session, context.now)
            if began_at is not None:
                alerts.append(partial(report_resumed, began_at))
        return attempt

    def _claim_more(self, session: Session, context: Context) -> None:
        """Claim more mails, after those of workers that stopped were recovered."""
        recover_stale(session, context=context)
        after = self._last_claim.last_domain if self._last_claim else os.urandom(32)
        capacity = CLAIM_SIZE - self._scheduler.ready_count()
        self._last_claim = claim(
            session, context.now, after=after, capacity=capacity, domain_limit=self._scheduler.claim_limit
        )
        self._scheduler.add(self._last_claim.mails)
        if not self._last_claim.mails and self._last_claim.is_whole_round:
            # There is no mail to claim until an outcome arrives, or a mail is enqueued or becomes due.
            self._next_claim_at = time.monotonic() + (_WAIT_SECONDS if self._last_claim.is_limited else _POLL_SECONDS)

    def _begin_next(
        self,
        session: Session,
        capacity: int,
        context: Context,
        states: list[MailState],
        alerts: list[Callable[[], None]],
    ) -> list[DeliveryJob]:
        """Begin the next mails, up to `capacity`, as the rates of their domains allow; return those to send."""
        next_mails = self._scheduler.take_next(capacity)
        rate = self._settings.mail_rate
        if rate:
            allowed = []
            for claimed in sorted(next_mails, key=lambda claimed: claimed.domain):
                next_at = reserve_send(session, claimed.domain, rate, context.now)
                if next_at is None:
                    allowed.append(claimed)
                else:
                    self._scheduler.put_back(claimed)
                    self._scheduler.throttle(claimed.domain, (next_at - context.now).total_seconds())
            next_mails = allowed
        if not next_mails:
            return []
        return self._begin_chosen(session, next_mails, context, states, alerts)

    def _begin_chosen(
        self,
        session: Session,
        next_mails: list[ClaimedMail],
        context: Context,
        states: list[MailState],
        alerts: list[Callable[[], None]],
        *,
        is_probe: bool = False,
    ) -> list[DeliveryJob]:
        """Begin these mails; return those to send, and add the states of the others to `states`."""
        batch = begin_sending(
            session, next_mails, target_mailboxes=self._target_mailboxes, is_probe=is_probe, context=context
        )
        states += batch.ended_states
        if batch.has_undecryptable:
            alerts.append(partial(report_undecryptable, context=context))
        return batch.jobs

    def _begin_probe(
        self, session: Session, context: Context, states: list[MailState], alerts: list[Callable[[], None]]
    ) -> list[DeliveryJob]:
        """Begin one mail to test whether the server accepts mail again; return it, or nothing if there is none."""
        while True:
            claimed = claim(
                session, context.now, after=os.urandom(32), capacity=1, domain_limit=lambda _domain: 1
            ).mails
            if not claimed:
                return []
            jobs = self._begin_chosen(session, claimed, context, states, alerts, is_probe=True)
            if jobs:
                return jobs

    def _renew_leases(self, session: Session, now: datetime) -> None:
        """Extend the leases of waiting mails and of mails being sent, long before they end."""
        if now.timestamp() >= self._next_renewal_at:
            renew(session, self._scheduler.waiting_mails(), now)
            renew_sending(session, [sending.job for sending in self._sending.values()], now)
            self._next_renewal_at = (now + BATCH_LEASE / 4).timestamp()

    def _send(self, job: DeliveryJob) -> None:
        """Render the mail outside any transaction and hand it to a sending thread. Raises DBAPIError."""
        if time.monotonic() >= self._cache_until:
            self._cache, self._cache_until = RenderCache(), time.monotonic() + _CACHE_SECONDS
        try:
            message = render(job.mail, self._settings, self._keys.tokens, self._cache)
        except DBAPIError as error:
            diagnosis = diagnose(error)
            self._unsaved_results.append(
                _Result(job, DeliveryAttempt(DeliveryOutcome.RETRY, "render", detail=diagnosis.words))
            )
            if not diagnosis.is_transient:
                raise
            return
        except Exception as error:  # one message that cannot be rendered must not stop the others
            log.exception("mail %s cannot be rendered", job.fenced.id)
            attempt = DeliveryAttempt(DeliveryOutcome.DEAD, "render", detail=f"{type(error).__name__}: {error}"[:200])
            self._unsaved_results.append(_Result(job, attempt))
            return
        finally:
            db.session.rollback()  # rendering reads rows; no transaction stays open while the server is slow
        thread = self._idle_threads.pop() if self._idle_threads else SendingThread(mail.connect(), self._results)
        self._scheduler.note_begun(job.fenced.domain)
        self._sending[job.fenced.id] = _SendingMail(job, thread, time.monotonic())
        return_path = self._return_paths.make(job.fenced.id, job.mail.message_id)
        thread.send(OutgoingMail(job, message, return_path))

    def _collect_results(self, wait: float) -> None:
        """Collect the outcomes from the sending threads; wait up to `wait` seconds for the first."""
        results: list[tuple[SendingThread[DeliveryJob], DeliveryJob, DeliveryAttempt]] = []
        with suppress(queue.Empty):
            results.append(self._results.get(timeout=wait) if wait else self._results.get_nowait())
            # Outcomes that arrive together are stored together, because each transaction waits once for the disk.
            while len(results) < self._connections:
                results.append(self._results.get(timeout=_GROUPING_SECONDS))
        if any(attempt.outcome is DeliveryOutcome.SENT for _, _, attempt in results):
            self._connection_limit.note_sent()
        for thread, job, attempt in results:
            sending = self._sending.pop(job.fenced.id)
            self._slow_ids.discard(job.fenced.id)
            was_hanging = job.fenced.id in self._hanging_ids
            self._hanging_ids.discard(job.fenced.id)
            self._scheduler.note_ended(job.fenced.domain, time.monotonic() - sending.began_at, was_hanging=was_hanging)
            if attempt.outcome is DeliveryOutcome.UNREACHABLE:
                self._scheduler.forget(job.fenced.domain)
            busy = len(self._sending) - len(self._slow_ids)
            self._unsaved_results.append(
                _Result(job, attempt, self._connection_limit.is_other_mail_accepted(attempt, sending.began_at, busy))
            )
            self._release_thread(thread, is_open=attempt.outcome is not DeliveryOutcome.UNREACHABLE)
        if results and self._last_claim is not None and self._last_claim.is_limited:
            self._next_claim_at = 0.0

    def _release_thread(self, thread: SendingThread[DeliveryJob], *, is_open: bool) -> None:
        """Make the thread available for the next message, or end it if enough threads are idle.

        The thread used last is used next, so that one connection is used as long as one is enough. Threads whose
        connection is closed are used last.
        """
        if len(self._idle_threads) >= self._connections:
            thread.close()
        elif is_open:
            self._idle_threads.append(thread)
        else:
            self._idle_threads.insert(0, thread)

    def _mark_slow_mails(self) -> None:
        """Mark slow and hanging mails. They stay on their connections, which no longer count as busy."""
        for mail_id, sending in self._sending.items():
            if mail_id not in self._slow_ids and time.monotonic() - sending.began_at >= SLOW_SECONDS:
                self._slow_ids.add(mail_id)
                self._scheduler.mark_slow(sending.job.fenced.domain)
                self._mails_to_release += self._scheduler.drop(sending.job.fenced.domain)
            if mail_id not in self._hanging_ids and time.monotonic() - sending.began_at >= HANGING_SECONDS:
                self._hanging_ids.add(mail_id)
                self._scheduler.note_hanging(sending.job.fenced.domain)

    def _free_connections(self) -> int:
        """Return how many more mails may be sent at once."""
        sending_count = len(self._sending)
        return max(
            0,
            min(
                self._connection_limit.current() - sending_count + len(self._slow_ids), MOST_CONNECTIONS - sending_count
            ),
        )

    def _log_state_counts(self, *, at_once: bool = False) -> None:
        """Log the counts every ten seconds, and reset them; with `at_once`, log them now and leave them."""
        now = time.monotonic()
        if self.state_counts and (at_once or now - self._logged_at >= _LOG_SECONDS):
            log.info("mail: %s", ", ".join(f"{number} {name}" for name, number in sorted(self.state_counts.items())))
            self._logged_at = now
            if not at_once:
                self.state_counts.clear()
