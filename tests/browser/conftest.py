"""A browser, and a demonstration of its own for each file of tests."""

from __future__ import annotations

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


SAMPLE, OVER, STOPPED, GOING = "janbolat-mamai", "over", "stopped", "going"


@dataclass(frozen=True, slots=True)
class Cases:
    """A demonstration with an open, an ended, a stopped and an appeal with which a section goes on: where it runs, and
    its settings for commands.
    """

    address: str
    environ: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; mandatory in CI."""
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
    """The address of a demonstration of its own."""
    return demonstration[0]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Web and worker: where it is, and the environment for its commands."""
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


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    """One open appeal in two languages, one that is over, one stopped with its outcome told, one gone on with."""
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
    for slug, languages in ((SAMPLE, ("fr", "en")), (OVER, ("en",)), (STOPPED, ("en",)), (GOING, ("en",))):
        for language in languages:
            file = f"examples/janbolat-mamai.{language}.md"
            last = ["--publish"] if language == languages[-1] else []
            flask(environ, "appeal", "import", file, "--slug", slug, "--deadline", "2099-01-01", *last)
    flask(environ, "appeal", "close", OVER)
    flask(environ, "appeal", "stop", STOPPED)
    told = folder / "outcome.md"
    told.write_text("He is **free**.", encoding="utf-8")
    flask(environ, "appeal", "outcome", STOPPED, "en", str(told))
    # No command says so: a section says it in the staff room, and no deadline is set in the past.
    with closing(sqlite3.connect(folder / "demo.db")) as database, database:
        going = "UPDATE appeal SET deadline = '2026-01-01', continuation = ? WHERE slug = ?"
        database.execute(going, ('{"fr": "2099-01-01", "ch": null}', GOING))
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
    """Return the match of the pattern in a mail to that address, as soon as one has come."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for path in (cases.folder / "mail").rglob("*"):
            text = path.read_bytes().replace(b"=\n", b"").decode(errors="replace") if path.is_file() else ""
            found = re.search(pattern, text) if email in text else None
            if found:
                return found[1]
        time.sleep(0.2)
    raise AssertionError("no mail came within 20 s")


@pytest.fixture(scope="session")
def mailed(cases: Cases) -> str:
    """The token of a confirmation mail that a supporter has got."""
    return sign(cases, "ada@mail.example")
