"""The number of connections that one worker may use at once, adapted to the mail server's recent answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# While other mail was accepted within this time, a refusal concerns one mail only.
_LATELY_SECONDS = 60.0
# After a server refused a connection, one more is tried each time this has passed.
_MORE_SECONDS = 1.0


class ConnectionLimit:
    """The limit of connections: one until the server has accepted a message, and then as many as it accepts."""

    def __init__(self, connections: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Allow up to `connections` at once."""
        self._connections = connections
        self._monotonic = monotonic
        self._sent_at = float("-inf")
        # The number of connections that the server accepted when it last refused one, and when that was.
        self._taken, self._refused_at = connections, monotonic()

    def sent(self) -> None:
        """Note that the server has just accepted a message."""
        self._sent_at = self._monotonic()

    def connections(self) -> int:
        """Return how many messages may be under way, not counting slow ones.

        Until the server has accepted a message it is one: a wrong password must not be tried thirty times. After the
        server has refused a connection, it is the number that it accepted, and one more each second.
        """
        if not self._is_sending():
            return 1
        return min(self._connections, self._taken + int((self._monotonic() - self._refused_at) / _MORE_SECONDS))

    def do_others_pass(self, attempt: DeliveryAttempt, since: float, busy: int) -> bool:
        """Return whether other mail passes although this attempt, begun at `since`, failed.

        `busy` is the number of other connections in use. A refusal by policy concerns one mail while others were sent
        within the last minute. A server that is away is away for all mail, unless it has accepted a message since this
        attempt began, or another connection is still in use: then it only accepts no more connections, and the limit is
        lowered.
        """
        if attempt.outcome is not DeliveryOutcome.AWAY:
            return self._is_sending()
        self._taken, self._refused_at = max(1, busy), self._monotonic()
        return busy > 0 or self._sent_at >= since

    def _is_sending(self) -> bool:
        return self._monotonic() - self._sent_at < _LATELY_SECONDS
