"""Clients that sign without pause, and record every answer."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select

from campaign.domain.signing.address import parse_address
from campaign.models import Appeal, Signature, SignUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from tests.faults.fault_site import Site

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its time; status 0 where the connection broke before there was one."""

    began_at: float
    at: float
    status: int
    retry_after: str | None
    email: str


class Crowd:
    """A client that signs an appeal through the form, each time with a new address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count()
        self.answers: list[Answer] = []

    def sign(self) -> Answer:
        """Sign once."""
        email = f"one{next(self._numbers)}@mail.example"
        fields = {"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}
        began, status, retry_after = time.monotonic(), 0, None
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", "/en/appeals/case/sign", urllib.parse.urlencode(fields), HEADERS)
            found = connection.getresponse()
            found.read()
            status, retry_after = found.status, found.headers["Retry-After"]
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        answer = Answer(began, time.monotonic(), status, retry_after, email)
        self.answers.append(answer)
        return answer

    @contextmanager
    def signing(self, number: int = 4) -> Iterator[threading.Event]:
        """Run that many clients until the block or its event ends."""
        stop = threading.Event()

        def go_on() -> None:
            while not stop.is_set():
                if self.sign().status != 303:
                    stop.wait(0.05)

        threads = [threading.Thread(target=go_on) for _ in range(number)]
        for one in threads:
            one.start()
        try:
            yield stop
        finally:
            stop.set()
            for one in threads:
                one.join()

    def statuses(self) -> Counter[int]:
        """Return how often each status came."""
        return Counter(one.status for one in self.answers)

    def first_taken_after(self, moment: float) -> float:
        """Return the seconds until a client that began after that moment was accepted; wait a minute at most."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            taken = [one.at for one in self.answers if one.began_at >= moment and one.status == 303]
            if taken:
                return min(taken) - moment
            time.sleep(0.05)
        raise AssertionError(f"nobody was taken within a minute: {self.statuses()}")

    def lost(self, site: Site) -> list[str]:
        """Return the addresses of acknowledged sign-ups that are not stored."""
        with site.app.app_context():
            vault, appeal_ids = runtime().vault, db.session.scalars(select(Appeal.id)).all()
            kept = set(db.session.scalars(select(Signature.address_digest)))
            waiting = set(db.session.scalars(select(SignUp.address_digest)))
            db.session.remove()
            told = {one.email: parse_address(one.email) for one in self.answers if one.status == 303}
            digests = {email: vault.address_digests(appeal_ids, address) for email, address in told.items()}
            return [
                email
                for email, found in digests.items()
                if kept.isdisjoint(found) and waiting.isdisjoint(vault.waiting_digest(one) for one in found)
            ]
