"""A worker's claims: their domains, number of mails and leases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text, update

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import BATCH_LEASE, MailState
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.models import Mail
from campaign.models import SignUp as SignedUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.delivery import claim as claims
from campaign.services.delivery.claim import Claim, ClaimedMail, claim, release, renew
from campaign.services.delivery.due_mail import NEXT_DOMAINS
from campaign.services.outbox.enqueue import NewMail, mail_columns
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import START, context

QueueMails = Callable[[str], None]


def digest_of(letter: str) -> bytes:
    """Return a domain's digest; domains take turns in alphabetical order."""
    return letter.encode() * 32


def domain_letters(found: Iterable[ClaimedMail]) -> str:
    return "".join(one.domain[:1].decode() for one in found)


@pytest.fixture
def queue_mails(app: Flask, appeal: AppealView) -> QueueMails:
    """Empty the outbox; return a function that queues one mail to each letter's domain, in this order."""
    sign(
        SignUpRequest(appeal.id, "fr", "FR", "Jeanne", parse_address("jeanne@mail.example"), "fr", "en", 1, None),
        context=context(actor=SUPPORTER),
    )
    with transaction() as session:
        session.query(Mail).delete()

    def queue_for(to: str) -> None:
        with transaction() as session:
            sign_up_id = session.scalars(select(SignedUp.id)).one()
            for letter in to:
                owed = NewMail(MailKind.CONFIRMATION, None, digest_of(letter), "fr", "en", 1, sign_up_id=sign_up_id)
                session.execute(insert(Mail), mail_columns(owed, now=START, domain="act.example"))

    return queue_for


def claim_mails(room: int = 50, *, after: bytes = b"", now: datetime = START, most: Any = lambda _domain: 50) -> Claim:
    with transaction() as session:
        return claim(session, now, after=after, capacity=room, domain_limit=most)


def leases() -> list[datetime | None]:
    return list(db.session.scalars(select(Mail.lease_until).order_by(Mail.id)))


def test_an_empty_queue_gives_no_mail_and_ends_the_round(queue_mails: QueueMails) -> None:
    assert claim_mails(after=digest_of("x")) == Claim([], b"", is_whole_round=True, is_limited=False)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_claim_reads_only_the_first_mail_of_a_long_queue(queue_mails: QueueMails) -> None:
    """Test also with outdated statistics, by which the planner expects no due mail."""
    queue_mails("a" * 1000)
    with transaction() as session:
        session.connection().execute(update(Mail).values(state=MailState.SENT.value))
    with transaction() as session:
        session.connection().execute(text("ANALYZE mail"))
        session.connection().execute(update(Mail).values(state=MailState.QUEUED.value))
    with transaction() as session:
        connection = session.connection()
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {NEXT_DOMAINS.compile(connection)}"
        plan = connection.exec_driver_sql(explained, {"after": b"", "domains": 64, "now": START}).scalar_one()
    read = re.findall(r"'Actual Rows': ([\d.]+)", str(plan))
    assert len(read) > 5
    assert max(map(float, read)) <= 2, plan


def test_each_domain_gets_one_turn_before_any_gets_a_second(queue_mails: QueueMails) -> None:
    queue_mails("aaaaaabc")
    first = claim_mails(3)
    assert domain_letters(first.mails) == "abc"
    second = claim_mails(3, after=first.last_domain)
    assert domain_letters(second.mails) == "aaa"
    assert claim_mails(50).mails
    assert claim_mails(50).mails == []


def test_domains_share_the_room_of_a_claim(queue_mails: QueueMails) -> None:
    queue_mails("aaaabbbbcccc")
    assert domain_letters(claim_mails(7).mails) == "aaabbbc"
    assert domain_letters(claim_mails(1).mails) == "a"


def test_a_single_domain_gets_all_the_room(queue_mails: QueueMails) -> None:
    queue_mails("aaaaaa")
    assert domain_letters(claim_mails(4).mails) == "aaaa"


def test_the_next_claim_continues_after_the_last_domain(queue_mails: QueueMails) -> None:
    queue_mails("abcd")
    first = claim_mails(2)
    assert (domain_letters(first.mails), first.last_domain) == ("ab", digest_of("b"))
    second = claim_mails(2, after=first.last_domain)
    assert (domain_letters(second.mails), second.last_domain) == ("cd", digest_of("d"))


