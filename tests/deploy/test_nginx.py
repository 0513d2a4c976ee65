"""The shipped nginx in front of real processes: allowed hosts, cached pages, its logs, slow clients."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.conftest import DOCUMENT, KEYS, make_database, text_of
from tests.deploy.nginx import NAME, SHIPPED, Answer, Nginx, nginx
from tests.deploy.processes import environment, flask, free_port, running, wait_for, web

pytestmark = pytest.mark.slow
ANA, EVIL, SIGNER = "ana.ferreira@staff.example", "evil.example", "zebedeia.quist@mail.example"
PAGE = "/en/appeals/case"


@dataclass
class Behind:
    """The nginx, the process behind it, and the sent mail."""

    nginx: Nginx
    environ: dict[str, str]
    process: subprocess.Popen[bytes]
    mailbox: Path

    def mails(self) -> list[EmailMessage]:
        """Return all mail that the worker has delivered."""
        paths = (self.mailbox / "new").glob("*")
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]

    def wait_for(self, link: str) -> str:
        """Wait for the worker; return the first link in a mail that matches the pattern."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            for mail in self.mails():
                if found := re.search(link, text_of(mail)):
                    return found[0]
            time.sleep(0.3)
        raise AssertionError(f"no mail with {link}")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("nginx")
    url = f"sqlite:///{folder}/tocsin.db"
    if request.param == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "behind_nginx")
    environ = environment(
        **KEYS,
        TOCSIN_DATABASE_URL=url,
        TOCSIN_BASE_URL=f"https://{NAME}",
        TOCSIN_MAIL_URL=f"maildir:{folder}/mail",
        TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>",
        TOCSIN_PROXIES="1",
        TOCSIN_CHALLENGE="off",
    )
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    (folder / "case.md").write_text(DOCUMENT, encoding="utf-8")
    imported = ("appeal", "import", str(folder / "case.md"), "--slug", "case", "--deadline", "2099-01-01", "--publish")
    flask(environ, *imported)
    flask(environ, "staff", "add", ANA, "--section", "fr", "--role", "editor", "--locale", "en")
    port = free_port()
    processes = running(environ, [web(port), ["flask", "worker"]], folder / "log")
    with processes as (process, _), nginx(folder / "nginx", port) as front:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield Behind(front, environ, process, folder / "mail")


def csrf(page: Answer) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.body)
    assert found, page
    return found[1]


def test_an_attack_by_host_header_changes_no_mailed_link(behind: Behind) -> None:
    """Accept the invitation, then ask for a reset as a stranger in every way that names another host."""
    front = behind.nginx
    invitation = behind.wait_for(r"/staff/invitation/\S+")
    words = "a sentence that nobody guesses"
    page = front.ask(invitation)
    assert front.ask(invitation, {"password": words, "csrf_token": csrf(page)}).status == 303
    sent = {"email": ANA, "csrf_token": csrf(front.ask("/staff/reset"))}
    evil = {"Referer": f"https://{EVIL}/staff/reset"}
    for host in (EVIL, f"{EVIL}:443", ""):
        assert front.ask("/staff/reset", sent, host=host, headers=evil).status in {0, 400}, (
            "nginx's default server is silent"
        )
    assert front.ask(f"https://{EVIL}/staff/reset", sent, headers=evil).status == 0, (
        "the request line names the host too"
    )
    forwarded = {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}", "X-Forwarded-Server": EVIL, "X-Host": EVIL}
    assert front.ask("/staff/reset", sent, headers=forwarded).status == 200
    assert behind.wait_for(r"\S+/staff/reset/").startswith(f"https://{NAME}/")
    time.sleep(2)
    assert len([mail for mail in behind.mails() if "/staff/reset/" in text_of(mail)]) == 1
    assert {found for mail in behind.mails() for found in re.findall(r"https?://[^/\s\"<>]+", str(mail))} == {
        f"https://{NAME}"
    }


def test_port_80_leads_to_the_name_that_is_set(behind: Behind) -> None:
    assert behind.nginx.ask("/en/?x=1", clear=True).headers["Location"] == f"https://{NAME}/en/?x=1"
    assert behind.nginx.ask("/en/", clear=True, host=EVIL).status == 0


def test_pages_are_cached_and_shown_while_the_application_hangs(behind: Behind) -> None:
    first = behind.nginx.ask(PAGE)
    assert first.status == 200
    assert "Ana Ruiz Vega" in first.body
    assert "HIT" in {behind.nginx.ask(PAGE).headers["X-Cache"] for _ in range(5)}
    assert "X-Cache" not in behind.nginx.ask("/staff/login").headers
    behind.process.send_signal(signal.SIGSTOP)
    stopped = workers_of(behind.process)
    for pid in stopped:
        subprocess.run(["kill", "-STOP", pid], check=True)
    try:
        time.sleep(2)
        began = time.monotonic()
        stale = behind.nginx.ask(PAGE)
        assert (stale.status, stale.headers["X-Cache"]) == (200, "STALE")
        assert time.monotonic() - began < 8
        assert stale.body == first.body
    finally:
        for pid in (*stopped, str(behind.process.pid)):
            subprocess.run(["kill", "-CONT", pid], check=True)
    for _ in range(100):
        if behind.nginx.ask("/readyz").status == 200:
            break
        time.sleep(0.1)
    assert behind.nginx.ask(PAGE).status == 200


