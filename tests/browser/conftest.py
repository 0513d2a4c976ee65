"""A browser, demonstrations for it, and readers of their mail."""

from __future__ import annotations

import mailbox
import os
import re
import shutil
import sqlite3
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import KEYS
from tests.deploy.processes import environment, flask, free_port, running, wait_for, web

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


SAMPLE, OVER, STOPPED, CONTINUED = "janbolat-mamai", "over", "stopped", "continued"


@dataclass(frozen=True, slots=True)
class Cases:
    """A demonstration with appeals in four states: its address, the settings for its commands, and its folder.

    The states are open, ended, stopped, and ended but continued by a section.
    """

    address: str
    environ: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield the distribution's Chromium; skip where it is not installed, but not in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium found, and in CI there must be one (apt-get install chromium)")
        pytest.skip("no Chromium found: the browser journeys did not run")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(demonstration: tuple[str, dict[str, str]]) -> str:
    """Return the address of the test file's own demonstration."""
    return demonstration[0]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of a web server with a worker, and the environment of their commands."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environ = environment(
        TOCSIN_DEMO="1",
        TOCSIN_PAGE_VIEWS="1",
        TOCSIN_DATABASE_URL=f"sqlite:///{folder}/demo.db",
        TOCSIN_MAIL_URL=f"maildir:{folder}/mail",
        TOCSIN_BASE_URL=address,
    )
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    for language in ("fr", "en"):
        flask(
            environ,
            "appeal",
            "import",
            f"examples/janbolat-mamai.{language}.md",
            "--slug",
            "janbolat-mamai",
            "--deadline",
            "2099-01-01",
        )
    flask(environ, "appeal", "publish", "janbolat-mamai")
    with running(environ, [web(port), ["flask", "worker"]], folder / "log"):
        wait_for(f"{address}/readyz")
        yield address, environ


@pytest.fixture(scope="module")
def site_under_attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a site with an open appeal where every sign-up needs a proof of work."""
    folder, port = tmp_path_factory.mktemp("attacked"), free_port()
    address = f"http://127.0.0.1:{port}"
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=f"sqlite:///{folder}/tocsin.db", TOCSIN_CHALLENGE="always",
                          TOCSIN_MAIL_URL=f"maildir:{folder}/mail", TOCSIN_BASE_URL=address)  # fmt: skip
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    file = "examples/janbolat-mamai.en.md"
    flask(environ, "appeal", "import", file, "--slug", SAMPLE, "--deadline", "2099-01-01", "--publish")
    with running(environ, [web(port)], folder / "log"):
        wait_for(f"{address}/readyz")
        yield address


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    """Yield a demonstration with appeals in four states, of which the open one has texts in two languages."""
    folder = tmp_path_factory.mktemp("cases")
    address = f"http://127.0.0.1:{free_port()}"
    environ = environment(
        **KEYS,
        TOCSIN_DEMO="1",
        TOCSIN_DATABASE_URL=f"sqlite:///{folder}/demo.db",
        TOCSIN_MAIL_URL=f"maildir:{folder}/mail",
        TOCSIN_BASE_URL=address,
        TOCSIN_LIMITS_URL="off",
    )
    flask(environ, "db", "upgrade")
    flask(environ, "sections", "load")
    for slug, languages in ((SAMPLE, ("fr", "en")), (OVER, ("en",)), (STOPPED, ("en",)), (CONTINUED, ("en",))):
        for language in languages:
            file = f"examples/janbolat-mamai.{language}.md"
            last = ["--publish"] if language == languages[-1] else []
            flask(environ, "appeal", "import", file, "--slug", slug, "--deadline", "2099-01-01", *last)
    flask(environ, "appeal", "close", OVER)
    flask(environ, "appeal", "stop", STOPPED)
    outcome = folder / "outcome.md"
    outcome.write_text("He is **free**.", encoding="utf-8")
    flask(environ, "appeal", "outcome", STOPPED, "en", str(outcome))
    # No command sets a continuation or a deadline in the past; sections do so on the staff pages.
    with closing(sqlite3.connect(folder / "demo.db")) as database, database:
        continuation = "UPDATE appeal SET deadline = '2026-01-01', continuation = ? WHERE slug = ?"
        database.execute(continuation, ('{"fr": "2099-01-01", "ch": null}', CONTINUED))
    port = int(address.rpartition(":")[2])
    with running(environ, [web(port), ["flask", "worker"]], folder / "log"):
        wait_for(f"{address}/readyz")
        yield Cases(address, environ, folder)


def sign(cases: Cases, email: str) -> str:
    """Sign; return the token of the mail that asks to confirm."""
    fields = {"name": "Ada Example", "email": email, "country": "FR", "consent": "y"}
    body = urllib.parse.urlencode(fields).encode()
    urllib.request.urlopen(f"{cases.address}/fr/appeals/{SAMPLE}/sign", body, timeout=10).close()
    return mailed_link(cases, email, r"/fr/s/([\w.~-]+)")


def mailed_link(cases: Cases, email: str, pattern: str) -> str:
    """Wait for a mail to that address that matches the pattern; return the pattern's group."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for path in (cases.folder / "mail").rglob("*"):
            text = path.read_bytes().replace(b"=\n", b"").decode(errors="replace") if path.is_file() else ""
            match = re.search(pattern, text) if email in text else None
            if match:
                return match[1]
        time.sleep(0.2)
    raise AssertionError("no mail came within 20 s")


def mails_of(environ: dict[str, str]) -> list[EmailMessage]:
    """Return all mails in the Maildir of a demonstration, in no particular order."""
    box = mailbox.Maildir(environ["TOCSIN_MAIL_URL"].removeprefix("maildir:"))
    return [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in list(box.keys())]


@pytest.fixture(scope="session")
def confirmation_token(cases: Cases) -> str:
    """Return the token of a mailed confirmation link."""
    return sign(cases, "ada@mail.example")