def test_a_claim_continues_at_the_start_after_the_end(queue_mails: QueueMails) -> None:
    queue_mails("abcd")
    assert domain_letters(claim_mails(3, after=digest_of("c")).mails) == "dab"


def test_a_domain_without_room_is_skipped_and_reported_as_limited(queue_mails: QueueMails) -> None:
    queue_mails("aabbcc")
    allowed = {digest_of("a"): 0, digest_of("b"): 1, digest_of("c"): 50}
    found = claim_mails(most=allowed.__getitem__)
    assert domain_letters(found.mails) == "bcc"
    assert found.is_limited is True
    assert claim_mails(most=lambda _domain: 1).is_limited is False


def test_mail_that_is_not_due_makes_no_domain_limited(queue_mails: QueueMails) -> None:
    queue_mails("ab")
    with transaction() as session:
        session.execute(
            update(Mail).where(Mail.domain_digest == digest_of("a")).values(due_at=START + timedelta(hours=1))
        )
    found = claim_mails(most=lambda _domain: 0)
    assert (found.mails, found.is_limited, found.is_whole_round, found.last_domain) == ([], True, True, b"")
    assert domain_letters(claim_mails().mails) == "b"
    assert domain_letters(claim_mails(now=START + timedelta(hours=2)).mails) == "ab"


@pytest.mark.parametrize(("looked_at", "whole", "after"), [(3, False, b"a"), (4, False, b"b"), (5, True, b"")])
def test_a_round_is_complete_once_it_reaches_its_start_again(
    queue_mails: QueueMails, monkeypatch: pytest.MonkeyPatch, looked_at: int, whole: bool, after: bytes
) -> None:
    monkeypatch.setattr(claims, "_DOMAINS_A_CLAIM", looked_at)
    queue_mails("abcd")
    # Nothing is claimed, so the next claim continues after the domains that were read, or from the start.
    found = claim_mails(most=lambda _domain: 0, after=digest_of("b"))
    assert (found.is_whole_round, found.last_domain) == (whole, after * 32)


def test_one_claim_reads_some_domains_and_a_round_reads_all(
    queue_mails: QueueMails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_DOMAINS_A_CLAIM", 2)
    queue_mails("abcde")
    after, seen = b"", ""
    for _ in range(3):
        found = claim_mails(after=after)
        seen, after = seen + domain_letters(found.mails), found.last_domain
    assert sorted(seen) == list("abcde")
    assert seen[:4] == "abcd"


def test_a_claimed_mail_belongs_to_the_worker_until_its_lease_ends(queue_mails: QueueMails) -> None:
    queue_mails("ab")
    first = claim_mails()
    assert leases() == [START + BATCH_LEASE] * 2
    assert [mail.fence for mail in first.mails] == [1, 1]
    assert claim_mails(now=START + BATCH_LEASE).mails == []
    again = claim_mails(now=START + BATCH_LEASE + timedelta(seconds=1))
    assert [mail.fence for mail in again.mails] == [2, 2]


def test_a_renewed_claim_stays_and_a_released_mail_can_be_claimed(queue_mails: QueueMails) -> None:
    queue_mails("ab")
    ours, later = claim_mails().mails, START + timedelta(minutes=1)
    with transaction() as session:
        renew(session, ours[:1], later)
    assert leases() == [later + BATCH_LEASE, START + BATCH_LEASE]
    with transaction() as session:
        release(session, ours[1:])
    assert leases() == [later + BATCH_LEASE, None]
    assert claim_mails().mails == [ClaimedMail(ours[1].id, 2, digest_of("b"))]


def test_a_lost_claim_can_be_neither_renewed_nor_released(queue_mails: QueueMails) -> None:
    queue_mails("a")
    lost, after_it = claim_mails().mails, START + BATCH_LEASE + timedelta(seconds=1)
    claim_mails(now=after_it)
    with transaction() as session:
        renew(session, lost, after_it + timedelta(hours=1))
        release(session, lost)
    assert leases() == [after_it + BATCH_LEASE]


def test_a_mail_that_was_begun_is_not_released(queue_mails: QueueMails) -> None:
    queue_mails("a")
    ours = claim_mails().mails
    with transaction() as session:
        session.execute(update(Mail).values(state="sending"))
    with transaction() as session:
        release(session, ours)
    assert leases() == [START + BATCH_LEASE]
