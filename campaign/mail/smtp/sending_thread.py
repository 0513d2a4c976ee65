"""Threads that send one message after the other, each over a connection of its own.

A server may take ten minutes to answer the final dot (RFC 5321, 4.5.3.2.6); the dispatcher does not wait for it.
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

# A connection without work for so long is closed; servers do not like idle ones.
_IDLE_SECONDS = 10.0
_Job = TypeVar("_Job")


@dataclass(frozen=True, slots=True)
class OutgoingMail(Generic[_Job]):
    """A message ready to be sent, its return path, and the job that it belongs to."""

    job: _Job
    message: Message
    return_path: str


class SendingThread(Generic[_Job]):
    """A thread with one connection; the outcome of each message is put into `results`, and nothing is raised."""

    def __init__(
        self,
        connection: MailConnection,
        results: queue.Queue[tuple[SendingThread[_Job], _Job, DeliveryAttempt]],
    ) -> None:
        self._connection = connection
        self._results = results
        self._waiting: queue.Queue[OutgoingMail[_Job] | None] = queue.Queue()
        threading.Thread(target=self._work, name="sending", daemon=True).start()

    def send(self, mail: OutgoingMail[_Job]) -> None:
        """Send the next message. The caller hands over one at a time."""
        self._waiting.put(mail)

    def close(self) -> None:
        """End the thread after the message that it has."""
        self._waiting.put(None)

    def abort(self) -> None:
        """Break off the message under way."""
        self._connection.abort()

    def _work(self) -> None:
        with self._connection:
            is_idle = False
            while True:
                try:
                    mail = self._waiting.get(timeout=None if is_idle else _IDLE_SECONDS)
                except queue.Empty:
                    self._connection.close()
                    is_idle = True
                    continue
                if mail is None:
                    return
                is_idle = False
                self._results.put((self, mail.job, self._sent(mail)))

    def _sent(self, mail: OutgoingMail[_Job]) -> DeliveryAttempt:
        """Return the outcome of sending the message.

        Each message has an application context of its own, because receivers of the signal may use the database.
        """
        connection = self._connection
        try:
            with connection.app.app_context():
                connection.send(mail.message, mail.return_path)
        except DeliveryError as error:
            return error.attempt
        except Exception as error:  # a fault in this program: the message may have left
            log.exception("a message was broken off")
            return DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "worker", detail=type(error).__name__)
        return connection.attempt
