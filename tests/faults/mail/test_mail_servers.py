"""Mail servers that refuse, disconnect, crawl or lie: every mail arrives, or its row holds the reason."""

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
from tests.faults.smtp_script import DROP, SILENCE, Received, Reply, Script, Server

pytestmark = pytest.mark.slow


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


class RefusesForNow(Script):
    """A server that refuses temporarily, in that phase and with that code, until the test sets `is_over`."""

    def __init__(self, phase: str, code: int) -> None:
        self.phase, self.code, self.is_over = phase, code, False

    def _reply_in(self, phase: str, accepting: Reply) -> Reply:
        if phase != self.phase or self.is_over:
            return accepting
        return Reply(f"{self.code} 4.3.2 not now", hang_up=self.code == 421)

    def banner(self, number: int) -> Reply:
        return self._reply_in("banner", super().banner(number))

    def mail(self, sender: str) -> Reply:
        return self._reply_in("mail", super().mail(sender))

    def rcpt(self, recipient: str) -> Reply:
        return self._reply_in("rcpt", super().rcpt(recipient))

    def dot(self, recipient: str, content: bytes) -> Reply:
        return self._reply_in("dot", super().dot(recipient, content))


@pytest.mark.parametrize(
    ("phase", "code"),
    [
        ("dot", 451),
        ("banner", 421),
        pytest.param("rcpt", 451, marks=pytest.mark.nightly),
        pytest.param("mail", 421, marks=pytest.mark.nightly),
    ],
)
def test_all_mail_is_delivered_after_five_minutes_of_temporary_refusals(site: Site, phase: str, code: int) -> None:
    script = site.server.script = RefusesForNow(phase, code)
    site.sign(*(f"one{number}@d{number % 7}.example" for number in range(60)))

    def clock_offset() -> int:
        with site.app.app_context():
            return int(db.session.scalar(select(func.coalesce(func.sum(ClockOffset.seconds), 0))) or 0)

    with site.workers(2):
        site.run_until(lambda: clock_offset() >= 300, step=15, pause=0.4)
        script.is_over = True
        site.run_until(site.is_settled, step=15, pause=0.4)
    assert site.states() == {"sent": 60}
    accepted = [message for message in site.server.received if message.was_accepted]
    assert Counter(message.recipient for message in accepted) == {
        f"one{number}@d{number % 7}.example": 1 for number in range(60)
    }
    assert max(site.server.attempts.values()) <= 6
    with site.app.app_context():
        assert max(db.session.scalars(select(Mail.attempts))) <= 6


class ClosesAfter(Script):
    """A server that accepts that many mails, and then no connection until the test sets `is_over`."""

    def __init__(self, accepted_mails: int) -> None:
        self.accepted_mails, self.is_over = accepted_mails, False

    def _is_closed(self) -> bool:
        return self.accepted_mails <= 0 and not self.is_over

    def banner(self, number: int) -> Reply:
        return Reply("421 4.3.2 closed", hang_up=True) if self._is_closed() else super().banner(number)

    def mail(self, sender: str) -> Reply:
        return DROP if self._is_closed() else super().mail(sender)

    def dot(self, recipient: str, content: bytes) -> Reply:
        self.accepted_mails -= 1
        return super().dot(recipient, content)


def test_a_server_that_closes_is_probed_by_one_connection_at_a_time(site: Site) -> None:
    script = site.server.script = ClosesAfter(100)
    site.sign(*(f"one{number}@d{number % 40}.example" for number in range(600)))
    with site.workers():
        site.run_until(lambda: "the mail queue is held" in (site.folder / "log").read_text())
        time.sleep(1)
        connections_at_pause = site.server.connections
        # Each connection that was open when the server closed may notice it separately.
        assert connections_at_pause <= 3 * 32
        time.sleep(4)
        # One probe after five seconds, one after another ten.
        assert site.server.connections - connections_at_pause <= 2
        script.is_over = True
        site.run_until(site.is_settled, step=15, pause=0.4)
    assert site.states() == {"sent": 600}


