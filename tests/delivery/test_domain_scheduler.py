"""The number of connections of a domain, by its own speed and that of all others."""

from __future__ import annotations

import pytest

from campaign.services.delivery.claim import ClaimedMail
from campaign.services.delivery.domain_scheduler import SLOW_SECONDS, DomainScheduler

QUICK, SLOW = 0.1, SLOW_SECONDS + 1
A, B = b"a" * 32, b"b" * 32


@pytest.fixture
def traffic() -> DomainScheduler:
    """Return a scheduler with a hundred mails to each of two domains, 32 connections, and a clock that stands still."""
    traffic = DomainScheduler(32, monotonic=lambda: 1000.0)
    traffic.add([ClaimedMail(number, 1, domain) for domain in (A, B) for number in range(100)])
    return traffic


def send(traffic: DomainScheduler, domain: bytes, seconds: float) -> None:
    """Send one message, from its beginning to its end."""
    traffic.note_begun(domain)
    traffic.note_ended(domain, seconds)


def ready(traffic: DomainScheduler, domain: bytes) -> int:
    """Return the number of that domain's mails that could begin now."""
    return sum(1 for one in traffic.take_next(200) if one.domain == domain)


def test_a_domain_has_one_connection_until_it_was_quick(traffic: DomainScheduler) -> None:
    assert ready(traffic, A) == 1
    send(traffic, A, QUICK)
    assert ready(traffic, A) == 32


def test_a_slow_domain_beside_a_quick_one_keeps_one_connection(traffic: DomainScheduler) -> None:
    for _ in range(9):
        send(traffic, A, SLOW)
        send(traffic, B, QUICK)
    assert ready(traffic, A) == 1
    assert ready(traffic, B) == 32


def test_where_everything_is_slow_each_has_a_part_of_the_connections(traffic: DomainScheduler) -> None:
    for _ in range(2):
        send(traffic, A, SLOW)
        assert ready(traffic, A) == 1
    send(traffic, A, SLOW)
    assert ready(traffic, A) == 8
    assert ready(traffic, B) == 1, "a domain that nobody knows may yet be quick"


def test_the_first_quick_message_takes_that_back(traffic: DomainScheduler) -> None:
    for _ in range(5):
        send(traffic, A, SLOW)
    send(traffic, B, QUICK)
    assert ready(traffic, A) == 1


def test_a_worker_of_one_connection_has_one(traffic: DomainScheduler) -> None:
    alone = DomainScheduler(1, monotonic=lambda: 1000.0)
    alone.add([ClaimedMail(number, 1, A) for number in range(10)])
    for _ in range(5):
        send(alone, A, SLOW)
    assert ready(alone, A) == 1


def test_each_message_that_hangs_leaves_its_domain_one_connection_more(traffic: DomainScheduler) -> None:
    send(traffic, B, QUICK)
    traffic.note_begun(A)
    traffic.mark_slow(A)
    assert ready(traffic, A) == 0
    traffic.note_hanging(A)
    assert ready(traffic, A) == 1
    for _ in range(40):
        traffic.note_begun(A)
        traffic.note_hanging(A)
    assert ready(traffic, A) == 0, "a part of the connections at most"
    for _ in range(41):
        traffic.note_ended(A, SLOW, was_hanging=True)
        send(traffic, B, QUICK)
    assert ready(traffic, A) == 1
