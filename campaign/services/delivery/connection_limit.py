"""How many connections one worker may use at once, by what the mail server did lately."""

from __future__ import annotations

import time
from collections.abc import Callable

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# While other mail goes out, a refusal is not about all.
_LATELY_SECONDS = 60.0
# A server that took no more connections is asked for one more after so long.
_MORE_SECONDS = 1.0


class ConnectionLimit:
    """The number of connections: one until the server has taken something, and no more than it takes."""

    def __init__(self, connections: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Allow up to `connections` at once."""
        self._connections = connections
        self._monotonic = monotonic
        self._sent_at = float("-inf")
        # How many the server took when it last refused one, and when that was.
        self._taken, self._refused_at = connections, monotonic()

    def sent(self) -> None:
        """Note that the server has just taken a message."""
        self._sent_at = self._monotonic()

    def connections(self) -> int:
        """Return how many messages may be under way, slow ones apart.

        Until the server has taken something it is one: a wrong password must not be tried thirty times. After it took
        no more connections it is as many as it took, and one more each second.
        """
        if not self._is_sending():
            return 1
        return min(self._connections, self._taken + int((self._monotonic() - self._refused_at) / _MORE_SECONDS))

    def do_others_pass(self, attempt: DeliveryAttempt, since: float, busy: int) -> bool:
        """Return whether other mail passes where this attempt, begun at `since`, did not; `busy` connections talk on.

        A refusal by policy concerns one mail while others were sent within the last minute. A server that is away is
        away for all, unless it has taken something since this attempt began, or still talks over another connection:
        then it takes no more connections, and is asked for fewer.
        """
        if attempt.outcome is not DeliveryOutcome.AWAY:
            return self._is_sending()
        self._taken, self._refused_at = max(1, busy), self._monotonic()
        return busy > 0 or self._sent_at >= since

    def _is_sending(self) -> bool:
        return self._monotonic() - self._sent_at < _LATELY_SECONDS