class FewConnections(Script):
    """A server that accepts that many connections at once, and refuses further ones."""

    def __init__(self, connections: int, server: Server) -> None:
        self.accepted_mails, self.server, self.refused = connections, server, 0

    def banner(self, number: int) -> Reply:
        if len(self.server._open) <= self.accepted_mails:
            return super().banner(number)
        self.refused += 1
        return Reply("421 4.7.0 too many connections", hang_up=True)


def test_a_server_with_few_connections_gets_all_mail_over_them(site: Site) -> None:
    script = site.server.script = FewConnections(4, site.server)
    site.sign(*(f"one{number}@d{number % 40}.example" for number in range(600)))
    with site.workers():
        site.run_until(site.is_settled, seconds=60)
    assert site.states() == {"sent": 600}
    assert "the mail queue is held" not in (site.folder / "log").read_text()
    assert script.refused <= 100


class NoSuchUser(Script):
    """A server without the mailboxes `gone…`; the mailboxes `full…` are full, and all others exist."""

    def rcpt(self, recipient: str) -> Reply:
        if recipient.startswith("gone"):
            return Reply("550 5.1.1 no such user here")
        return Reply("552 5.2.2 full") if recipient.startswith("full") else super().rcpt(recipient)


def test_a_missing_mailbox_is_tried_once_and_suppressed(site: Site) -> None:
    site.server.script = NoSuchUser()
    site.sign(*(f"{'gone' if number % 10 == 0 else 'here'}{number}@mail.example" for number in range(100)))
    site.sign("full@mail.example")
    with site.workers():
        site.run_until(site.is_settled)
        assert site.states() == {"sent": 90, "dead": 11}
        site.sign("gone0@mail.example", "full@mail.example", slug="other")
        site.run_until(site.is_settled)
    # An answer to a suppressed mailbox ends in the state of a sent mail.
    assert site.states() == {"sent": 91, "dead": 12}
    assert {number for recipient, number in site.server.attempts.items() if recipient.startswith("gone")} == {1}
    assert site.server.attempts["full@mail.example"] == 2
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Suppression)) == 10


class DropAfterDot(Script):
    def dot(self, recipient: str, content: bytes) -> Reply:
        return DROP


def test_a_mail_without_a_reply_to_its_final_dot_is_sent_three_times_unchanged(site: Site) -> None:
    site.server.script = DropAfterDot()
    site.sign(*(f"one{number}@d{number % 5}.example" for number in range(20)))
    with site.workers(2):
        site.run_until(site.is_settled, step=30)
    assert site.states() == {"unknown": 20}
    copies = site.server.copies()
    assert len(copies) == 20
    assert all(
        len(received) == 3 and len({message.content for message in received}) == 1 for received in copies.values()
    )
    assert len({message.sender for message in site.server.received}) == 20


class SlowDomains(Script):
    """A server that sends no banner on some connections, and replies slowly or never for some domains."""

    def banner(self, number: int) -> Reply:
        return SILENCE if number % 4 == 2 else super().banner(number)

    def rcpt(self, recipient: str) -> Reply:
        if domain_of(recipient) == "bytes.example":
            return Reply("250 2.1.5 fine", byte_pause=1.0)
        return SILENCE if domain_of(recipient).startswith("silent") else super().rcpt(recipient)

    def dot(self, recipient: str, content: bytes) -> Reply:
        return (
            Reply("250 ok", pause=90) if domain_of(recipient) == "tarpit.example" else super().dot(recipient, content)
        )


