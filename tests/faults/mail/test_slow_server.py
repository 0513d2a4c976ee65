"""A mail server that answers slowly or hangs, in any phase of the dialogue: no mail waits for it, and none is lost."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.faults.fault_site import Site
from tests.faults.smtp_script import SILENCE, Say, Script

pytestmark = pytest.mark.slow

PHASES = ("banner", "hello", "mail", "rcpt", "data", "dot")


class Hanging(Script):
    """Says nothing once in each phase, each time on another connection."""

    def __init__(self) -> None:
        self.left = list(PHASES)

    def _now(self, phase: str, otherwise: Say) -> Say:
        if self.left and self.left[0] == phase:
            self.left.pop(0)
            return SILENCE
        return otherwise

    def banner(self, number: int) -> Say:
        return self._now("banner", super().banner(number))

    def hello(self, number: int) -> Say:
        return self._now("hello", super().hello(number))

    def mail(self, sender: str) -> Say:
        return self._now("mail", super().mail(sender))

    def rcpt(self, recipient: str) -> Say:
        return self._now("rcpt", super().rcpt(recipient))

    def data(self, recipient: str) -> Say:
        return self._now("data", super().data(recipient))

    def dot(self, recipient: str, content: bytes) -> Say:
        return self._now("dot", super().dot(recipient, content))


def test_a_server_that_hangs_once_in_each_phase_holds_up_no_other_mail(site: Site) -> None:
    script = site.server.script = Hanging()
    addresses = [f"one{number}@d{number % 20}.example" for number in range(60)]
    site.sign(*addresses)
    with site.workers():
        site.run_until(lambda: site.states()["sent"] >= len(addresses) - len(PHASES), seconds=90)
        assert script.left == [], "it has hung in each phase"
        # All but the one whose final dot was not answered come back after their time-outs, at most half a minute; and
        # those to the same domain do not wait ten minutes for it.
        site.run_until(lambda: site.states()["sent"] == len(addresses) - 1, seconds=120, step=2)
        assert site.states() == {"sent": len(addresses) - 1, "sending": 1}
        begin = time.monotonic()
    assert time.monotonic() - begin < 8, "a worker that is told to stop waits for no answer"
    with site.workers():
        site.run_until(site.is_settled, seconds=90, step=60)
    assert site.states() == {"sent": len(addresses)}
    copies = site.server.copies()
    assert len(copies) == len(addresses)
    # Only the one in doubt came twice, as the same message.
    assert Counter(len(same) for same in copies.values()) == {1: len(addresses) - 1, 2: 1}
    assert all(len({one.content for one in same}) == 1 for same in copies.values())
    assert "the mail queue is held" not in (site.folder / "log").read_text()


class Slow(Script):
    """Takes its time for every answer."""

    seconds = 0.7

    def _slowly(self, otherwise: Say) -> Say:
        return Say(otherwise.words, pause=self.seconds)

    def mail(self, sender: str) -> Say:
        return self._slowly(super().mail(sender))

    def rcpt(self, recipient: str) -> Say:
        return self._slowly(super().rcpt(recipient))

    def data(self, recipient: str) -> Say:
        return self._slowly(super().data(recipient))

    def dot(self, recipient: str, content: bytes) -> Say:
        return self._slowly(super().dot(recipient, content))


def test_a_slow_server_is_sent_several_at_once_even_for_one_large_provider(site: Site) -> None:
    site.server.script = Slow()
    number = 60
    site.sign(*(f"one{each}@large.example" for each in range(number)))
    one_after_the_other = number * 4 * Slow.seconds
    with site.workers():
        site.run_until(site.is_settled, seconds=one_after_the_other / 2)
    assert site.states() == {"sent": number}
    assert len(site.server.received) == number
