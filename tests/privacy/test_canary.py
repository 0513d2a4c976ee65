"""Canaries: after all actions of supporters and staff, no written file reveals who did them.

The processes are real and behind a proxy, the access log is on and all logs are at their most detailed level. The SMTP
server repeats addresses in its refusals. A dump of the database is searched too.
"""

from __future__ import annotations

import base64
import io
import json
import os
import quopri
import re
import subprocess
import urllib.parse
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from passlib.totp import TOTP
from werkzeug.test import EnvironBuilder

from campaign.domain.backup.backup_file import new_key
from tests.attack import Figure
from tests.conftest import DOCUMENT, KEYS, make_database
from tests.deploy.inbox import Inbox
from tests.deploy.processes import environment, flask, free_port, running, wait_for, wait_until, web
from tests.mail.dsn import MESSAGE, return_paths
from tests.postgresql import programs
from tests.staff.page_forms import Forms
from tests.staff.staff_clients import PASSWORD

pytestmark = pytest.mark.slow

NAME = "Zébédéia Quuxworth"
DOMAIN = "quuxmail.example"
LOCALS = ("zebedeia.keeps", "zebedeia.leaves", "zebedeia.waits", "zebedeia.refused", "zebedeia.typed", "zebedeia.paper")
NETWORKS = ("203.0.113.77", "198.51.100.201", "2001:db8:77:88::9")
STAFF = "cleo@staff.example"
COMMON = ("@quuxmail", "quuxmail", "Quuxworth", "zebedeia", "Zébédéia", *NETWORKS)


# Printed output may end up in a journal.
COMMANDS = (("privacy", "report"), ("mail", "status"), ("mail", "dead"), ("staff", "list"), ("keys", "status"))
REPORT = (
    b"From: MAILER-DAEMON@quuxmail.example\nTo: %s\nContent-Type: text/plain\n\n"
    b"550 5.1.1 <zebedeia.keeps@quuxmail.example> user unknown\n"
)


class AddressRepeatingInbox(Inbox):
    """An SMTP server whose refusals repeat the address."""

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "refused" in address:
            return f"550 5.1.1 <{address}>: {address} unknown, dear {address.upper()}"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Browser:
    """A browser behind a proxy that follows no redirect."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._number = 0

    def request(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Send a request; return the status and, where it redirects, the address."""
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
def test_no_file_reveals_who_signed(kind: str, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure) -> None:
    url = f"sqlite:///{tmp_path}/tocsin.db"
    if kind == "postgresql":
        url = make_database(request.getfixturevalue("postgresql_server"), "canary")
    inbox = AddressRepeatingInbox()
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
        TOCSIN_ERASURE_JOURNAL=str(tmp_path / "erasure_journal"),
        # The client programs must have the version of the server.
        PATH=f"{programs()}{os.pathsep}{os.environ['PATH']}",
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
            tokens = act_as_supporters(Browser(port), inbox)
            flask(environ, "staff", "add", STAFF, "--section", "fr", "--role", "editor", "--locale", "en")
            tokens.add(act_as_staff(f"http://127.0.0.1:{port}", inbox))
            bounced = tmp_path.parent / f"{tmp_path.name}.eml"  # the report that the mail server pipes in
            bounced.write_bytes(REPORT % return_paths().make(1, MESSAGE).encode())
            said = [flask(environ, *command) for command in (*COMMANDS, ("mail", "bounces", str(bounced)))]
            flask(environ, "backup", "create", str(tmp_path / "backup.age"), "--to", new_key()[1])
            (tmp_path / "commands").write_text("\n".join(said), encoding="utf-8")
            wait_until(lambda: json.loads(flask(environ, "mail", "status", "--json")).get("queued") == 0)
    finally:
        smtp.stop()
    assert list((tmp_path / "erasure_journal").iterdir())
    if kind == "postgresql":
        dump(url, tmp_path / "dump.sql")
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(b"INSERT INTO public.signature" in c or b"CREATE TABLE signature" in c for c in written.values())
    assert b"GET /staff/invitation/[token]" in written[tmp_path / "access.log"]
    assert written[tmp_path / "backup.age"].startswith(b"age-encryption.org/v1")
    assert b"GET /en/m/[token]/me" in written[tmp_path / "access.log"]  # proves that the log was written
    assert any(b"signature" in content for content in written.values())
    assert any(b"zebedeia" in mail for mails in inbox.mails.values() for mail in mails)
    wanted = (*search_patterns(*COMMON), *(token.encode() for token in tokens))
    found = {needle: [str(path) for path, content in written.items() if needle in content] for needle in wanted}
    found = {needle: paths for needle, paths in found.items() if paths}
    figure(f"6 at rest: traces of a name, an address or a link in {len(written)} files", len(found), "0")
    assert found == {}


