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
from tests.deploy.nginx import NAME, SHIPPED, Nginx, NginxAnswer, nginx
from tests.deploy.processes import Process, environment, flask, free_port, running, wait_for, web

pytestmark = pytest.mark.slow
ANA, EVIL, SIGNER = "ana.ferreira@staff.example", "evil.example", "zebedeia.quist@mail.example"
PAGE = "/en/appeals/case"


@dataclass
class SiteBehindNginx:
    """A site behind nginx: the proxy, the web process, and the sent mail."""

    nginx: Nginx
    environ: dict[str, str]
    process: Process
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
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBehindNginx]:
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
    with processes as (process, _), nginx(folder / "nginx", port) as nginx_server:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield SiteBehindNginx(nginx_server, environ, process, folder / "mail")


def csrf(page: NginxAnswer) -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', page.body)
    assert match, page
    return match[1]


def test_an_attack_by_host_header_changes_no_mailed_link(site: SiteBehindNginx) -> None:
    """Accept the invitation, then ask for a reset as a stranger in every way that names another host."""
    nginx_server = site.nginx
    invitation = site.wait_for(r"/staff/invitation/\S+")
    words = "a sentence that nobody guesses"
    page = nginx_server.ask(invitation)
    assert nginx_server.ask(invitation, {"password": words, "csrf_token": csrf(page)}).status == 303
    sent = {"email": ANA, "csrf_token": csrf(nginx_server.ask("/staff/reset"))}
    evil = {"Referer": f"https://{EVIL}/staff/reset"}
    for host in (EVIL, f"{EVIL}:443", ""):
        assert nginx_server.ask("/staff/reset", sent, host=host, headers=evil).status in {0, 400}, (
            "nginx's default server is silent"
        )
    assert nginx_server.ask(f"https://{EVIL}/staff/reset", sent, headers=evil).status == 0, (
        "the request line names the host too"
    )
    forwarded = {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}", "X-Forwarded-Server": EVIL, "X-Host": EVIL}
    assert nginx_server.ask("/staff/reset", sent, headers=forwarded).status == 200
    assert site.wait_for(r"\S+/staff/reset/").startswith(f"https://{NAME}/")
    time.sleep(2)
    assert len([mail for mail in site.mails() if "/staff/reset/" in text_of(mail)]) == 1
    assert {found for mail in site.mails() for found in re.findall(r"https?://[^/\s\"<>]+", str(mail))} == {
        f"https://{NAME}"
    }


def test_port_80_redirects_to_the_configured_name(site: SiteBehindNginx) -> None:
    assert site.nginx.ask("/en/?x=1", is_plain=True).headers["Location"] == f"https://{NAME}/en/?x=1"
    assert site.nginx.ask("/en/", is_plain=True, host=EVIL).status == 0


def test_cached_pages_are_shown_while_the_application_hangs(site: SiteBehindNginx) -> None:
    first = site.nginx.ask(PAGE)
    assert first.status == 200
    assert "Ana Ruiz Vega" in first.body
    assert "HIT" in {site.nginx.ask(PAGE).headers["X-Cache"] for _ in range(5)}
    assert "X-Cache" not in site.nginx.ask("/staff/login").headers
    site.process.send_signal(signal.SIGSTOP)
    stopped = workers_of(site.process)
    for pid in stopped:
        subprocess.run(["kill", "-STOP", pid], check=True)
    try:
        time.sleep(2)
        began = time.monotonic()
        stale = site.nginx.ask(PAGE)
        assert (stale.status, stale.headers["X-Cache"]) == (200, "STALE")
        assert time.monotonic() - began < 8
        assert stale.body == first.body
    finally:
        for pid in (*stopped, str(site.process.pid)):
            subprocess.run(["kill", "-CONT", pid], check=True)
    for _ in range(100):
        if site.nginx.ask("/readyz").status == 200:
            break
        time.sleep(0.1)
    assert site.nginx.ask(PAGE).status == 200


def workers_of(process: Process) -> list[str]:
    return subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout.split()


