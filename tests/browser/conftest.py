"""A browser, and a demonstration of its own for each file of tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.processes import environment, flask, free_port, running, wait_for, web

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


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
