"""Claims of a worker: of which domains, how many mails, and for how long."""

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
from campaign.services.signing.sign import SignUpRequest, sign
from tests.conftest import START, context

Queue = Callable[[str], None]


def domain(letter: str) -> bytes:
    """Return a domain's digest; domains take turns in alphabetical order."""
    return letter.encode() * 32


def letters(found: Iterable[ClaimedMail]) -> str:
    return "".join(one.domain[:1].decode() for one in found)


@pytest.fixture
def queue(app: Flask, appeal: AppealView) -> Queue:
    """Owe one mail to each letter's domain, in this order, and nothing else."""
    sign(
        SignUpRequest(appeal.id, "fr", "FR", "Jeanne", parse_address("jeanne@mail.example"), "fr", "en", 1, None),
        context=context(actor=SUPPORTER),
    )
    with transaction() as session:
        session.query(Mail).delete()

    def owe(to: str) -> None:
        with transaction() as session:
            sign_up_id = session.scalars(select(SignedUp.id)).one()
            for letter in to:
                owed = NewMail(MailKind.CONFIRMATION, None, domain(letter), "fr", "en", 1, sign_up_id=sign_up_id)
                session.execute(insert(Mail), mail_columns(owed, now=START, domain="act.example"))

    return owe


def take(room: int = 50, *, after: bytes = b"", now: datetime = START, most: Any = lambda _domain: 50) -> Claim:
    with transaction() as session:
        return claim(session, now, after=after, capacity=room, domain_limit=most)


def leases() -> list[datetime | None]:
    return list(db.session.scalars(select(Mail.lease_until).order_by(Mail.id)))


def test_an_empty_queue_gives_nothing_and_begins_again(queue: Queue) -> None:
    assert take(after=domain("x")) == Claim([], b"", is_whole_round=True, is_limited=False)


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_however_long_the_queue_only_its_first_mail_is_read(queue: Queue) -> None:
    """Holds too where the planner's statistics say that nothing is due, as they may after a while."""
    queue("a" * 1000)
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


def test_each_domain_gets_its_turn_before_any_gets_a_second(queue: Queue) -> None:
    queue("aaaaaabc")
    first = take(3)
    assert letters(first.mails) == "abc"
    second = take(3, after=first.last_domain)
    assert letters(second.mails) == "aaa"
    assert take(50).mails
    assert take(50).mails == []


def test_the_room_is_shared_and_never_overdrawn(queue: Queue) -> None:
    queue("aaaabbbbcccc")
    assert letters(take(7).mails) == "aaabbbc"
    assert letters(take(1).mails) == "a"


def test_one_domain_alone_may_have_all_the_room(queue: Queue) -> None:
    queue("aaaaaa")
    assert letters(take(4).mails) == "aaaa"


def test_the_next_claim_goes_on_behind_the_last_domain_that_was_asked(queue: Queue) -> None:
    queue("abcd")
    first = take(2)
    assert (letters(first.mails), first.last_domain) == ("ab", domain("b"))
    second = take(2, after=first.last_domain)
    assert (letters(second.mails), second.last_domain) == ("cd", domain("d"))


def test_it_goes_round_past_the_end(queue: Queue) -> None:
    queue("abcd")
    assert letters(take(3, after=domain("c")).mails) == "dab"


def test_a_domain_with_no_room_is_passed_over_and_said_to_be_left(queue: Queue) -> None:
    queue("aabbcc")
    allowed = {domain("a"): 0, domain("b"): 1, domain("c"): 50}
    found = take(most=allowed.__getitem__)
    assert letters(found.mails) == "bcc"
    assert found.is_limited is True
    assert take(most=lambda _domain: 1).is_limited is False


def test_what_is_not_yet_due_leaves_no_domain_limited(queue: Queue) -> None:
    queue("ab")
    with transaction() as session:
        session.execute(update(Mail).where(Mail.domain_digest == domain("a")).values(due_at=START + timedelta(hours=1)))
    found = take(most=lambda _domain: 0)
    assert (found.mails, found.is_limited, found.is_whole_round, found.last_domain) == ([], True, True, b"")
    assert letters(take().mails) == "b"
    assert letters(take(now=START + timedelta(hours=2)).mails) == "ab"


@pytest.mark.parametrize(("looked_at", "whole", "after"), [(3, False, b"a"), (4, False, b"b"), (5, True, b"")])
def test_a_round_is_whole_once_it_has_come_back_to_where_it_began(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, looked_at: int, whole: bool, after: bytes
) -> None:
    monkeypatch.setattr(claims, "_DOMAINS", looked_at)
    queue("abcd")
    # Nothing is claimed: the next claim goes on behind the domains that were read, or from the start.
    found = take(most=lambda _domain: 0, after=domain("b"))
    assert (found.is_whole_round, found.last_domain) == (whole, after * 32)


def test_not_all_domains_are_looked_at_in_one_claim_but_all_in_a_round(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_DOMAINS", 2)
    queue("abcde")
    after, seen = b"", ""
    for _ in range(3):
        found = take(after=after)
        seen, after = seen + letters(found.mails), found.last_domain
    assert sorted(seen) == list("abcde")
    assert seen[:4] == "abcd"


def test_what_is_taken_belongs_to_the_worker_until_its_lease_ends(queue: Queue) -> None:
    queue("ab")
    first = take()
    assert leases() == [START + BATCH_LEASE] * 2
    assert [one.fence for one in first.mails] == [1, 1]
    assert take(now=START + BATCH_LEASE).mails == []
    again = take(now=START + BATCH_LEASE + timedelta(seconds=1))
    assert [one.fence for one in again.mails] == [2, 2]


def test_renewing_keeps_ours_and_releasing_gives_it_to_whoever_comes_first(queue: Queue) -> None:
    queue("ab")
    ours, later = take().mails, START + timedelta(minutes=1)
    with transaction() as session:
        renew(session, ours[:1], later)
    assert leases() == [later + BATCH_LEASE, START + BATCH_LEASE]
    with transaction() as session:
        release(session, ours[1:])
    assert leases() == [later + BATCH_LEASE, None]
    assert take().mails == [ClaimedMail(ours[1].id, 2, domain("b"))]


def test_who_has_lost_a_mail_can_neither_renew_nor_release_it(queue: Queue) -> None:
    queue("a")
    lost, after_it = take().mails, START + BATCH_LEASE + timedelta(seconds=1)
    take(now=after_it)
    with transaction() as session:
        renew(session, lost, after_it + timedelta(hours=1))
        release(session, lost)
    assert leases() == [after_it + BATCH_LEASE]


def test_a_mail_that_was_begun_is_not_released(queue: Queue) -> None:
    queue("a")
    ours = take().mails
    with transaction() as session:
        session.execute(update(Mail).values(state="sending"))
    with transaction() as session:
        release(session, ours)
    assert leases() == [START + BATCH_LEASE]
