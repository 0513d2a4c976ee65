"""A mail server that replies slowly or hangs, in any phase of SMTP: it delays no other mail, and loses none."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.faults.fault_site import Site
from tests.faults.smtp_script import SILENCE, PhaseScript, Reply

pytestmark = pytest.mark.slow

PHASES = ("banner", "hello", "mail", "rcpt", "data", "dot")


class HangsOncePerPhase(PhaseScript):
    """A server that once in each phase sends no reply, each time on another connection."""

    def __init__(self) -> None:
        self.remaining_phases = list(PHASES)

    def reply_in(self, phase: str, accepting: Reply) -> Reply:
        if self.remaining_phases and self.remaining_phases[0] == phase:
            self.remaining_phases.pop(0)
            return SILENCE
        return accepting


def test_a_server_that_hangs_once_in_each_phase_delays_no_other_mail(site: Site) -> None:
    script = site.server.script = HangsOncePerPhase()
    addresses = [f"one{number}@d{number % 20}.example" for number in range(60)]
    site.sign(*addresses)
    with site.workers():
        site.run_until(lambda: site.states()["sent"] >= len(addresses) - len(PHASES), seconds=90)
        assert script.remaining_phases == [], "the server has hung in each phase"
        # All mails are sent again after their time-outs of at most half a minute, except the one whose final dot got no
        # reply. Mails to the same domain do not wait ten minutes for it.
        site.run_until(lambda: site.states()["sent"] == len(addresses) - 1, seconds=120, step=2)
        assert site.states() == {"sent": len(addresses) - 1, "sending": 1}
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 8, "a worker that is stopped waits for no reply"
    with site.workers():
        site.run_until(site.is_settled, seconds=90, step=60)
    assert site.states() == {"sent": len(addresses)}
    copies = site.server.copies()
    assert len(copies) == len(addresses)
    # Only the mail in doubt arrived twice, as the same message.
    assert Counter(len(received) for received in copies.values()) == {1: len(addresses) - 1, 2: 1}
    assert all(len({message.content for message in received}) == 1 for received in copies.values())
    assert "the mail queue is held" not in (site.folder / "log").read_text()


class SlowReplies(PhaseScript):
    """A server that delays the reply to every command of a mail."""

    seconds = 0.7

    def reply_in(self, phase: str, accepting: Reply) -> Reply:
        is_of_mail = phase in {"mail", "rcpt", "data", "dot"}
        return Reply(accepting.text, pause=self.seconds) if is_of_mail else accepting


def test_a_slow_server_gets_several_mails_at_once_even_for_one_domain(site: Site) -> None:
    site.server.script = SlowReplies()
    number = 60
    site.sign(*(f"one{index}@large.example" for index in range(number)))
    seconds_in_sequence = number * 4 * SlowReplies.seconds
    with site.workers():
        site.run_until(site.is_settled, seconds=seconds_in_sequence / 2)
    assert site.states() == {"sent": number}
    assert len(site.server.received) == number
