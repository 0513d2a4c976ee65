"""Mail servers that refuse, break off, crawl and lie: what is owed arrives, or says why not."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from campaign.models import ClockOffset, Mail, SignUp, Suppression
from campaign.platform import db
from tests.attack import IS_ATTACK, Figure
from tests.deploy.processes import flask
from tests.faults.fault_site import Site
from tests.faults.smtp_script import DROP, SILENCE, Received, Say, Script, Server

pytestmark = pytest.mark.slow


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


class Away(Script):
    """A server that refuses for now, at the phase and with the code given, until the test ends it."""

    def __init__(self, phase: str, code: int) -> None:
        self.phase, self.code, self.is_over = phase, code, False

    def _now(self, phase: str, otherwise: Say) -> Say:
        if phase != self.phase or self.is_over:
            return otherwise
        return Say(f"{self.code} 4.3.2 not now", hang_up=self.code == 421)

    def banner(self, number: int) -> Say:
        return self._now("banner", super().banner(number))

    def mail(self, sender: str) -> Say:
        return self._now("mail", super().mail(sender))

    def rcpt(self, recipient: str) -> Say:
        return self._now("rcpt", super().rcpt(recipient))

    def dot(self, recipient: str, content: bytes) -> Say:
        return self._now("dot", super().dot(recipient, content))


@pytest.mark.parametrize(("phase", "code"), [("rcpt", 451), ("dot", 451), ("mail", 421), ("banner", 421)])
def test_after_five_minutes_of_refusals_for_now_all_is_delivered(site: Site, phase: str, code: int) -> None:
    script = site.server.script = Away(phase, code)
    site.sign(*(f"one{number}@d{number % 7}.example" for number in range(60)))

    def moved() -> int:
        with site.app.app_context():
            return int(db.session.scalar(select(func.coalesce(func.sum(ClockOffset.seconds), 0))) or 0)

    with site.workers(2):
        site.run_until(lambda: moved() >= 300, step=15, pause=0.4)
        script.is_over = True
        site.run_until(site.is_settled, step=15, pause=0.4)
    assert site.states() == {"sent": 60}
    taken = [one for one in site.server.received if one.was_taken]
    assert Counter(one.recipient for one in taken) == {f"one{number}@d{number % 7}.example": 1 for number in range(60)}
    assert max(site.server.attempts.values()) <= 6
    with site.app.app_context():
        assert max(db.session.scalars(select(Mail.attempts))) <= 6


class Closing(Script):
    """Takes so many mails, and then no connection any more until the test lets it."""

    def __init__(self, most: int) -> None:
        self.most, self.is_over = most, False

    def _is_closed(self) -> bool:
        return self.most <= 0 and not self.is_over

    def banner(self, number: int) -> Say:
        return Say("421 4.3.2 closed", hang_up=True) if self._is_closed() else super().banner(number)

    def mail(self, sender: str) -> Say:
        return DROP if self._is_closed() else super().mail(sender)

    def dot(self, recipient: str, content: bytes) -> Say:
        self.most -= 1
        return super().dot(recipient, content)


def test_a_server_that_takes_no_more_connections_is_left_alone_at_once(site: Site) -> None:
    script = site.server.script = Closing(100)
    site.sign(*(f"one{number}@d{number % 40}.example" for number in range(600)))
    with site.workers():
        site.run_until(lambda: "the mail queue is held" in (site.folder / "log").read_text())
        time.sleep(1)
        before = site.server.connections
        # Of those under way when it closed, each connection may find it out for itself.
        assert before <= 3 * 32
        time.sleep(4)
        # One probe after five seconds, one after another ten.
        assert site.server.connections - before <= 2
        script.is_over = True
        site.run_until(site.is_settled, step=15, pause=0.4)
    assert site.states() == {"sent": 600}


class Narrow(Script):
    """Takes so many connections at once, and refuses each further one."""

    def __init__(self, most: int, server: Server) -> None:
        self.most, self.server, self.refused = most, server, 0

    def banner(self, number: int) -> Say:
        if len(self.server._open) <= self.most:
            return super().banner(number)
        self.refused += 1
        return Say("421 4.7.0 too many connections", hang_up=True)


def test_a_server_that_takes_few_connections_is_sent_all_over_these(site: Site) -> None:
    script = site.server.script = Narrow(4, site.server)
    site.sign(*(f"one{number}@d{number % 40}.example" for number in range(600)))
    with site.workers():
        site.run_until(site.is_settled, seconds=60)
    assert site.states() == {"sent": 600}
    assert "the mail queue is held" not in (site.folder / "log").read_text()
    assert script.refused <= 100


class NoSuchUser(Script):
    """One in ten mailboxes does not exist; the others' owners are only out of room, or blocked by policy."""

    def rcpt(self, recipient: str) -> Say:
        if recipient.startswith("gone"):
            return Say("550 5.1.1 no such user here")
        return Say("552 5.2.2 full") if recipient.startswith("full") else super().rcpt(recipient)


