"""Threads that send one message after the other, each over its one connection.

A server may take ten minutes to reply to the final dot (RFC 5321, 4.5.3.2.6). Only the thread waits, so that the
dispatcher can send other messages meanwhile.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask_mail import Message

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.connection import DeliveryError, MailConnection

log = logging.getLogger(__name__)

# An idle connection is closed after this time, because most servers would close it soon after.
_MAX_IDLE_SECONDS = 10.0
_Job = TypeVar("_Job")


@dataclass(frozen=True, slots=True)
class OutgoingMail(Generic[_Job]):
    """A message to be sent, its return path, and the job that it belongs to."""

    job: _Job
    message: Message
    return_path: str


class SendingThread(Generic[_Job]):
    """A thread with one connection. It puts the outcome of each message into `results`, and raises nothing."""

    def __init__(
        self,
        connection: MailConnection,
        results: queue.Queue[tuple[SendingThread[_Job], _Job, DeliveryAttempt]],
    ) -> None:
        self._connection = connection
        self._results = results
        self._outgoing: queue.Queue[OutgoingMail[_Job] | None] = queue.Queue()
        threading.Thread(target=self._run, name="sending", daemon=True).start()

    def send(self, mail: OutgoingMail[_Job]) -> None:
        """Pass the message to the thread, and return at once. Call it again only after the outcome is in `results`."""
        self._outgoing.put(mail)

    def close(self) -> None:
        """End the thread, after the outcome of the message that it is sending. Returns at once."""
        self._outgoing.put(None)

    def abort(self) -> None:
        """Abort the message that is being sent."""
        self._connection.abort()

    def _run(self) -> None:
        """Send messages until `close` is called. Close the connection when it is idle for _MAX_IDLE_SECONDS."""
        with self._connection:
            is_idle = False
            while True:
                try:
                    mail = self._outgoing.get(timeout=None if is_idle else _MAX_IDLE_SECONDS)
                except queue.Empty:
                    self._connection.close()
                    is_idle = True
                    continue
                if mail is None:
                    return
                is_idle = False
                self._results.put((self, mail.job, self._deliver(mail)))

    def _deliver(self, mail: OutgoingMail[_Job]) -> DeliveryAttempt:
        """Send the message and return the outcome.

        Each message gets its own application context, because receivers of the signal may use the database.
        """
        connection = self._connection
        try:
            with connection.app.app_context():
                connection.send(mail.message, mail.return_path)
        except DeliveryError as error:
            return error.attempt
        except Exception as error:  # an error of this program: the message may have been sent
            log.exception("sending a message failed")
            return DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "worker", detail=type(error).__name__)
        return connection.attempt
