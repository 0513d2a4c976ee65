"""Deliveries a second by one worker and by two, beside a bare smtplib loop that sends the same bytes."""

from __future__ import annotations

import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from bench.support.report import Row
from campaign.config import ROOT
from campaign.document import parse_text
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.factory import create_app
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.delivery.mail_status import outbox_status
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, KEYS, context, make_database, settings_for
from tests.deploy.processes import environment, free_port, running
from tests.postgresql import start_server

MAILS = 2000
ROUNDS = 3
DOMAINS = 20
LIMIT = 0.5


@contextmanager
def mail_sink(message_file: Path) -> Iterator[int]:
    """Yield the port of a mail server in its own process, which accepts all mail and writes some to the file."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.support.mail_server", str(port), str(message_file)], cwd=ROOT
    )
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


def bare_rate(port: int, message: bytes) -> float:
    """Return the messages a second of a plain loop: one connection, one message after the other."""
    with smtplib.SMTP("127.0.0.1", port) as connection:
        started_at = time.perf_counter()
        for number in range(MAILS):
            connection.sendmail("act@tocsin.example", [f"one{number}@mail.example"], message)
        return MAILS / (time.perf_counter() - started_at)


def migrated_app(database_url: str, folder: Path) -> Flask:
    """Prepare a migrated database with one open appeal."""
    app = create_app(settings_for(database_url, folder))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(context=context())
        import_draft(parse_text(DOCUMENT), ImportOptions(slug="case"), context=context())
        publish("case", context=context())
        db.session.remove()
    return app


def store_sign_ups(app: Flask, prefix: str) -> None:
    """Store MAILS sign-ups, each of which enqueues a mail."""
    with app.app_context():
        appeal = find_appeal("case")
        assert appeal is not None
        for number in range(MAILS):
            address = parse_address(f"{prefix}-{number}@d{number % DOMAINS}.example")
            request = SignUpRequest(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, None)
            sign(request, context=runtime().context(SUPPORTER))
        db.session.remove()


def delivery_rate(app: Flask, environ: dict[str, str], workers: int, log: Path) -> float:
    """Return the deliveries a second from the first sent mails until nearly all are sent."""

    def leftover_mails() -> int:
        with app.app_context():
            by_state = outbox_status().by_state
            db.session.rollback()
        return by_state["queued"] + by_state["retry"] + by_state["sending"]

    with running(environ, [["flask", "worker"]] * workers, log, is_fresh=True):
        while (first := leftover_mails()) > MAILS * 0.97:
            time.sleep(0.02)
        started_at = time.perf_counter()
        while (remaining := leftover_mails()) > MAILS * 0.05:
            time.sleep(0.05)
        return (first - remaining) / (time.perf_counter() - started_at)


def measure_database(name: str, database_url: str, folder: Path, port: int, message_file: Path) -> list[Row]:
    """Return rows of one database; each round measures the bare loop right after the workers, with the same bytes."""
    app = migrated_app(database_url, folder)
    environ = environment(
        **KEYS,
        TOCSIN_DATABASE_URL=database_url,
        TOCSIN_MAIL_URL=f"smtp://127.0.0.1:{port}",
        TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>",
    )
    rows = []
    for workers, label in ((1, "deliveries by one worker"), (2, "deliveries by two workers")):
        pairs = []
        for turn in range(ROUNDS):
            store_sign_ups(app, f"{workers}{turn}")
            rate = delivery_rate(app, environ, workers, folder / "log")
            pairs.append((rate, bare_rate(port, message_file.read_bytes())))
        rate, comparison_rate = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        ratio = statistics.median(own / comparison for own, comparison in pairs)
        rows.append(Row(name, label, rate, comparison_rate, "1/s", ratio, LIMIT if workers == 1 else None))
    with app.app_context():
        db.engine.dispose()
    return rows


def measure_suite() -> list[Row]:
    """Return the deliveries a second, against the bare loop."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        message_file = folder / "message"
        with mail_sink(message_file) as port:
            rows = measure_database("sqlite", f"sqlite:///{folder}/bench.db", folder, port, message_file)
            server = start_server(folder / "pg")
            return rows + measure_database(
                "postgresql", make_database(str(server.get_uri()), "bench"), folder, port, message_file
            )