def test_a_mailbox_that_does_not_exist_is_tried_once_and_never_written_to_again(site: Site) -> None:
    site.server.script = NoSuchUser()
    site.sign(*(f"{'gone' if number % 10 == 0 else 'here'}{number}@mail.example" for number in range(100)))
    site.sign("full@mail.example")
    with site.workers():
        site.run_until(site.is_settled)
        assert site.states() == {"sent": 90, "dead": 11}
        site.sign("gone0@mail.example", "full@mail.example", slug="other")
        site.run_until(site.is_settled)
    # What answers a form that its mailbox is not to get ends as if it had left.
    assert site.states() == {"sent": 91, "dead": 12}
    assert {number for who, number in site.server.attempts.items() if who.startswith("gone")} == {1}
    assert site.server.attempts["full@mail.example"] == 2
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Suppression)) == 10


class DropAfterDot(Script):
    def dot(self, recipient: str, content: bytes) -> Say:
        return DROP


def test_what_is_dropped_behind_the_final_dot_goes_out_three_times_as_the_same_message(site: Site) -> None:
    site.server.script = DropAfterDot()
    site.sign(*(f"one{number}@d{number % 5}.example" for number in range(20)))
    with site.workers(2):
        site.run_until(site.is_settled, step=30)
    assert site.states() == {"unknown": 20}
    copies = site.server.copies()
    assert len(copies) == 20
    assert all(len(same) == 3 and len({one.content for one in same}) == 1 for same in copies.values())
    assert len({one.sender for one in site.server.received}) == 20


class Crawling(Script):
    """Some connections get no banner at all; some domains answer one byte a second, or only after minutes."""

    def banner(self, number: int) -> Say:
        return SILENCE if number % 4 == 2 else super().banner(number)

    def rcpt(self, recipient: str) -> Say:
        if domain_of(recipient) == "bytes.example":
            return Say("250 2.1.5 fine", byte_pause=1.0)
        return SILENCE if domain_of(recipient).startswith("silent") else super().rcpt(recipient)

    def dot(self, recipient: str, content: bytes) -> Say:
        return Say("250 ok", pause=90) if domain_of(recipient) == "tarpit.example" else super().dot(recipient, content)


