"""A site of real processes for the fault tests: its database, its mail server, and a clock that the test moves."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import delete, func, insert, select

from campaign.document import parse_text
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.factory import create_app
from campaign.models import ClockOffset, Mail
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import DOCUMENT, KEYS, context, make_database, settings_for
from tests.deploy.processes import environment, running
from tests.faults.smtp_script import Server

WORKER = ["flask", "worker"]
_UNFINISHED = {MailState.QUEUED, MailState.RETRY, MailState.SENDING}


@dataclass
class Site:
    """A site with its own database. The test's process stores sign-ups; workers are separate processes."""

    app: Flask
    environ: dict[str, str]
    server: Server
    folder: Path

    def sign(self, *emails: str, slug: str = "case") -> None:
        """Sign with each of these addresses."""
        with self.app.app_context():
            appeal = find_appeal(slug)
            assert appeal is not None
            for email in emails:
                address = parse_address(email)
                request = SignUpRequest(appeal.id, "fr", "FR", "Jeanne Martin", address, "en", "en", 1, None)
                sign(request, context=context(datetime.now(UTC), SUPPORTER))

    def states(self) -> Counter[str]:
        """Return the number of mails in each state."""
        with self.app.app_context():
            rows = db.session.execute(select(Mail.state, func.count()).group_by(Mail.state)).all()
        return Counter({str(state): int(number) for state, number in rows})

    def move_clock(self, seconds: int) -> None:
        """Move the database's clock, for every process."""
        with self.app.app_context(), transaction() as session:
            offset = session.execute(select(func.coalesce(func.sum(ClockOffset.seconds), 0))).scalar_one()
            session.execute(delete(ClockOffset))
            session.execute(insert(ClockOffset).values(id=1, seconds=offset + seconds))

    def run_until(self, is_done: Callable[[], bool], *, seconds: float = 60, step: int = 0, pause: float = 0.3) -> None:
        """Poll until the condition is true; move the clock by `step` seconds after each check."""
        end = time.monotonic() + seconds
        while not is_done():
            assert time.monotonic() < end, f"not in time: {self.states()}; {(self.folder / 'log').read_text()[-3000:]}"
            time.sleep(pause)
            if step:
                self.move_clock(step)

    def is_settled(self) -> bool:
        """Return whether every mail is sent or has failed for good."""
        return not set(self.states()) & _UNFINISHED

    def close(self) -> None:
        """Close the test process's own connections."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    @contextmanager
    def workers(self, number: int = 1, **more: str) -> Iterator[None]:
        """Run that many workers as processes."""
        with running({**self.environ, **more}, [WORKER] * number, self.folder / "log"):
            yield


def make_site(
    kind: str, server: Server, folder: Path, request: pytest.FixtureRequest, *, url: str = "", **more: str
) -> Site:
    """Make a migrated database with one open appeal, `case`; at `url`, or a new one of that kind."""
    if not url and kind == "sqlite":
        url = f"sqlite:///{folder}/faults.db"
    elif not url:
        url = make_database(request.getfixturevalue("postgresql_server"), f"faults_{secrets.token_hex(6)}")
    settings = {"TOCSIN_MAIL_URL": f"smtp://127.0.0.1:{server.port}", "TOCSIN_LIMITS_URL": "off", **more}
    # No limits here: all applications of a process share one limiter, which would go on calling a Redis that has ended.
    app = create_app(settings_for(url, folder, **{**settings, "TOCSIN_LIMITS_URL": "off"}))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(Path(__file__).parent.parent / "sections.toml", context=context())
        for slug in ("case", "other"):
            import_draft(parse_text(DOCUMENT), ImportOptions(slug=slug, deadline=date(2099, 1, 1)), context=context())
            publish(slug, context=context())
        db.session.remove()
    environ = environment(**KEYS, TOCSIN_DATABASE_URL=url, TOCSIN_MAIL_FROM="Tocsin <act@tocsin.example>", **settings)
    site = Site(app, environ, server, folder)
    request.addfinalizer(site.close)
    return site