def workers_of(process: subprocess.Popen[bytes]) -> list[str]:
    return subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout.split()


def test_half_sent_requests_block_no_other_request(behind: Behind) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"POST {PAGE}/sign HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 200\r\n"
    opened = []
    try:
        for number in range(60):
            half = context.wrap_socket(socket.create_connection(("127.0.0.1", behind.nginx.tls_port)))
            half.sendall((head if number % 2 else f"{head}\r\nname=Je").encode())
            opened.append(half)
        began = time.monotonic()
        assert behind.nginx.ask("/healthz").status == 200
        assert behind.nginx.ask("/en/appeals/case/act").status == 200
        assert time.monotonic() - began < 2
    finally:
        for half in opened:
            half.close()


def test_its_logs_hold_no_token_and_no_address(behind: Behind) -> None:
    front = behind.nginx
    signed = front.ask(f"{PAGE}/sign", {"name": "Zebedeia Quist", "email": SIGNER, "country": "FR", "consent": "y"})
    assert signed.status == 303
    token = behind.wait_for(r"/en/s/\S+").rpartition("/")[2]
    secrets = {token, SIGNER, SIGNER.replace("@", "%40"), "zebedeia", "203.0.113.77"}

    headers = {"Referer": f"https://{NAME}/fr/s/{token}", "User-Agent": SIGNER, "X-Forwarded-For": "203.0.113.77"}

    def check_address() -> None:
        for path in (f"/fr/s/{token}", *shapes(token)):
            for clear in (False, True):
                front.ask(path, clear=clear, headers=headers)
                front.ask(path, clear=clear, host=EVIL, headers=headers)
        front.ask(f"/fr/s/{token}", {"x": "y" * 5_000_000}, headers=headers)
        front.ask(f"/fr/s/{token}" + "x" * 40_000)
        raw(front, f"GET /fr/s/{token} HTTP/9.9\r\n\r\n")
        raw(front, f"GET /fr/s/{token}\r\n\r\n")
        raw(front, f"G@T /fr/s/{token} HTTP/1.1\r\nHost: {NAME}\r\n\r\n")
        raw(front, f"GET /fr/s/{token} HTTP/1.1\r\nHost: {SIGNER}\r\n\r\n")

    check_address()
    assert '"GET /fr/s" 404' in front.logs() or '"GET /fr/s" 200' in front.logs(), "it is written, without the token"
    assert '"GET /staff/reset" ' in front.logs()
    with nginx(front.folder.parent / "away", free_port()) as front_of_nobody:
        front, before = front_of_nobody, front
        check_address()
        assert " 502 " in front.logs()
    written = before.logs() + front.logs()
    assert {secret for secret in secrets if secret.lower() in written.lower()} == set()
    assert "127.0.0.1" not in before.logs().replace("127.0.0.1:", "")


def shapes(token: str) -> list[str]:
    """Return addresses with and without a token or a mail address, in every spelling that reaches the same page."""
    starts = """//fr//s /%66r/s /fr/%73 /./fr/s /x/../fr/s /FR/s /fr/m /fr/u /staff/invitation /staff/reset
        /staff/digest /staff//reset /%73taff/reset /x /static /embed /api/v1/appeals /en/appeals"""
    found = [f"{start}/{token}" for start in ("", *starts.split())]
    queries = [f"/en/?email={SIGNER}", f"{PAGE}/sign?email={SIGNER.replace('@', '%40')}", f"/staff/login?next=/{token}"]
    broken = [f"/fr/s/{token}%", f"/fr/s/{token}/%00", f"/en/{SIGNER}", f"/en/appeals/{SIGNER}"]
    return [*found, *queries, *broken]


def raw(front: Nginx, text: str) -> None:
    """Send the text unencrypted, and wait for the answer."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=5) as connection:
        connection.sendall(text.encode())
        connection.recv(1000)


def test_the_configuration_needs_nothing_newer_than_1_18() -> None:
    text = re.sub(r"#.*", "", SHIPPED.read_text(encoding="utf-8"))
    assert not re.search(r"^\s*(http2|ssl_reject_handshake|http3|quic)\b", text, re.MULTILINE), "newer ones"
    assert text.count("default_server") == 2
    assert not re.search(r"proxy_set_header\s+\S+\s+\$(host|http_host)\b", text), "the name is set, not taken over"
