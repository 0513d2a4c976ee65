"""The sites that a suite measures: a migrated database of each kind, and its servers, all ended with the suite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_migrate import upgrade

from campaign.config import load as load_settings
from campaign.factory import create_app
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.services.sections.load_sections import load_sections
from tests.conftest import KEYS, context, make_database
from tests.deploy.processes import environment, free_port, running, wait_for, web
from tests.large import fill
from tests.postgresql import start_server


@dataclass(frozen=True, slots=True)
class BenchSite:
    """One database: its kind, its address, and a folder for its files."""

    kind: str
    url: str
    folder: Path

    def environ(self, **more: str) -> dict[str, str]:
        """Return the settings of the processes that use it."""
        settings = {"TOCSIN_DATABASE_URL": self.url, "TOCSIN_LIMITS_URL": "off", "TOCSIN_CHALLENGE": "off"}
        return environment(**KEYS, **(settings | more))

    def sized(self, name: str) -> BenchSite:
        """Return another empty database of the same kind."""
        if self.kind == "sqlite":
            return BenchSite(self.kind, f"sqlite:///{self.folder}/{name}.db", self.folder)
        parts = urlsplit(self.url)
        server = self.url.replace(f"{parts.username}:@", "postgres:@").replace(f"{parts.path}?", "/postgres?")
        return BenchSite(self.kind, make_database(server, f"bench{name}"), self.folder)

    def app(self, **more: str) -> Flask:
        """Return an application in this process that uses the database."""
        return create_app(load_settings(self.environ(**more), self.folder))

    def make(self, signatures: int, *, appeals: int = 1, cells: int = 0) -> Flask:
        """Migrate the database and fill it with that many signatures of the last days for `case-0` and so on."""
        app = self.app()
        with app.app_context():
            upgrade(directory=app.extensions["migrate"].directory)
            load_sections(context=context(datetime.now(UTC)))
            start = datetime.now(UTC) - timedelta(days=4)
            fill(signatures, runtime().vault, start=start, appeals=appeals, span=timedelta(days=3), cells=cells)
            db.session.remove()
            db.engine.dispose()
        return app


@contextmanager
def bench_sites(name: str, kinds: tuple[str, ...] = ("sqlite", "postgresql")) -> Iterator[list[BenchSite]]:
    """Yield an empty database of each kind."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        sites = []
        for kind in kinds:
            kind_folder = folder / kind
            kind_folder.mkdir()
            url = f"sqlite:///{kind_folder}/bench.db"
            if kind == "postgresql":
                url = make_database(str(start_server(folder / "pg").get_uri()), name)
            sites.append(BenchSite(kind, url, kind_folder))
        yield sites


@contextmanager
def serve_both(
    bench_site: BenchSite, *other_commands: list[str], workers: int = 2, **more: str
) -> Iterator[tuple[int, int]]:
    """Serve the application and the bare server with `workers` each, and run other commands; yield their ports."""
    port, bare_port = free_port(), free_port()
    bare_web = [word.replace("app:app", "bench.support.bare:app") for word in web(bare_port, workers)]
    commands = [web(port, workers), bare_web, *other_commands]
    with running(bench_site.environ(**more), commands, bench_site.folder / "log", is_fresh=True):
        wait_for(f"http://127.0.0.1:{port}/readyz")
        wait_for(f"http://127.0.0.1:{bare_port}/hello")
        yield port, bare_port
