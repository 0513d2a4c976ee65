"""The whole way over real processes: gunicorn, two workers, PostgreSQL and an SMTP server, 300 supporters."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.conftest import DOCUMENT, KEYS, make_database
from tests.journeys.processes import environment, flask, free_port, running, wait_for, web

SUPPORTERS = 300
COUNTRIES = ("FR", "DE", "CH", "BR", "NZ")

pytestmark = pytest.mark.slow


class Inbox:
    """Keeps what arrives, by recipient."""

    def __init__(self) -> None:
        self.mails: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        with self._lock:
            for recipient in envelope.rcpt_tos:
                self.mails.setdefault(recipient, []).append(envelope.content)
        return "250 OK"


class _Keep(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Redirects are answers here."""


_OPENER = urllib.request.build_opener(_Keep)


def post(url: str, fields: dict[str, str]) -> int:
    try:
        with _OPENER.open(url, urllib.parse.urlencode(fields).encode(), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_three_hundred_supporters_sign_confirm_and_count(tmp_path: Path, postgresql_server: str) -> None:
    inbox = Inbox()
    smtp = Controller(inbox, hostname="127.0.0.1", port=free_port())
    smtp.start()
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    environ = environment(
        **KEYS,
        TOCSIN_DATABASE_URL=make_database(postgresql_server, "journey"),
        TOCSIN_BASE_URL=site,
        TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{smtp.port}",
        TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>",
        TOCSIN_LIMITS_URL="off",
    )
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    document = tmp_path / "case.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    flask(environ, "appeal", "import", str(document), "--slug", "case", "--deadline", "2099-01-01", "--publish")
    worker = ["flask", "worker"]
    try:
        with running(environ, [web(port, workers=2), worker, worker], tmp_path / "log"), ThreadPoolExecutor(16) as pool:
            wait_for(f"{site}/readyz")
            answers = Counter(pool.map(lambda number: sign(site, number), range(SUPPORTERS)))
            assert answers == {303: SUPPORTERS}
            wait_until(lambda: len(inbox.mails) == SUPPORTERS)
            links = [link for mails in inbox.mails.values() for link in links_of(mails[0])]
            assert len(set(links)) == SUPPORTERS
            assert Counter(pool.map(lambda link: post(link, {}), links * 2)) == {303: 2 * SUPPORTERS}
            time.sleep(1.5)
            with urllib.request.urlopen(f"{site}/api/v1/appeals/case", timeout=10) as answer:
                counts = json.load(answer)["counts"]
    finally:
        smtp.stop()
    assert counts["signatures"] == SUPPORTERS
    each = SUPPORTERS // len(COUNTRIES)
    assert {code: one["total"] for code, one in counts["by_section"].items()} == dict.fromkeys(
        ("fr", "de", "ch", "br", "nz"), each
    )
    assert Counter(len(mails) for mails in inbox.mails.values()) == {1: SUPPORTERS}
    assert "all counts are exact" in flask(environ, "tally", "verify")
    assert json.loads(flask(environ, "mail", "status", "--json"))["sent"] == SUPPORTERS


def sign(site: str, number: int) -> int:
    """One supporter's sign-up."""
    fields = {
        "name": f"Supporter Number{number}",
        "email": f"supporter{number}@mail.example",
        "country": COUNTRIES[number % len(COUNTRIES)],
        "consent": "y",
    }
    return post(f"{site}/en/appeals/case/sign", fields)


def links_of(content: bytes) -> list[str]:
    """The confirmation links in the text of a mail."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return re.findall(r"http://\S+/s/\S+", str(part.get_content()))


def wait_until(done: Any, seconds: float = 60) -> None:
    """Until it is so, or the test fails."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
