"""The number of connections that one worker may use at once, adapted to the mail server's recent answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# If other mail was accepted within this time, a refusal concerns one mail only.
_RECENT_SECONDS = 60.0
# After a server has refused a connection, one more is tried at each such interval.
_INCREASE_SECONDS = 1.0


class ConnectionLimit:
    """The limit of connections: one until the server has accepted a message, then as many as it accepts."""

    def __init__(self, connections: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Allow up to `connections` at once."""
        self._connections = connections
        self._monotonic = monotonic
        self._sent_at = float("-inf")
        # When the server last refused a connection: how many it accepted then, and the time.
        self._accepted_connections, self._refused_at = connections, monotonic()

    def note_sent(self) -> None:
        """Note that the server has just accepted a message."""
        self._sent_at = self._monotonic()

    def current(self) -> int:
        """Return how many messages may be in transmission at once, not counting slow ones.

        Until the server has accepted a message it is one, so that a wrong password is not tried thirty times. After the
        server has refused a connection, it is the number that it accepted, and one more each second.
        """
        if not self._is_sending():
            return 1
        return min(
            self._connections,
            self._accepted_connections + int((self._monotonic() - self._refused_at) / _INCREASE_SECONDS),
        )

    def is_other_mail_accepted(self, attempt: DeliveryAttempt, began_at: float, busy_connections: int) -> bool:
        """Return whether the server accepts other mail although this attempt, begun at `began_at`, failed.

        `busy_connections` is the number of other connections in use. After a refusal, other mail counts as accepted if
        some was within the last minute. After a failure to connect, it counts as accepted if a message was since this
        attempt began, or if another connection is in use: the server then only refuses more connections, and the limit
        is lowered.
        """
        if attempt.outcome is not DeliveryOutcome.UNREACHABLE:
            return self._is_sending()
        self._accepted_connections, self._refused_at = max(1, busy_connections), self._monotonic()
        return busy_connections > 0 or self._sent_at >= began_at

    def _is_sending(self) -> bool:
        return self._monotonic() - self._sent_at < _RECENT_SECONDS
