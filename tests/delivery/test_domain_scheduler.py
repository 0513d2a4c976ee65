"""The number of a domain's connections, by the speed of this domain and of all others."""

from __future__ import annotations

import pytest

from campaign.services.delivery.claim import ClaimedMail
from campaign.services.delivery.domain_scheduler import SLOW_SECONDS, DomainScheduler

QUICK, SLOW = 0.1, SLOW_SECONDS + 1
A, B = b"a" * 32, b"b" * 32


@pytest.fixture
def scheduler() -> DomainScheduler:
    """Return a scheduler with a hundred mails to each of two domains, 32 connections, and a clock that stands still."""
    scheduler = DomainScheduler(32, monotonic=lambda: 1000.0)
    scheduler.add([ClaimedMail(number, 1, domain) for domain in (A, B) for number in range(100)])
    return scheduler


def send_message(scheduler: DomainScheduler, domain: bytes, seconds: float) -> None:
    """Send one message, from its beginning to its end."""
    scheduler.note_begun(domain)
    scheduler.note_ended(domain, seconds)


def startable_mails(scheduler: DomainScheduler, domain: bytes) -> int:
    """Return the number of that domain's mails that could begin now."""
    return sum(1 for one in scheduler.take_next(200) if one.domain == domain)


def test_a_domain_has_one_connection_until_its_first_quick_message(scheduler: DomainScheduler) -> None:
    assert startable_mails(scheduler, A) == 1
    send_message(scheduler, A, QUICK)
    assert startable_mails(scheduler, A) == 32


def test_a_slow_domain_beside_a_quick_one_keeps_one_connection(scheduler: DomainScheduler) -> None:
    for _ in range(9):
        send_message(scheduler, A, SLOW)
        send_message(scheduler, B, QUICK)
    assert startable_mails(scheduler, A) == 1
    assert startable_mails(scheduler, B) == 32


def test_if_all_domains_are_slow_each_gets_a_share_of_the_connections(scheduler: DomainScheduler) -> None:
    for _ in range(2):
        send_message(scheduler, A, SLOW)
        assert startable_mails(scheduler, A) == 1
    send_message(scheduler, A, SLOW)
    assert startable_mails(scheduler, A) == 8
    assert startable_mails(scheduler, B) == 1, "an unknown domain may be quick"


def test_the_first_quick_message_ends_the_shares(scheduler: DomainScheduler) -> None:
    for _ in range(5):
        send_message(scheduler, A, SLOW)
    send_message(scheduler, B, QUICK)
    assert startable_mails(scheduler, A) == 1


def test_a_worker_with_one_connection_uses_one(scheduler: DomainScheduler) -> None:
    alone = DomainScheduler(1, monotonic=lambda: 1000.0)
    alone.add([ClaimedMail(number, 1, A) for number in range(10)])
    for _ in range(5):
        send_message(alone, A, SLOW)
    assert startable_mails(alone, A) == 1


def test_each_hanging_message_gives_its_domain_one_more_connection(scheduler: DomainScheduler) -> None:
    send_message(scheduler, B, QUICK)
    scheduler.note_begun(A)
    scheduler.mark_slow(A)
    assert startable_mails(scheduler, A) == 0
    scheduler.note_hanging(A)
    assert startable_mails(scheduler, A) == 1
    for _ in range(40):
        scheduler.note_begun(A)
        scheduler.note_hanging(A)
    assert startable_mails(scheduler, A) == 0, "at most its share of the connections"
    for _ in range(41):
        scheduler.note_ended(A, SLOW, was_hanging=True)
        send_message(scheduler, B, QUICK)
    assert startable_mails(scheduler, A) == 1
