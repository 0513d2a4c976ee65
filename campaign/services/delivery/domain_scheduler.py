"""One worker's schedule of the domains that it sends to: which are quick or slow, and how many mails each may get now.

An unknown domain gets one connection until it has proven to be quick. A slow domain has one connection, and one more
for each message that hangs, because a message may hang for ten minutes. Where everything is slow, the cause is the own
mail server, and sending one message after the other would take days: then each domain gets a part of the connections.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from campaign.domain.outbox.mail_state import BATCH
from campaign.services.delivery.claim import ClaimedMail

# A message that takes longer no longer counts as one of the busy connections: another connection is used instead.
SLOW_SECONDS = 2.0
# A message that takes longer no longer makes its domain wait; only the answer to the final dot may take so long.
HANGING_SECONDS = 35.0
_SLOW_FOR = 300.0
# After so many slow messages in a row, to any domains, the own server counts as slow.
_ALL_SLOW_AFTER = 3
# A slow or unknown domain gets at most a quarter of the connections.
_PART = 4
_REMEMBERED = 10_000


class DomainScheduler:
    """The claimed mails whose sending has not begun, by domain, and the number of each that is under way."""

    def __init__(
        self, connections: int, rate: int | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Schedule over `connections`; `rate` is the limit of messages a minute to one domain.

        With a rate, no more messages are claimed ahead than may be sent in a second.
        """
        self._connections = connections
        self._ahead = max(1, min(BATCH, rate // 60)) if rate else BATCH
        self._monotonic = monotonic
        self._waiting: OrderedDict[bytes, deque[ClaimedMail]] = OrderedDict()
        self._under_way: Counter[bytes] = Counter()
        # The time until which a domain counts as slow; 0 where it has proven to be quick. The oldest are forgotten.
        self._slow_until: OrderedDict[bytes, float] = OrderedDict()
        self._throttled_until: dict[bytes, float] = {}
        self._hanging: Counter[bytes] = Counter()
        # The number of messages in a row that were slow.
        self._slow_in_a_row = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def ready(self) -> int:
        """Return how many mails could begin now."""
        return sum(
            min(len(queue), max(0, self._connections_for(domain) - self._under_way[domain]))
            for domain, queue in self._waiting.items()
            if not self._is_throttled(domain)
        )

    def waiting(self) -> list[ClaimedMail]:
        """Return all claimed mails whose sending has not begun."""
        return [mail for queue in self._waiting.values() for mail in queue]

    def room_for(self, domain: bytes) -> int:
        """Return how many more mails of that domain to claim."""
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

    def add(self, claimed: list[ClaimedMail]) -> None:
        """Add claimed mails behind the others of their domains."""
        for mail in claimed:
            self._waiting.setdefault(mail.domain, deque()).append(mail)

    def next(self, most: int) -> list[ClaimedMail]:
        """Take and return up to `most` mails to begin now: one of each domain in turn, up to each domain's limit."""
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

    def put_back(self, mail: ClaimedMail) -> None:
        """Put a mail that could not be begun back to the front of its domain."""
        self._waiting.setdefault(mail.domain, deque()).appendleft(mail)

    def drop(self, domain: bytes | None = None) -> list[ClaimedMail]:
        """Remove the waiting mails, of one domain or of all, and return them to be released."""
        if domain is not None:
            return list(self._waiting.pop(domain, ()))
        dropped = self.waiting()
        self._waiting.clear()
        return dropped

    def begun(self, domain: bytes) -> None:
        """Note that one more mail to the domain is under way."""
        self._under_way[domain] += 1

    def hangs(self, domain: bytes) -> None:
        """Note that one of the domain's mails under way hangs."""
        self._hanging[domain] += 1

    def ended(self, domain: bytes, seconds: float, *, was_hanging: bool = False) -> None:
        """Note that one of the domain's mails has ended after so many seconds."""
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
        """Forget whether the domain is slow: the connection took so long, not the domain."""
        self._slow_until.pop(domain, None)

    def slow(self, domain: bytes) -> None:
        """Treat the domain as slow for five minutes."""
        self._remember(domain, self._monotonic() + _SLOW_FOR)

    def throttle(self, domain: bytes, seconds: float) -> None:
        """Make the domain wait so many seconds for its next message."""
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
