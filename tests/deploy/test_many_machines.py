"""Signing to counting over real processes, on one machine and on several: web, workers, PostgreSQL, Redis, SMTP."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.conftest import DOCUMENT, KEYS, make_database
from tests.deploy.inbox import Inbox
from tests.deploy.processes import environment, flask, free_port, post_form, running, wait_for, wait_until, web

SUPPORTERS = 300
COUNTRIES = ("FR", "DE", "CH", "BR", "NZ")

pytestmark = pytest.mark.slow


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    """Yield a mail server's inbox and its port."""
    inbox_of_server = Inbox()
    smtp = Controller(inbox_of_server, hostname="127.0.0.1", port=free_port())
    smtp.start()
    yield inbox_of_server, smtp.port
    smtp.stop()


def prepare_site(tmp_path: Path, postgresql_server: str, name: str, **more: str) -> dict[str, str]:
    """Return the settings of an instance with an open appeal."""
    database = make_database(postgresql_server, name)
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=database, TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>", **more)
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    document = tmp_path / "case.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    flask(environ, "appeal", "import", str(document), "--slug", "case", "--deadline", "2099-01-01", "--publish")
    return environ


@pytest.mark.nightly
def test_three_hundred_supporters_sign_confirm_and_are_counted(
    tmp_path: Path, postgresql_server: str, inbox: tuple[Inbox, int]
) -> None:
    port, (inbox_of_server, smtp_port) = free_port(), inbox
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{port}", "TOCSIN_LIMITS_URL": "off", "TOCSIN_CHALLENGE": "off"}
    more["TOCSIN_MAIL_URL"] = f"smtp://127.0.0.1:{smtp_port}"
    environ = prepare_site(tmp_path, postgresql_server, "journey", **more)
    worker = ["flask", "worker"]
    with running(environ, [web(port, workers=2), worker, worker], tmp_path / "log"):
        sign_and_confirm_all([port], inbox_of_server)
    check_commands(environ)


def test_many_machines_share_one_database_and_one_redis(
    tmp_path: Path, postgresql_server: str, redis_url: str, inbox: tuple[Inbox, int]
) -> None:
    ports, (inbox_of_server, smtp_port) = [free_port(), free_port()], inbox
    more = {"TOCSIN_BASE_URL": f"http://127.0.0.1:{ports[0]}", "TOCSIN_QUEUE_URL": redis_url}
    more |= {"TOCSIN_LIMITS_URL": redis_url, "TOCSIN_PROXIES": "1", "TOCSIN_CHALLENGE": "off"}
    more["TOCSIN_MAIL_URL"] = f"smtp://127.0.0.1:{smtp_port}"
    environ = prepare_site(tmp_path, postgresql_server, "machines", **more)
    worker = ["flask", "worker"]
    with running(environ, [*(web(port, workers=2) for port in ports), worker, worker, worker], tmp_path / "log"):
        sign_and_confirm_all(ports, inbox_of_server)
        # A network's requests are counted over all processes, so the limit is reached whatever their order.
        network = {"X-Forwarded-For": "198.51.100.77"}
        answers = [sign(ports[number % 2], SUPPORTERS + number, **network) for number in range(80)]
        assert 429 in answers
        assert answers.index(429) <= 60
        wait_until(lambda: sum(map(len, inbox_of_server.mails.values())) == 2 * SUPPORTERS + answers.count(303))
    check_commands(environ, more_signed=answers.count(303))