def test_slow_domains_do_not_delay_the_others(site: Site) -> None:
    site.server.script = SlowDomains()
    slow = ["bytes.example", "tarpit.example", *(f"silent{number}.example" for number in range(12))]
    site.sign(*(f"one{number}@{domain}" for number in range(20) for domain in slow))
    signed = {f"one{number}@quick{number % 20}.example": 0.0 for number in range(200)}
    started_at = time.monotonic()
    with site.workers():
        for email in signed:
            site.sign(email)
            signed[email] = time.time()
        site.run_until(lambda: len(received_by_quick_domains(site)) == len(signed), seconds=120)
        tries = Counter(
            domain_of(recipient) for recipient in site.server.attempts.elements() if domain_of(recipient) in slow
        )
    delays = sorted(message.at - signed[message.recipient] for message in received_by_quick_domains(site).values())
    assert delays[int(len(delays) * 0.95)] < 60
    # A slow domain has one connection, or a quarter of the 32 while all domains seem slow, but not one for each mail.
    # A hanging connection is closed after 30 s.
    assert max(tries.values()) <= 8 * (1 + (time.monotonic() - started_at) // 30)


def received_by_quick_domains(site: Site) -> dict[str, Received]:
    return {message.recipient: message for message in site.server.received if "@quick" in message.recipient}


def test_a_mail_that_cannot_be_rendered_fails_with_its_reason_and_stops_no_other(site: Site) -> None:
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


class WrongPassword(Script):
    """A server that refuses the password until the test sets `is_over`."""

    extensions = ("AUTH PLAIN",)

    def __init__(self) -> None:
        self.is_over = False

    def auth(self, line: str) -> Reply:
        return super().auth(line) if self.is_over else Reply("535 5.7.8 wrong password")


def test_a_refused_password_pauses_the_queue_and_uses_up_no_attempt(site: Site) -> None:
    script = site.server.script = WrongPassword()
    site.sign(*(f"one{number}@d{number % 7}.example" for number in range(40)))
    url = f"smtp://user:secret@127.0.0.1:{site.server.port}"
    with site.workers(2, TOCSIN_MAIL_URL=url):
        site.run_until(lambda: "the mail queue is held" in (site.folder / "log").read_text())
        time.sleep(3)
        connections = site.server.connections
        # Each worker opens one connection at a time until the server has accepted a mail.
        assert connections <= 2 * 2
        assert site.states().keys() <= {"queued", "retry"}
        status = flask(site.environ, "mail", "status")
        assert "held" in status
        assert "535" in status
        assert json.loads(flask(site.environ, "mail", "status", "--json"))["held"]["code"] == 535
        site.run_until(lambda: site.server.connections > connections, step=10)
        script.is_over = True
        site.run_until(site.is_settled, step=30)
    assert site.states() == {"sent": 40}
    with site.app.app_context():
        assert db.session.scalars(select(Mail.attempts).distinct()).all() == [1]
    assert "the mail queue goes on" in (site.folder / "log").read_text()


def test_all_workers_together_keep_the_rate_of_a_domain(site: Site) -> None:
    site.sign(*(f"one{number}@big.example" for number in range(60)), *(f"one@small{n}.example" for n in range(20)))
    with site.workers(2, TOCSIN_MAIL_RATE="120"):
        started_at = datetime.now(UTC).timestamp()
        site.run_until(
            lambda: len([message for message in site.server.received if "@small" in message.recipient]) == 20
        )
        site.run_until(lambda: len(site.server.received) >= 50)
    times = sorted(
        message.at - started_at for message in site.server.received if message.recipient.endswith("@big.example")
    )
    # Two a second: ten in any five seconds, and one more at each edge.
    assert max(sum(1 for time_sent in times if start <= time_sent < start + 5) for start in times) <= 12
    assert times[29] - times[0] < 25


def test_however_often_one_mailbox_is_asked_for_it_gets_three_mails_at_most(site: Site, figure: Figure) -> None:
    requests = int(os.environ.get("FAULTS_REQUESTS", "10000" if IS_ATTACK else "300"))
    spellings = ("j.doe", "J.Doe", "jd.oe+1", "jdoe+news", "JDOE", "j.d.o.e", "jdoe+{}", "j.doe+{}")
    site.sign(*(f"{spellings[number % len(spellings)].format(number)}@gmail.com" for number in range(requests)))
    mails = sum(site.states().values())
    assert mails == requests
    with site.workers(2):
        site.run_until(site.is_settled, seconds=60 + requests / 20)
    figure(f"1 flood: {requests:,} sign-ups with one mailbox: mails it gets", len(site.server.received), "≤ 3")
    # The first sent mail may answer all forms.
    sent = len(site.server.received)
    assert 1 <= sent <= 3
    assert site.states() == {"sent": mails}, "mails that became needless end as sent ones do"