def test_slow_domains_do_not_hold_up_the_others(site: Site) -> None:
    site.server.script = Crawling()
    slow = ["bytes.example", "tarpit.example", *(f"silent{number}.example" for number in range(12))]
    site.sign(*(f"one{number}@{domain}" for number in range(20) for domain in slow))
    signed = {f"one{number}@quick{number % 20}.example": 0.0 for number in range(200)}
    begun_at = time.monotonic()
    with site.workers():
        for email in signed:
            site.sign(email)
            signed[email] = time.time()
        site.run_until(lambda: len(quick(site)) == len(signed), seconds=120)
        tries = Counter(domain_of(who) for who in site.server.attempts.elements() if domain_of(who) in slow)
    delays = sorted(one.at - signed[one.recipient] for one in quick(site).values())
    assert delays[int(len(delays) * 0.95)] < 60
    # A slow domain has one connection, or a quarter of the 32 where for a moment all seemed slow: not one for each
    # mail. What hangs makes room after 30 s.
    assert max(tries.values()) <= 8 * (1 + (time.monotonic() - begun_at) // 30)


def quick(site: Site) -> dict[str, Received]:
    return {one.recipient: one for one in site.server.received if "@quick" in one.recipient}


def test_what_cannot_be_rendered_is_dead_with_its_reason_and_stops_nothing(site: Site) -> None:
    site.sign(*(f"one{number}@d{number % 7}.example" for number in range(300)))
    with site.app.app_context():
        chosen = db.session.scalars(select(SignUp.id).order_by(SignUp.id).limit(3)).all()
        db.session.execute(update(SignUp).where(SignUp.id.in_(chosen)).values(text_version=99))
        db.session.commit()
    with site.workers():
        site.run_until(site.is_settled)
    assert site.states() == {"sent": 297, "dead": 3}
    with site.app.app_context():
        details = db.session.execute(select(Mail.phase, Mail.detail).where(Mail.state == "dead")).all()
    assert {tuple(row) for row in details} == {("render", "LookupError: the appeal or its text is gone")}


class Refusing(Script):
    """Does not believe our password, until it does."""

    extensions = ("AUTH PLAIN",)

    def __init__(self) -> None:
        self.is_over = False

    def auth(self, line: str) -> Say:
        return super().auth(line) if self.is_over else Say("535 5.7.8 wrong password")


def test_a_refused_password_holds_the_queue_and_uses_up_no_attempt(site: Site) -> None:
    script = site.server.script = Refusing()
    site.sign(*(f"one{number}@d{number % 7}.example" for number in range(40)))
    url = f"smtp://user:secret@127.0.0.1:{site.server.port}"
    with site.workers(2, TOCSIN_MAIL_URL=url):
        site.run_until(lambda: "the mail queue is held" in (site.folder / "log").read_text())
        time.sleep(3)
        tried = site.server.connections
        # Of each worker one at a time, until the server has taken something.
        assert tried <= 2 * 2
        assert site.states().keys() <= {"queued", "retry"}
        status = flask(site.environ, "mail", "status")
        assert "held" in status
        assert "535" in status
        assert json.loads(flask(site.environ, "mail", "status", "--json"))["held"]["code"] == 535
        site.run_until(lambda: site.server.connections > tried, step=10)
        script.is_over = True
        site.run_until(site.is_settled, step=30)
    assert site.states() == {"sent": 40}
    with site.app.app_context():
        assert db.session.scalars(select(Mail.attempts).distinct()).all() == [1]
    assert "the mail queue goes on" in (site.folder / "log").read_text()


def test_the_rate_holds_for_each_domain_over_all_workers(site: Site) -> None:
    site.sign(*(f"one{number}@big.example" for number in range(60)), *(f"one@small{n}.example" for n in range(20)))
    with site.workers(2, TOCSIN_MAIL_RATE="120"):
        begin = datetime.now(UTC).timestamp()
        site.run_until(lambda: len([one for one in site.server.received if "@small" in one.recipient]) == 20)
        site.run_until(lambda: len(site.server.received) >= 50)
    times = sorted(one.at - begin for one in site.server.received if one.recipient.endswith("@big.example"))
    # Two a second: in any five seconds ten, and one at each edge.
    assert max(sum(1 for other in times if at <= other < at + 5) for at in times) <= 12
    assert times[29] - times[0] < 25


def test_however_often_one_mailbox_is_asked_for_it_gets_three_mails_at_most(site: Site, figure: Figure) -> None:
    requests = int(os.environ.get("FAULTS_REQUESTS", "10000" if IS_ATTACK else "300"))
    ways = ("j.doe", "J.Doe", "jd.oe+1", "jdoe+news", "JDOE", "j.d.o.e", "jdoe+{}", "j.doe+{}")
    site.sign(*(f"{ways[number % len(ways)].format(number)}@gmail.com" for number in range(requests)))
    owed = sum(site.states().values())
    assert owed == requests
    with site.workers(2):
        site.run_until(site.is_settled, seconds=60 + requests / 20)
    figure(f"1 flood: {requests:,} sign-ups with one mailbox: mails it gets", len(site.server.received), "≤ 3")
    # The first that leaves may gather all others.
    sent = len(site.server.received)
    assert 1 <= sent <= 3
    assert site.states() == {"sent": owed}, "those that were needed no more end alike"
