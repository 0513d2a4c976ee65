"""What one worker knows of the domains it sends to: which are quick, which are slow, and how much each may have now.

A domain nobody knows gets one connection until it has shown that it is quick. A slow one keeps one connection, and one
more for each message that hangs, for it may hang for ten minutes. Where everything is slow it is our own mail server,
and one message after the other would take days: then each domain has a part of the connections.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from campaign.domain.outbox.mail_state import BATCH
from campaign.services.delivery.claim import ClaimedMail

# A send that takes longer no longer counts as one of the busy connections: another connection takes its place.
SLOW_SECONDS = 2.0
# One that takes longer than any answer but that to the final dot no longer keeps its domain waiting.
HANGING_SECONDS = 35.0
_SLOW_FOR = 300.0
# After so many slow messages in a row, whatever their domains, the server is slow.
_ALL_SLOW_AFTER = 3
_PART = 4
_REMEMBERED = 10_000


class DomainScheduler:
    """Mails taken but not begun, by domain, and how many of each are under way."""

    def __init__(
        self, connections: int, rate: int | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`rate`: messages a minute to one domain; more than those of a second are not taken ahead."""
        self._connections = connections
        self._ahead = max(1, min(BATCH, rate // 60)) if rate else BATCH
        self._monotonic = monotonic
        self._waiting: OrderedDict[bytes, deque[ClaimedMail]] = OrderedDict()
        self._under_way: Counter[bytes] = Counter()
        # Until when a domain counts as slow; 0 where it has shown that it is quick. The oldest are forgotten.
        self._slow_until: OrderedDict[bytes, float] = OrderedDict()
        self._throttled_until: dict[bytes, float] = {}
        self._hanging: Counter[bytes] = Counter()
        # How many messages in a row were slow.
        self._slow_in_a_row = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def ready(self) -> int:
        """How many could begin now."""
        return sum(
            min(len(queue), max(0, self._connections_for(domain) - self._under_way[domain]))
            for domain, queue in self._waiting.items()
            if not self._is_throttled(domain)
        )

    def waiting(self) -> list[ClaimedMail]:
        """All that was taken and not begun."""
        return [one for queue in self._waiting.values() for one in queue]

    def room_for(self, domain: bytes) -> int:
        """How many more mails of that domain to take from the queue."""
        if self._is_throttled(domain):
            return 0
        connections = self._connections_for(domain)
        most = (
            self._ahead
            if connections > 1 or self._connections == 1
            else 1
            if self._is_slow(domain)
            else min(4, self._ahead)
        )
        return max(0, most - len(self._waiting.get(domain, ())) - (self._under_way[domain] if connections == 1 else 0))

    def add(self, taken: list[ClaimedMail]) -> None:
        """Puts what was claimed behind the others of its domain."""
        for one in taken:
            self._waiting.setdefault(one.domain, deque()).append(one)

    def next(self, most: int) -> list[ClaimedMail]:
        """Up to so many to begin now: one of each domain in turn, none over what its domain may have under way."""
        chosen: list[ClaimedMail] = []
        starting: Counter[bytes] = Counter()
        passed = 0
        while len(chosen) < most and passed < len(self._waiting):
            domain, queue = next(iter(self._waiting.items()))
            self._waiting.move_to_end(domain)
            if self._is_throttled(domain) or self._under_way[domain] + starting[domain] >= self._connections_for(
                domain
            ):
                passed += 1
                continue
            passed = 0
            starting[domain] += 1
            chosen.append(queue.popleft())
            if not queue:
                del self._waiting[domain]
        return chosen

    def put_back(self, one: ClaimedMail) -> None:
        """In front again: it could not be begun after all."""
        self._waiting.setdefault(one.domain, deque()).appendleft(one)

    def drop(self, domain: bytes | None = None) -> list[ClaimedMail]:
        """Forgets what waits, of one domain or of all, and returns it to be released."""
        if domain is not None:
            return list(self._waiting.pop(domain, ()))
        dropped = self.waiting()
        self._waiting.clear()
        return dropped

    def begun(self, domain: bytes) -> None:
        """One more is under way."""
        self._under_way[domain] += 1

    def hangs(self, domain: bytes) -> None:
        """Note that one of those under way hangs."""
        self._hanging[domain] += 1

    def ended(self, domain: bytes, seconds: float, *, was_hanging: bool = False) -> None:
        """One came back after so long."""
        self._hanging -= Counter({domain: int(was_hanging)})
        self._under_way[domain] -= 1
        if self._under_way[domain] <= 0:
            del self._under_way[domain]
        if seconds < SLOW_SECONDS:
            self._slow_in_a_row = 0
            self._remember(domain, 0.0)
        else:
            self._slow_in_a_row += 1
            self.slow(domain)

    def forget(self, domain: bytes) -> None:
        """It was the line that took so long, not the domain."""
        self._slow_until.pop(domain, None)

    def slow(self, domain: bytes) -> None:
        """Remembers it as slow for some minutes."""
        self._remember(domain, self._monotonic() + _SLOW_FOR)

    def throttle(self, domain: bytes, seconds: float) -> None:
        """Let the domain wait for so many seconds for its next message."""
        self._throttled_until[domain] = self._monotonic() + seconds

    def _connections_for(self, domain: bytes) -> int:
        until = self._slow_until.get(domain)
        if until is not None and until <= self._monotonic():
            return self._connections
        part = max(1, self._connections // _PART)
        is_server = until is not None and self._slow_in_a_row >= _ALL_SLOW_AFTER
        return part if is_server else min(part, 1 + self._hanging[domain])

    def _is_slow(self, domain: bytes) -> bool:
        return self._slow_until.get(domain, 0.0) > self._monotonic()

    def _is_throttled(self, domain: bytes) -> bool:
        until = self._throttled_until.get(domain)
        if until is not None and until <= self._monotonic():
            del self._throttled_until[domain]
            return False
        return until is not None

    def _remember(self, domain: bytes, until: float) -> None:
        self._slow_until[domain] = until
        self._slow_until.move_to_end(domain)
        if len(self._slow_until) > _REMEMBERED:
            self._slow_until.popitem(last=False)