def test_a_correction_shows_in_every_process_within_two_seconds(tmp_path: Path, postgresql_server: str) -> None:
    ports = [free_port(), free_port()]
    environ = prepare_site(tmp_path, postgresql_server, "corrected", TOCSIN_LIMITS_URL="off")
    urls = [f"http://127.0.0.1:{port}/en/appeals/case" for port in ports] * 20
    old, new = "three death threats", "four death threats"
    assert old in DOCUMENT
    corrected = tmp_path / "corrected.md"
    corrected.write_text(DOCUMENT.replace(old, new), encoding="utf-8")
    with running(environ, [web(port, workers=2) for port in ports], tmp_path / "log"), ThreadPoolExecutor(8) as pool:
        for port in ports:
            wait_for(f"http://127.0.0.1:{port}/readyz")
        assert not any(new in page for page in pool.map(page_at, urls)), "every process has cached the old text"
        flask(environ, "appeal", "import", str(corrected), "--slug", "case", "--as-correction", "--yes")
        shown = time.monotonic() + 2
        list(pool.map(page_at, urls))
        time.sleep(max(0.0, shown - time.monotonic()))
        assert all(new in page for page in pool.map(page_at, urls))


def page_at(url: str) -> str:
    """Return the page, by a connection of its own."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Cache-Control"].startswith("public, max-age=1, ")
        return str(answer.read().decode())


def sign_and_confirm_all(ports: list[int], inbox_of_server: Inbox) -> None:
    """Have every supporter sign, and confirm twice on different processes; check the counts and the mails."""
    with ThreadPoolExecutor(16) as pool:
        for port in ports:
            wait_for(f"http://127.0.0.1:{port}/readyz")
        signing = [(ports[number % len(ports)], number) for number in range(SUPPORTERS)]
        networks = [f"198.{18 + number // 200}.{number % 200}.5" for number in range(SUPPORTERS)]
        signed = pool.map(
            lambda section_counts, network: sign(*section_counts, **{"X-Forwarded-For": network}), signing, networks
        )
        assert Counter(signed) == {303: SUPPORTERS}
        wait_until(lambda: len(inbox_of_server.mails) == SUPPORTERS)
        links = [link for mails in inbox_of_server.mails.values() for link in links_of(mails[0])]
        assert len(set(links)) == SUPPORTERS
        paths = [urllib.parse.urlsplit(link).path for link in links * 2]
        urls = [f"http://127.0.0.1:{ports[number % len(ports)]}{path}" for number, path in enumerate(paths)]
        assert Counter(pool.map(lambda url: post_form(url, {}), urls)) == {303: 2 * SUPPORTERS}
        # Each supporter gets two mails: the confirmation with the letter, then the thank-you mail.
        wait_until(lambda: sum(map(len, inbox_of_server.mails.values())) == 2 * SUPPORTERS)
        time.sleep(1.5)
        for port in ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/appeals/case", timeout=10) as answer:
                counts = json.load(answer)["counts"]
            assert counts["signatures"] == SUPPORTERS
            by_section = {code: section_counts["total"] for code, section_counts in counts["by_section"].items()}
            assert by_section == dict.fromkeys(("fr", "de", "ch", "br", "nz"), SUPPORTERS // len(COUNTRIES))
    assert Counter(map(len, inbox_of_server.mails.values())) == {2: SUPPORTERS}


def check_commands(environ: dict[str, str], *, more_signed: int = 0) -> None:
    """Check the commands' output afterwards."""
    assert "all counts are exact" in flask(environ, "tally", "verify")
    flask(environ, "mail", "deliver")
    status = flask(environ, "mail", "status", "--json")
    assert json.loads(status)["sent"] == 2 * SUPPORTERS + more_signed, status


def sign(port: int, number: int, **headers: str) -> int:
    """Send one supporter's sign-up."""
    fields = {
        "name": f"Supporter {chr(65 + number // 26 % 26)}{chr(97 + number % 26)}",
        "email": f"supporter{number}@mail.example",
        "country": COUNTRIES[number % len(COUNTRIES)],
        "consent": "y",
    }
    return post_form(f"http://127.0.0.1:{port}/en/appeals/case/sign", fields, **headers)


def links_of(content: bytes) -> list[str]:
    """Return the confirmation links in the text of a mail."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return re.findall(r"http://\S+/s/\S+", str(part.get_content()))
