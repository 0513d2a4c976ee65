"""Processes killed at any moment: no acknowledged signature and no mail is lost, and all counts stay exact.

Five kills on each database in `make test`, fifty in `make nightly`, two hundred with 20,000 sign-ups in `make faults`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from campaign.domain.outbox.mail_kind import ANSWER_KINDS
from campaign.domain.signing.address import parse_address
from campaign.models import Appeal, Mail, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform import db
from campaign.platform.runtime import runtime
from tests.conftest import link_of
from tests.deploy.forked_process import ForkedProcess
from tests.deploy.processes import flask, free_port, post_form, wait_for, web
from tests.faults.fault_site import WORKER, Site
from tests.nightly import size

KILLS = int(os.environ.get("FAULTS_KILLS") or size(5, nightly=50))
SIGN_UPS = int(os.environ.get("FAULTS_SIGN_UPS") or size(200, nightly=2_000))

pytestmark = [pytest.mark.slow, pytest.mark.sized]


class RestartedProcesses:
    """The web server and workers, which are killed at random moments and started again."""

    def __init__(self, site: Site, commands: list[list[str]]) -> None:
        self._site = site
        self._commands = commands
        self._log = site.folder / "log"
        self._processes = [self._start(command) for command in commands]
        self.killed: Counter[str] = Counter()

    def kill_one(self, random_source: random.Random) -> None:
        """Kill one at random: a worker, the web server with all its children, or one of these children only."""
        victim = random_source.randrange(len(self._processes))
        process = self._processes[victim]
        name = self._commands[victim][0]
        if name == "gunicorn" and random_source.random() < 0.8:
            children = psutil.Process(process.pid).children()
            if children:
                os.kill(random_source.choice(children).pid, signal.SIGKILL)
                self.killed["web child"] += 1
                return
        self._kill(process)
        self.killed[name] += 1
        self._processes[victim] = self._start(self._commands[victim])

    def kill_all(self) -> None:
        """Kill all processes."""
        for process in self._processes:
            self._kill(process)

    def _start(self, command: list[str]) -> ForkedProcess:
        return ForkedProcess(command, self._site.environ, self._log, self._log)

    def _kill(self, process: ForkedProcess) -> None:
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()
        process.wait()


class ConfirmingClient:
    """A client that signs, and confirms by the mailed links. It records what was acknowledged."""

    def __init__(self, site: Site, url: str) -> None:
        self._site, self._url = site, url
        self.signed: set[str] = set()
        self.confirmed: set[str] = set()
        self._lock = threading.Lock()
        self.allowed = 0

    def sign(self, number: int) -> None:
        """Send the form until it is acknowledged, again after a lost answer, as people do."""
        while number >= self.allowed:
            time.sleep(0.05)
        email = f"one{number}@d{number % 40}.example"
        fields = {"name": "Jeanne Martin", "email": email, "country": "FR", "consent": "y"}
        if self._post("/en/appeals/case/sign", fields, tries=30):
            with self._lock:
                self.signed.add(email)

    def confirm_every_fourth(self, stop: threading.Event) -> None:
        """Follow the mailed link of every fourth recipient, until `stop` is set."""
        position = 0
        while not stop.wait(0.1):
            received = self._site.server.received
            while position < len(received):
                message, position = received[position], position + 1
                if int(message.recipient.removeprefix("one").partition("@")[0]) % 4 == 0:
                    self._confirm(message.recipient, message.content)

    def _confirm(self, recipient: str, content: bytes) -> None:
        try:
            link = link_of(message_from_bytes(content, policy=policy.default))
        except AssertionError:
            return  # the thank-you mail, which holds no such link
        if "/s/" in link and self._post(link, {}, tries=30):
            self.confirmed.add(recipient)

    def _post(self, path: str, fields: dict[str, str], *, tries: int) -> bool:
        for _ in range(tries):
            try:
                if post_form(self._url + path, fields) == 303:
                    return True
            except OSError:
                time.sleep(0.3)
        return False


@contextmanager
def confirming(client: ConfirmingClient) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=client.confirm_every_fourth, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
def test_killed_processes_lose_no_signature_and_no_mail(site: Site, tmp_path: Path) -> None:
    random_source = random.Random(KILLS)  # noqa: S311  no secret
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    site.environ["TOCSIN_BASE_URL"] = url
    processes = RestartedProcesses(site, [[*web(port, workers=2), "--preload"], WORKER, WORKER])
    client = ConfirmingClient(site, url)
    try:
        wait_for(f"{url}/readyz")
        with ThreadPoolExecutor(8) as pool, confirming(client):
            signing = [pool.submit(client.sign, number) for number in range(SIGN_UPS)]
            for kill in range(KILLS):
                client.allowed = SIGN_UPS * (kill + 1) // (KILLS + 1)
                while sum(future.done() for future in signing) < client.allowed - 8:
                    time.sleep(0.05)
                time.sleep(random_source.uniform(0.0, 1.0))
                processes.kill_one(random_source)
            client.allowed = SIGN_UPS
            for future in signing:
                future.result()
            # A mail that a killed worker had claimed waits for the end of its lease.
            site.run_until(site.is_settled, seconds=120 + SIGN_UPS / 50, step=60, pause=1.5)
        site.run_until(site.is_settled, seconds=60, step=60, pause=1.5)
    finally:
        processes.kill_all()
    check_nothing_lost(site, client)


def extra_copies(site: Site) -> int:
    """Return the copies beyond the first of each message."""
    return sum(len(copies) - 1 for copies in site.server.copies().values())


def unanswered_addresses(site: Site) -> set[str]:
    """Return the addresses to which no answer arrived.

    A form that was sent again because its answer was lost is another row. Within minutes, one mail answers both.
    """
    arrived, answered, expected = site.server.copies(), set[str](), set[str]()
    vault = runtime().vault
    for mail in db.session.scalars(select(Mail).where(Mail.kind.in_(ANSWER_KINDS))):
        assert mail.state in {"sent", "unknown"}
        assert mail.context_sealed is not None
        sign_up_id = json.loads(vault.open_context(mail.context_sealed, place_of(mail)))["sign_up"]
        sign_up = db.session.get_one(SignUp, sign_up_id)
        if sign_up.email_sealed is None:
            continue  # confirmed by the link in its mail
        address = vault.open_email(sign_up.email_sealed, place_of(sign_up))
        expected.add(address)
        if mail.message_id in arrived:
            answered.add(address)
    return expected - answered


def check_nothing_lost(site: Site, client: ConfirmingClient) -> None:
    """Check that acknowledged sign-ups are stored, owed mail has arrived, and the counts are exact."""
    assert len(client.signed) > SIGN_UPS * 0.9
    assert len(client.confirmed) > SIGN_UPS * 0.1
    with site.app.app_context():
        vault = runtime().vault
        appeal_id = db.session.scalars(select(Appeal.id).where(Appeal.slug == "case")).one()
        stored = db.session.execute(select(Signature.address_digest, Signature.state)).all()
        rows: dict[bytes | None, str] = dict.fromkeys(db.session.scalars(select(SignUp.address_digest)), "waits")
        rows |= {digest: state for digest, state in stored}  # noqa: C416  rows are no pairs to mypy
        digests = {email: vault.address_digest(appeal_id, parse_address(email)) for email in client.signed}
        state = {email: rows.get(one) or rows.get(vault.waiting_digest(one)) for email, one in digests.items()}
        mails = db.session.execute(select(Mail.message_id, Mail.state).where(Mail.kind.not_in(ANSWER_KINDS))).all()
        unanswered = unanswered_addresses(site)
        ambiguous = db.session.scalars(select(func.sum(Mail.ambiguous))).one()
    assert [email for email, stored in state.items() if stored is None] == []
    assert [email for email in client.confirmed if state.get(email) != "confirmed"] == []
    arrived = site.server.copies()
    assert [message_id for message_id, stored in mails if stored != "suppressed" and message_id not in arrived] == []
    assert {stored for _, stored in mails} <= {"sent", "unknown", "suppressed"}
    # An answer that became needless has the state of a sent one.
    assert unanswered == set()
    assert client.signed <= {message.recipient for message in site.server.received}
    assert extra_copies(site) <= ambiguous
    assert "all counts are exact" in flask(site.environ, "tally", "verify")
