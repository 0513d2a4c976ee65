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
class RecordedAnswer:
    """An answer and its times. Its status is 0 if the connection broke before an answer came."""

    began_at: float
    ended_at: float
    status: int
    retry_after: str | None
    email: str


class LoadClient:
    """A client that signs an appeal through the form, each time with a new address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count()
        self.answers: list[RecordedAnswer] = []

    def sign(self) -> RecordedAnswer:
        """Sign once."""
        email = f"one{next(self._numbers)}@mail.example"
        fields = {"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}
        began, status, retry_after = time.monotonic(), 0, None
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", "/en/appeals/case/sign", urllib.parse.urlencode(fields), HEADERS)
            response = connection.getresponse()
            response.read()
            status, retry_after = response.status, response.headers["Retry-After"]
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        answer = RecordedAnswer(began, time.monotonic(), status, retry_after, email)
        self.answers.append(answer)
        return answer

    @contextmanager
    def signing(self, number: int = 4) -> Iterator[threading.Event]:
        """Run that many clients until the block or its event ends."""
        stop = threading.Event()

        def sign_until_stopped() -> None:
            while not stop.is_set():
                if self.sign().status != 303:
                    stop.wait(0.05)

        threads = [threading.Thread(target=sign_until_stopped) for _ in range(number)]
        for thread in threads:
            thread.start()
        try:
            yield stop
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def statuses(self) -> Counter[int]:
        """Return how often each status came."""
        return Counter(answer.status for answer in self.answers)

    def seconds_until_accepted(self, moment: float) -> float:
        """Return the seconds until a client that began after that moment was accepted; wait a minute at most."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            accepted_at = [
                answer.ended_at for answer in self.answers if answer.began_at >= moment and answer.status == 303
            ]
            if accepted_at:
                return min(accepted_at) - moment
            time.sleep(0.05)
        raise AssertionError(f"no sign-up was accepted within a minute: {self.statuses()}")

    def lost_addresses(self, site: Site) -> list[str]:
        """Return the addresses of acknowledged sign-ups that are not stored."""
        with site.app.app_context():
            vault, appeal_ids = runtime().vault, db.session.scalars(select(Appeal.id)).all()
            signature_digests = set(db.session.scalars(select(Signature.address_digest)))
            sign_up_digests = set(db.session.scalars(select(SignUp.address_digest)))
            db.session.remove()
            acknowledged = {
                answer.email: parse_address(answer.email) for answer in self.answers if answer.status == 303
            }
            digests = {email: vault.address_digests(appeal_ids, address) for email, address in acknowledged.items()}
            return [
                email
                for email, own in digests.items()
                if signature_digests.isdisjoint(own)
                and sign_up_digests.isdisjoint(vault.waiting_digest(digest) for digest in own)
            ]
