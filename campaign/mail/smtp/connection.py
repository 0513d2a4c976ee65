"""Lanes: threads that hand one message after the other to a server, each over a connection of its own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.mail.smtp.transport import Transport

log = logging.getLogger(__name__)

# Without work for so long, the connection is closed; servers do not like idle ones.
_IDLE_SECONDS = 10.0
_Job = TypeVar("_Job")


@dataclass(frozen=True, slots=True)
class OutgoingMail(Generic[_Job]):
    """A message ready to go, and the job that it belongs to."""

    job: _Job
    sender: str
    recipient: str
    content: bytes


class MailConnection(Generic[_Job]):
    """One thread; what becomes of each parcel comes out of `results`, and nothing is ever raised."""

    def __init__(
        self,
        open_transport: Callable[[], Transport],
        results: queue.Queue[tuple[MailConnection[_Job], _Job, DeliveryAttempt]],
    ) -> None:
        self._transport = open_transport()
        self._results = results
        self._parcels: queue.Queue[OutgoingMail[_Job] | None] = queue.Queue()
        threading.Thread(target=self._work, name="lane", daemon=True).start()

    def send(self, parcel: OutgoingMail[_Job]) -> None:
        """Hands over the next parcel; one at a time."""
        self._parcels.put(parcel)

    def close(self) -> None:
        """Ends the thread after the parcel it has."""
        self._parcels.put(None)

    def abort(self) -> None:
        """Breaks off the parcel under way."""
        self._transport.abort()

    def _work(self) -> None:
        is_idle = False
        while True:
            try:
                parcel = self._parcels.get(timeout=None if is_idle else _IDLE_SECONDS)
            except queue.Empty:
                self._transport.close()
                is_idle = True
                continue
            if parcel is None:
                self._transport.close()
                return
            is_idle = False
            try:
                attempt = self._transport.send(parcel.sender, parcel.recipient, parcel.content)
            except Exception as error:  # a fault of ours: nobody knows how far the message came
                log.exception("a lane failed")
                attempt = DeliveryAttempt(DeliveryOutcome.AMBIGUOUS, "lane", detail=type(error).__name__)
            self._results.put((self, parcel.job, attempt))