def act_as_supporters(browser: Browser, inbox: AddressRepeatingInbox) -> set[str]:
    """Do every action of supporters; return the mailed tokens."""
    sign = "/en/appeals/case/sign"
    fields = {"name": NAME, "country": "FR", "consent": "y", "updates": "y", "share_name": "y"}
    for local in LOCALS[:4]:
        assert browser.request("POST", sign, fields | {"email": f"{local}@{DOMAIN}"})[0] == 303
    assert browser.request("POST", sign, {"name": NAME, "email": f"{LOCALS[4]}@{DOMAIN}"})[0] == 422
    browser.request("GET", f"{sign}?name={urllib.parse.quote(NAME)}&email={LOCALS[4]}%40{DOMAIN}&via=stall")
    browser.request("GET", f"/en/{LOCALS[4]}@{DOMAIN}")
    browser.request("POST", "/en/new-link", {"email": f"{LOCALS[4]}@{DOMAIN}"})
    browser.request("POST", sign, fields | {"email": f"{LOCALS[4]}@{DOMAIN}"}, Origin="https://elsewhere.example")
    wait_until(lambda: len(inbox.mails) == 3)
    links = {local: links_in(inbox.mails[f"{local}@{DOMAIN}"][0]) for local in LOCALS[:3]}
    for local in LOCALS[:2]:
        confirm = next(link for link in links[local] if "/s/" in link)
        assert browser.request("GET", confirm, Referer=f"http://127.0.0.1{confirm}")[0] == 200
        assert browser.request("HEAD", confirm)[0] == 200
        assert browser.request("GET", f"{confirm[:-2]}xx")[0] == 404
        status, act = browser.request("POST", confirm, {"x": "y"})
        assert status == 303
        me = act.replace("/act", "/me")
        assert browser.request("GET", me, Referer=f"http://127.0.0.1{act}")[0] == 200
        assert browser.request("POST", act, {"channel": "letter", "target": "1"})[0] == 303
        links[local].append(me)
    browser.request("POST", sign, fields | {"email": f"{LOCALS[0]}@{DOMAIN}"})
    browser.request("POST", "/en/new-link", {"email": f"{LOCALS[0]}@{DOMAIN}"})
    leaving = links[LOCALS[1]][-1]
    assert browser.request("POST", leaving, {"signature": "all", "do": "withdraw"})[0] == 303
    assert browser.request("POST", leaving, {"signature": "all", "do": "erase"})[0] == 303
    unsubscribe = next((link for link in links[LOCALS[2]] if "/u/" in link), None)
    if unsubscribe:
        browser.request("POST", unsubscribe, {"List-Unsubscribe": "One-Click"})
    wait_until(lambda: len(inbox.mails[f"{LOCALS[0]}@{DOMAIN}"]) >= 3)
    everything = [link for one in links.values() for link in one]
    return {part for link in everything for part in link.split("/") if len(part) > 40}


