"""One worker's schedule of recipient domains: which are quick or slow, and how many mails each may get now.

An unknown domain gets one connection until it has proven to be quick. A slow domain gets one connection, and one more
for each message that hangs, because a message may hang for ten minutes. If all domains are slow, the cause is this
site's mail server. Then each domain gets a share of the connections, because one connection would take days.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from campaign.domain.outbox.mail_state import CLAIM_SIZE
from campaign.services.delivery.claim import ClaimedMail

# The connection of a message that takes longer does not count as busy, so that another one may be used instead.
SLOW_SECONDS = 2.0
# A message that takes longer gives its domain one more connection. Only the reply to the final dot may take so long.
HANGING_SECONDS = 35.0
_SLOW_PERIOD_SECONDS = 300.0
# After so many consecutive slow messages, to any domains, this site's mail server counts as slow.
_SERVER_SLOW_AFTER = 3
# A slow or unknown domain gets at most a quarter of the connections.
_SLOW_DIVISOR = 4
_MAX_REMEMBERED_DOMAINS = 10_000


class DomainScheduler:
    """The claimed mails of each domain whose sending has not begun, and the number of those being sent."""

    def __init__(
        self, connections: int, rate: int | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Schedule over `connections`; `rate` is the limit of messages a minute to one domain.

        With a rate, at most as many messages of a domain are claimed ahead as may be sent in a second.
        """
        self._connections = connections
        self._claim_ahead = max(1, min(CLAIM_SIZE, rate // 60)) if rate else CLAIM_SIZE
        self._monotonic = monotonic
        self._waiting: OrderedDict[bytes, deque[ClaimedMail]] = OrderedDict()
        self._sending: Counter[bytes] = Counter()
        # The time until which a domain counts as slow; 0 if it has proven to be quick. The oldest entries are dropped.
        self._slow_until: OrderedDict[bytes, float] = OrderedDict()
        self._throttled_until: dict[bytes, float] = {}
        self._hanging: Counter[bytes] = Counter()
        # The number of slow messages since the last quick one.
        self._consecutive_slow = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def ready_count(self) -> int:
        """Return how many mails may be sent now."""
        return sum(
            min(len(queue), max(0, self._connections_for(domain) - self._sending[domain]))
            for domain, queue in self._waiting.items()
            if not self._is_throttled(domain)
        )

    def waiting_mails(self) -> list[ClaimedMail]:
        """Return all claimed mails whose sending has not begun."""
        return [mail for queue in self._waiting.values() for mail in queue]

    def claim_limit(self, domain: bytes) -> int:
        """Return how many more mails of the domain may be claimed."""
        if self._is_throttled(domain):
            return 0
        connections = self._connections_for(domain)
        if connections > 1 or self._connections == 1:
            limit = self._claim_ahead
        else:
            limit = 1 if self._is_slow(domain) else min(4, self._claim_ahead)
        sending = self._sending[domain] if connections == 1 else 0
        return max(0, limit - len(self._waiting.get(domain, ())) - sending)

    def add(self, claimed: list[ClaimedMail]) -> None:
        """Add claimed mails after the others of their domains."""
        for mail in claimed:
            self._waiting.setdefault(mail.domain, deque()).append(mail)

    def take_next(self, limit: int) -> list[ClaimedMail]:
        """Remove and return up to `limit` mails to send now, from each domain in turn, up to the domain's limit."""
        chosen: list[ClaimedMail] = []
        chosen_by_domain: Counter[bytes] = Counter()
        skipped = 0
        while len(chosen) < limit and skipped < len(self._waiting):
            domain, queue = next(iter(self._waiting.items()))
            self._waiting.move_to_end(domain)
            used_connections = self._sending[domain] + chosen_by_domain[domain]
            if self._is_throttled(domain) or used_connections >= self._connections_for(domain):
                skipped += 1
                continue
            skipped = 0
            chosen_by_domain[domain] += 1
            chosen.append(queue.popleft())
            if not queue:
                del self._waiting[domain]
        return chosen

    def put_back(self, mail: ClaimedMail) -> None:
        """Put a mail that is not sent yet back to the front of its domain."""
        self._waiting.setdefault(mail.domain, deque()).appendleft(mail)

    def drop(self, domain: bytes | None = None) -> list[ClaimedMail]:
        """Remove the waiting mails, of one domain or of all, and return them to be released."""
        if domain is not None:
            return list(self._waiting.pop(domain, ()))
        dropped = self.waiting_mails()
        self._waiting.clear()
        return dropped

    def note_begun(self, domain: bytes) -> None:
        """Note that the sending of one more mail to the domain has begun."""
        self._sending[domain] += 1

    def note_hanging(self, domain: bytes) -> None:
        """Note that one of the domain's mails being sent hangs."""
        self._hanging[domain] += 1

    def note_ended(self, domain: bytes, seconds: float, *, was_hanging: bool = False) -> None:
        """Note that the sending of one of the domain's mails has ended after so many seconds."""
        self._hanging -= Counter({domain: int(was_hanging)})
        self._sending[domain] -= 1
        if self._sending[domain] <= 0:
            del self._sending[domain]
        if seconds < SLOW_SECONDS:
            self._consecutive_slow = 0
            self._remember(domain, 0.0)
        else:
            self._consecutive_slow += 1
            self.mark_slow(domain)

    def forget(self, domain: bytes) -> None:
        """Forget whether the domain is slow, because opening the connection took so long, not the domain's mail."""
        self._slow_until.pop(domain, None)

    def mark_slow(self, domain: bytes) -> None:
        """Treat the domain as slow for five minutes."""
        self._remember(domain, self._monotonic() + _SLOW_PERIOD_SECONDS)

    def throttle(self, domain: bytes, seconds: float) -> None:
        """Make the domain wait so many seconds for its next message."""
        self._throttled_until[domain] = self._monotonic() + seconds

    def _connections_for(self, domain: bytes) -> int:
        """Return how many connections the domain may use now."""
        until = self._slow_until.get(domain)
        if until is not None and until <= self._monotonic():
            return self._connections
        share = max(1, self._connections // _SLOW_DIVISOR)
        is_server_slow = until is not None and self._consecutive_slow >= _SERVER_SLOW_AFTER
        return share if is_server_slow else min(share, 1 + self._hanging[domain])

    def _is_slow(self, domain: bytes) -> bool:
        return self._slow_until.get(domain, 0.0) > self._monotonic()

    def _is_throttled(self, domain: bytes) -> bool:
        """Return whether the domain has to wait for its next message."""
        until = self._throttled_until.get(domain)
        if until is not None and until <= self._monotonic():
            del self._throttled_until[domain]
            return False
        return until is not None

    def _remember(self, domain: bytes, until: float) -> None:
        self._slow_until[domain] = until
        self._slow_until.move_to_end(domain)
        if len(self._slow_until) > _MAX_REMEMBERED_DOMAINS:
            self._slow_until.popitem(last=False)
