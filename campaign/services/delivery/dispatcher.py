"""The dispatcher of one worker: it chooses the next mail and its connection, so that no domain waits for another.

The dispatcher's own thread does all work in the database, several mails a transaction; the sending threads only talk to
the server. Each worker remembers for itself which domains are slow or quick; the database has what all workers must
agree on (leases, the pause, the rate).
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
from campaign.domain.outbox.mail_state import BATCH, BATCH_LEASE, DeliveryAttempt, DeliveryOutcome, MailState
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
from campaign.services.delivery.deliver import DeliveryJob, begin, conclude, renew_sending, sweep
from campaign.services.delivery.domain_rate import may_send
from campaign.services.delivery.domain_scheduler import HANGING_SECONDS, SLOW_SECONDS, DomainScheduler
from campaign.services.delivery.queue_pause import is_global_failure, open_pause, pause_queue, resume_queue, take_probe
from campaign.services.delivery.reports import report_pause, report_resumed, report_unopened
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.signing.new_link import answer_link_requests

log = logging.getLogger(__name__)

# Each slow message adds a connection to those of the settings, up to this number.
MOST_CONNECTIONS = 64
_POLL_SECONDS = 1.0
_WAIT_SECONDS = 0.1
_TOGETHER_SECONDS = 0.003
_REPORT_SECONDS = 10.0
# A correction of an appeal is in every mail that is rendered this much later or more.
_CACHE_SECONDS = 1.0
# The time that mails under way have to end when the worker is told to stop.
_GRACE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class _UnderWay:
    job: DeliveryJob
    thread: SendingThread[DeliveryJob]
    since: float


@dataclass(frozen=True, slots=True)
class _Result:
    """The attempt of a job, and whether other mail passed at the same time."""

    job: DeliveryJob
    attempt: DeliveryAttempt
    others_pass: bool = True


def deliver_due(*, connections: int | None = None, context: Context) -> Counter[str]:
    """Deliver all mails that are due now; return how many went into which state.

    Tries one mail even where the queue is paused, to learn whether the pause is still needed.
    """
    while answer_link_requests(context=context):
        pass
    dispatcher = Dispatcher(context.settings, context.keys, connections, is_impatient=True)
    try:
        while dispatcher.turn():
            pass
    finally:
        dispatcher.stop()
    return dispatcher.outcomes


class Dispatcher:
    """The loop that claims mails, begins them, hands them to sending threads and stores the outcomes.

    Call `turn` again and again, and `stop` at the end.
    """

    def __init__(
        self, settings: Settings, keys: Keys, connections: int | None = None, *, is_impatient: bool = False
    ) -> None:
        """Dispatch over `connections`, or as many as the settings say.

        `is_impatient`: a paused queue is probed at once, and only once.
        """
        self.outcomes: Counter[str] = Counter()
        self._settings, self._keys = settings, keys
        self._addressees = RefusedRecipients(settings)
        self._return_paths = ReturnPaths(settings.secret_key, settings.bounce_domain)
        self._connections = connections or settings.mail_connections
        self._may_probe_at_once = is_impatient
        self._scheduler = DomainScheduler(self._connections, settings.mail_rate)
        self._idle: list[SendingThread[DeliveryJob]] = []
        self._under_way: dict[int, _UnderWay] = {}
        self._slow: set[int] = set()
        self._hanging: set[int] = set()
        # Not SimpleQueue: in Python 3.11 and 3.12 it waits for ever where the timeout has passed before it looks.
        self._results: queue.Queue[tuple[SendingThread[DeliveryJob], DeliveryJob, DeliveryAttempt]] = queue.Queue()
        self._unwritten: list[_Result] = []
        self._to_release: list[ClaimedMail] = []
        self._cache, self._cache_until = RenderCache(), time.monotonic() + _CACHE_SECONDS
        self._claimed: Claim | None = None
        self._claim_at = self._renew_at = self._reported_at = 0.0
        self._limit = ConnectionLimit(self._connections)
        self._alerts: list[Callable[[], None]] = []

    def run(self, stop: threading.Event, turning: Callable[[], object]) -> None:
        """Dispatch until `stop` is set, with a call of `turning` before each turn.

        Raises DBAPIError where the database is away; nothing is lost, call it again.
        """
        while not stop.is_set():
            turning()
            if not self.turn():
                stop.wait(_POLL_SECONDS)
            self._report()

    def turn(self) -> bool:
        """Store the outcomes that came back, and send the next mails; return False where there is nothing to do."""
        self._watch()
        room = self._free_connections()
        ready = self._scheduler.ready() if room else 0
        wants_more = room > ready and time.monotonic() >= self._claim_at
        self._collect(0.0 if ready or wants_more or self._unwritten else _WAIT_SECONDS)
        if self._unwritten or ready or wants_more:
            jobs = self._transact(self._free_connections(), wants_more=wants_more)
            for alert in self._alerts:
                alert()
            self._alerts.clear()
            for job in jobs:
                self._send(job)
        claimed = self._claimed
        is_done = claimed is None or not (claimed.taken or claimed.is_limited or not claimed.is_whole_round)
        return bool(self._under_way or self._unwritten or len(self._scheduler)) or not is_done

    def stop(self) -> None:
        """Release the mails that were not begun, and abort those that take too long."""
        self._to_release += self._scheduler.drop()
        end = time.monotonic() + _GRACE_SECONDS
        while self._under_way and time.monotonic() < end:
            self._collect(_WAIT_SECONDS)
        for sending in self._under_way.values():
            sending.thread.abort()
        end = time.monotonic() + _GRACE_SECONDS / 3
        while self._under_way and time.monotonic() < end:
            self._collect(_WAIT_SECONDS)
        if self._unwritten or self._to_release:
            self._transact(0, wants_more=False)
        for thread in self._idle:
            thread.close()
        self._report(at_once=True)

    def _transact(self, room: int, *, wants_more: bool) -> list[DeliveryJob]:
        """Run one transaction: store the outcomes, claim more mails, begin the next ones. What fails is done again.

        Returns the mails to hand over. Raises DBAPIError.
        """
        alerts: list[Callable[[], None]] = []
        waiting = self._scheduler.waiting()
        try:
            jobs, states = self._write(room, alerts, wants_more=wants_more)
        except DBAPIError:
            # The claim was rolled back, and the mails that were to begin are in no list any more. All that waited are
            # released, so that no mail has to wait until its lease ends.
            self._scheduler.drop()
            self._to_release += waiting
            self._claimed, self._claim_at = None, 0.0
            raise
        db.session.expunge_all()  # statements have changed rows that the session has read
        self._unwritten.clear()
        self._to_release.clear()
        self._alerts += alerts
        self.outcomes.update(state.value for state in states)
        return jobs

    def _write(
        self, room: int, alerts: list[Callable[[], None]], *, wants_more: bool
    ) -> tuple[list[DeliveryJob], list[MailState]]:
        """Return the mails to hand over and the new states of others, after the work in one transaction."""
        jobs: list[DeliveryJob] = []
        with transaction() as session:
            context = Context(SYSTEM, database_now(session), self._keys, self._settings)
            now = context.now
            pause = open_pause(session)
            judged = [(result.job, self._judge(session, result, context, pause, alerts)) for result in self._unwritten]
            states = conclude(session, judged, context=context)
            release(session, self._to_release)
            if alerts:
                pause, wants_more = open_pause(session), True
            if pause is not None:
                self._claimed = None
                release(session, self._scheduler.drop())
                if room and not self._under_way and take_probe(session, pause, now, at_once=self._may_probe_at_once):
                    jobs = self._begin_probe(session, context, states, alerts)
                self._may_probe_at_once = False
                self._claim_at = time.monotonic() + _POLL_SECONDS
            else:
                self._renew(session, now)
                if wants_more:
                    self._claim(session, context)
                jobs = self._begin(session, room, context, states, alerts)
        return jobs, states

    def _judge(
        self,
        session: Session,
        result: _Result,
        context: Context,
        pause: QueuePause | None,
        alerts: list[Callable[[], None]],
    ) -> DeliveryAttempt:
        """Pause or resume the queue where the attempt demands it; return the attempt as it counts for the mail."""
        job, attempt = result.job, result.attempt
        if is_global_failure(attempt, others_pass=result.others_pass and not job.is_probe):
            if pause_queue(session, attempt, context.now, is_probe=job.is_probe):
                alerts.append(partial(report_pause, attempt, context=context))
            attempt = replace(attempt, outcome=DeliveryOutcome.HELD)
        elif attempt.outcome is DeliveryOutcome.HELD:
            attempt = replace(attempt, outcome=DeliveryOutcome.RETRY)
        elif pause is not None and (
            attempt.outcome is DeliveryOutcome.SENT or (job.is_probe and attempt.code is not None)
        ):
            began_at = resume_queue(session, context.now)
            if began_at is not None:
                alerts.append(partial(report_resumed, began_at))
        return attempt

    def _claim(self, session: Session, context: Context) -> None:
        sweep(session, context=context)
        after = self._claimed.after if self._claimed else os.urandom(32)
        room = BATCH - self._scheduler.ready()
        self._claimed = claim(session, context.now, after=after, room=room, most=self._scheduler.room_for)
        self._scheduler.add(self._claimed.taken)
        if not self._claimed.taken and self._claimed.is_whole_round:
            # No mail to claim until an outcome comes back, or a mail is enqueued or becomes due.
            self._claim_at = time.monotonic() + (_WAIT_SECONDS if self._claimed.is_limited else _POLL_SECONDS)

    def _begin(
        self,
        session: Session,
        room: int,
        context: Context,
        states: list[MailState],
        alerts: list[Callable[[], None]],
    ) -> list[DeliveryJob]:
        chosen = self._scheduler.next(room)
        rate = self._settings.mail_rate
        if rate:
            allowed = []
            for claimed in sorted(chosen, key=lambda claimed: claimed.domain):
                until = may_send(session, claimed.domain, rate, context.now)
                if until is None:
                    allowed.append(claimed)
                else:
                    self._scheduler.put_back(claimed)
                    self._scheduler.throttle(claimed.domain, (until - context.now).total_seconds())
            chosen = allowed
        if not chosen:
            return []
        return self._begin_chosen(session, chosen, context, states, alerts)

    def _begin_chosen(
        self,
        session: Session,
        chosen: list[ClaimedMail],
        context: Context,
        states: list[MailState],
        alerts: list[Callable[[], None]],
        *,
        is_probe: bool = False,
    ) -> list[DeliveryJob]:
        begun = begin(session, chosen, addressees=self._addressees, is_probe=is_probe, context=context)
        states += begun.ended
        if begun.has_unopened:
            alerts.append(partial(report_unopened, context=context))
        return begun.jobs

    def _begin_probe(
        self, session: Session, context: Context, states: list[MailState], alerts: list[Callable[[], None]]
    ) -> list[DeliveryJob]:
        """Begin one mail, to see whether the server accepts mail again; try the next where that one is not sent."""
        while True:
            claimed = claim(session, context.now, after=os.urandom(32), room=1, most=lambda _domain: 1).taken
            if not claimed:
                return []
            jobs = self._begin_chosen(session, claimed, context, states, alerts, is_probe=True)
            if jobs:
                return jobs

    def _renew(self, session: Session, now: datetime) -> None:
        """Extend the leases of waiting mails and of mails under way, long before they run out."""
        if now.timestamp() >= self._renew_at:
            renew(session, self._scheduler.waiting(), now)
            renew_sending(session, [sending.job for sending in self._under_way.values()], now)
            self._renew_at = (now + BATCH_LEASE / 4).timestamp()

    def _send(self, job: DeliveryJob) -> None:
        """Render the mail outside any transaction and hand it to a sending thread. Raises DBAPIError."""
        if time.monotonic() >= self._cache_until:
            self._cache, self._cache_until = RenderCache(), time.monotonic() + _CACHE_SECONDS
        try:
            message = render(job.mail, self._settings, self._keys.tokens, self._cache)
        except DBAPIError as error:
            diagnosis = diagnose(error)
            self._unwritten.append(
                _Result(job, DeliveryAttempt(DeliveryOutcome.RETRY, "render", detail=diagnosis.words))
            )
            if not diagnosis.is_transient:
                raise
            return
        except Exception as error:  # one message that cannot be rendered must not stop the others
            log.exception("mail %s cannot be rendered", job.standing.id)
            attempt = DeliveryAttempt(DeliveryOutcome.DEAD, "render", detail=f"{type(error).__name__}: {error}"[:200])
            self._unwritten.append(_Result(job, attempt))
            return
        finally:
            db.session.rollback()  # rendering reads; no transaction stays open while the server is slow
        thread = self._idle.pop() if self._idle else SendingThread(mail.connect(), self._results)
        self._scheduler.begun(job.standing.domain)
        self._under_way[job.standing.id] = _UnderWay(job, thread, time.monotonic())
        return_path = self._return_paths.make(job.standing.id, job.mail.message_id)
        thread.send(OutgoingMail(job, message, return_path))

    def _collect(self, wait: float) -> None:
        """Collect the outcomes from the sending threads; wait up to `wait` seconds for the first."""
        results: list[tuple[SendingThread[DeliveryJob], DeliveryJob, DeliveryAttempt]] = []
        with suppress(queue.Empty):
            results.append(self._results.get(timeout=wait) if wait else self._results.get_nowait())
            # Outcomes that come back together are stored together, because each transaction waits once for the disk.
            # At most half of the connections, though, so that others are busy meanwhile.
            while len(results) < self._connections // 2:
                results.append(self._results.get(timeout=_TOGETHER_SECONDS))
        if any(attempt.outcome is DeliveryOutcome.SENT for _, _, attempt in results):
            self._limit.sent()
        for thread, job, attempt in results:
            sending = self._under_way.pop(job.standing.id)
            self._slow.discard(job.standing.id)
            was_hanging = job.standing.id in self._hanging
            self._hanging.discard(job.standing.id)
            self._scheduler.ended(job.standing.domain, time.monotonic() - sending.since, was_hanging=was_hanging)
            if attempt.outcome is DeliveryOutcome.AWAY:
                self._scheduler.forget(job.standing.domain)
            busy = len(self._under_way) - len(self._slow)
            self._unwritten.append(_Result(job, attempt, self._limit.do_others_pass(attempt, sending.since, busy)))
            self._give_back(thread, is_open=attempt.outcome is not DeliveryOutcome.AWAY)
        if results and self._claimed is not None and self._claimed.is_limited:
            self._claim_at = 0.0

    def _give_back(self, thread: SendingThread[DeliveryJob], *, is_open: bool) -> None:
        """Make the thread available for the next message, or end it.

        The thread used last is used next, so that one connection is used as long as one is enough; threads whose
        connection is closed come last.
        """
        if len(self._idle) >= self._connections:
            thread.close()
        elif is_open:
            self._idle.append(thread)
        else:
            self._idle.insert(0, thread)

    def _watch(self) -> None:
        """Mark slow and hanging mails: they stay on their connections, which no longer count as busy."""
        for mail_id, sending in self._under_way.items():
            if mail_id not in self._slow and time.monotonic() - sending.since >= SLOW_SECONDS:
                self._slow.add(mail_id)
                self._scheduler.slow(sending.job.standing.domain)
                self._to_release += self._scheduler.drop(sending.job.standing.domain)
            if mail_id not in self._hanging and time.monotonic() - sending.since >= HANGING_SECONDS:
                self._hanging.add(mail_id)
                self._scheduler.hangs(sending.job.standing.domain)

    def _free_connections(self) -> int:
        under_way = len(self._under_way)
        return max(0, min(self._limit.connections() - under_way + len(self._slow), MOST_CONNECTIONS - under_way))

    def _report(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self.outcomes and (at_once or now - self._reported_at >= _REPORT_SECONDS):
            log.info("mail: %s", ", ".join(f"{number} {name}" for name, number in sorted(self.outcomes.items())))
            self._reported_at = now
            if not at_once:
                self.outcomes.clear()