def test_half_sent_requests_block_no_other_request(site: SiteBehindNginx) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"POST {PAGE}/sign HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 200\r\n"
    opened = []
    try:
        for number in range(60):
            half = context.wrap_socket(socket.create_connection(("127.0.0.1", site.nginx.tls_port)))
            half.sendall((head if number % 2 else f"{head}\r\nname=Je").encode())
            opened.append(half)
        began = time.monotonic()
        assert site.nginx.ask("/healthz").status == 200
        assert site.nginx.ask("/en/appeals/case/act").status == 200
        assert time.monotonic() - began < 2
    finally:
        for half in opened:
            half.close()


def test_the_logs_of_nginx_hold_no_token_and_no_address(site: SiteBehindNginx) -> None:
    nginx_server = site.nginx
    signed = nginx_server.ask(
        f"{PAGE}/sign", {"name": "Zebedeia Quist", "email": SIGNER, "country": "FR", "consent": "y"}
    )
    assert signed.status == 303
    token = site.wait_for(r"/en/s/\S+").rpartition("/")[2]
    secrets = {token, SIGNER, SIGNER.replace("@", "%40"), "zebedeia", "203.0.113.77"}

    headers = {"Referer": f"https://{NAME}/fr/s/{token}", "User-Agent": SIGNER, "X-Forwarded-For": "203.0.113.77"}

    def check_address() -> None:
        for path in (f"/fr/s/{token}", *spellings(token)):
            for clear in (False, True):
                nginx_server.ask(path, is_plain=clear, headers=headers)
                nginx_server.ask(path, is_plain=clear, host=EVIL, headers=headers)
        nginx_server.ask(f"/fr/s/{token}", {"x": "y" * 5_000_000}, headers=headers)
        nginx_server.ask(f"/fr/s/{token}" + "x" * 40_000)
        send_raw(nginx_server, f"GET /fr/s/{token} HTTP/9.9\r\n\r\n")
        send_raw(nginx_server, f"GET /fr/s/{token}\r\n\r\n")
        send_raw(nginx_server, f"G@T /fr/s/{token} HTTP/1.1\r\nHost: {NAME}\r\n\r\n")
        send_raw(nginx_server, f"GET /fr/s/{token} HTTP/1.1\r\nHost: {SIGNER}\r\n\r\n")

    check_address()
    assert '"GET /fr/s" 404' in nginx_server.logs() or '"GET /fr/s" 200' in nginx_server.logs(), (
        "it is logged without the token"
    )
    assert '"GET /staff/reset" ' in nginx_server.logs()
    with nginx(nginx_server.folder.parent / "away", free_port()) as front_of_nobody:
        nginx_server, before = front_of_nobody, nginx_server
        check_address()
        assert " 502 " in nginx_server.logs()
    written = before.logs() + nginx_server.logs()
    assert {secret for secret in secrets if secret.lower() in written.lower()} == set()
    assert "127.0.0.1" not in before.logs().replace("127.0.0.1:", "")


def spellings(token: str) -> list[str]:
    """Return addresses with and without a token or a mail address, in every spelling that reaches the same page."""
    starts = """//fr//s /%66r/s /fr/%73 /./fr/s /x/../fr/s /FR/s /fr/m /fr/u /staff/invitation /staff/reset
        /staff/digest /staff//reset /%73taff/reset /x /static /embed /api/v1/appeals /en/appeals"""
    found = [f"{start}/{token}" for start in ("", *starts.split())]
    queries = [f"/en/?email={SIGNER}", f"{PAGE}/sign?email={SIGNER.replace('@', '%40')}", f"/staff/login?next=/{token}"]
    broken = [f"/fr/s/{token}%", f"/fr/s/{token}/%00", f"/en/{SIGNER}", f"/en/appeals/{SIGNER}"]
    return [*found, *queries, *broken]


def send_raw(nginx_server: Nginx, text: str) -> None:
    """Send the text unencrypted, and wait for the answer."""
    with socket.create_connection(("127.0.0.1", nginx_server.port), timeout=5) as connection:
        connection.sendall(text.encode())
        connection.recv(1000)


def test_the_configuration_needs_nothing_newer_than_1_18() -> None:
    text = re.sub(r"#.*", "", SHIPPED.read_text(encoding="utf-8"))
    assert not re.search(r"^\s*(http2|ssl_reject_handshake|http3|quic)\b", text, re.MULTILINE), (
        "directives of newer versions"
    )
    assert text.count("default_server") == 2
    assert not re.search(r"proxy_set_header\s+\S+\s+\$(host|http_host)\b", text), (
        "the name is configured, not copied from the request"
    )