class StaffBrowser:
    """A member of staff who fills in the forms of pages, and follows redirects."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self._opener.addheaders = [("X-Forwarded-For", NETWORKS[1])]

    def get(self, path: str) -> str:
        """Return a page."""
        with self._opener.open(f"{self._site}{path}") as answer:
            return str(answer.read().decode())

    def send(self, path: str, page: str = "", file: bytes = b"", **fields: str) -> str:
        """Send the form that leads to `path` from that page (or from `page`); return the answer."""
        forms = Forms(page or self.get(path)).forms
        (form, *_) = [one for one in forms if one.action in {path, ""}]
        data: dict[str, Any] = form.values | fields
        builder = EnvironBuilder(method="POST", data=data | ({"file": (io.BytesIO(file), "s.csv")} if file else {}))
        environ = builder.get_environ()
        sent = Request(f"{self._site}{path}", environ["wsgi.input"].read(), {"Content-Type": environ["CONTENT_TYPE"]})
        with self._opener.open(sent) as answer:
            return str(answer.read().decode())


def set_up_second_factor(desk: StaffBrowser, page: str) -> str:
    """Set up an authenticator from the page that the first log-in leads to; return the page after it."""
    shown = desk.send("/staff/tf-setup", page)
    key = re.findall(r"<code>([^<]+)</code>", shown)[0].replace("-", "")
    return desk.send("/staff/tf-validate", shown, code=TOTP(key=key, format="base32").generate().token or "")


def act_as_staff(site: str, inbox: AddressRepeatingInbox) -> str:
    """Do every action of staff with names and addresses; return the mailed token."""
    wait_until(lambda: STAFF in inbox.mails)
    part = message_from_bytes(inbox.mails[STAFF][0], policy=policy.default).get_body(("plain",))
    assert part is not None
    link = re.findall(r"/staff/invitation/\S+", str(part.get_content()))[0]
    desk, case = StaffBrowser(site), "/staff/appeals/case"
    desk.send(link, password=PASSWORD)
    desk.send("/staff/login", email=f"{LOCALS[4]}@{DOMAIN}", password=NAME)  # personal data typed into the wrong form
    assert "/staff/logout" in set_up_second_factor(desk, desk.send("/staff/login", email=STAFF, password=PASSWORD))
    rows = f"name,email,country,consent\n{NAME},{LOCALS[5]}@{DOMAIN},FR,y\n".encode()
    page = desk.send(f"{case}/sheet/file", desk.get(f"{case}/sheet"), rows)
    desk.send(f"{case}/sheet/save", page)  # the mail to that address shows that it was accepted
    room = desk.get("/staff/moderation")
    assert f"{LOCALS[0]}@{DOMAIN}" in desk.send("/staff/moderation/search", room, who=NAME, reason="asked by letter")
    assert "Let it be" in desk.send("/staff/moderation/invalidations", room, pattern="zebedeia", reason="a flood")
    reason = f"For the meeting with {LOCALS[0]}@{DOMAIN}"
    assert NAME in desk.send(f"{case}/signatures", reason=reason, addresses="y")
    desk.send(f"{case}/handovers", target="1", reason="For the meeting")
    wait_until(lambda: "names.csv" in desk.get(f"{case}/handovers"))
    wait_until(lambda: f"{LOCALS[5]}@{DOMAIN}" in inbox.mails)
    return str(link).rpartition("/")[2]


def links_in(content: bytes) -> list[str]:
    """Return the paths of the site in a mail's text."""
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return re.findall(r"http://[^/\s]+(/[a-z]{2}/[smu]/\S+)", str(part.get_content()))


def search_patterns(*words: str) -> Iterator[bytes]:
    """Yield the words in every encoding of a file: plain, capitals, base64 at any offset, quoted, hex, URL."""
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
                    # The first and last characters also encode the bytes around the word.
                    yield base64.b64encode(b"x" * offset + plain)[4:-4]


def dump(url: str, path: Path) -> None:
    """Dump the whole database as SQL into the file, as the owner of its tables does for a backup."""
    plain = url.replace("postgresql+psycopg", "postgresql")
    command = [
        str(programs() / "pg_dump"),
        "--enable-row-security",
        "--inserts",
        "--file",
        str(path),
        plain,
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_the_search_finds_each_encoding() -> None:
    found = list(search_patterns("zebedeia.keeps@quuxmail.example"))
    hidden = base64.b64encode(b'{"to": "zebedeia.keeps@quuxmail.example"}')
    assert any(needle in hidden for needle in found)
    assert b"zebedeia.keeps@quuxmail.example" in found
