"""Fixtures of all tests: real SQLite and PostgreSQL databases, built by the migrations, empty for each test.

Tests commit instead of running inside a savepoint, so that they see the same rows as a second process.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import Connection, delete, event, exists, func, insert, literal, select, text, union_all, update

from campaign import config
from campaign.document import parse_text
from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose
from campaign.domain.staff.actor import OPERATOR, SUPPORTER, Actor
from campaign.factory import bind_queue, create_app
from campaign.mail.extension import mail
from campaign.mail.smtp.connection import MailConnection
from campaign.models import AuditEntry, AuditHead, ClockOffset, Mail, Signature, SignUp
from campaign.models.counting.tally import RollupProgress
from campaign.platform import Model, db, huey, limiter
from campaign.platform.context import Context, Keys
from campaign.platform.runtime import RUNTIME_KEY, Runtime, runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.delivery.dispatcher import deliver_due
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.sections.load_sections import load_sections
from campaign.services.signing.confirm import confirm
from campaign.services.signing.confirm_statement import ConsentChoices
from campaign.services.staff.password_reset import answer_reset_requests
from campaign.web.caching.data_cache import DataCache
from campaign.web.caching.page_cache import PageCache
from campaign.web.public.signing.sign import TARGET_MAILBOXES
from tests.deploy.processes import redis
from tests.postgresql import LOG, PostgresServer, control, start_server

pytest_plugins = [
    "pytester",
    "tests.attack",
    "tests.failure_report",
    "tests.tables",
    "tests.durations",
    "tests.nightly",
]

# The stored moment of a rollup that has never run.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = {
    "TOCSIN_SECRET_KEY": "a secret for tests, long enough to be taken",
    "TOCSIN_DATA_KEY": base64.b64encode(b"d" * 32).decode(),
    "TOCSIN_INDEX_KEY": base64.b64encode(b"i" * 32).decode(),
}
DOCUMENT = """First UA: 7/26 Index: AMR 23/9001/2026 Colombia Date: 20 February 2026

# URGENT ACTION

## TEACHER THREATENED FOR TEACHING

**Ana Ruiz Vega, a village teacher, has received three death threats. She must be protected.**

**TAKE ACTION: WRITE AN APPEAL IN YOUR OWN WORDS OR USING THIS MODEL LETTER**

**Minister of the Interior**
Pedro Alba Montes
Calle Ejemplo 1
Bogotá, Colombia
Email: minister@interior.example

*Dear Minister,*

*I fear for the life of Ana Ruiz Vega.*

***I ask you to protect her at once.***

*Yours sincerely,*

## ADDITIONAL INFORMATION

The school stands in the hills above the river.

**PREFERRED LANGUAGE TO ADDRESS TARGET:** Spanish
You can also write in your own language.

**PLEASE TAKE ACTION AS SOON AS POSSIBLE UNTIL:** 12 April 2026

**NAME AND PREFERRED PRONOUN:** Ana Ruiz Vega (she/her)

**LINK TO PREVIOUS UA:** N/A
"""

# The same case in another language.
FRENCH = """Première AU : 7/26 Index : AMR 23/9001/2026 Colombie Date : 20 février 2026

# ACTION URGENTE

## UNE INSTITUTRICE MENACÉE POUR SES COURS

Ana Ruiz Vega, institutrice dans un village, a reçu trois menaces de mort.

**PASSEZ À L'ACTION : ENVOYEZ UN APPEL EN UTILISANT VOS PROPRES MOTS OU EN VOUS INSPIRANT DU MODÈLE DE
LETTRE CI-DESSOUS**

**Ministre de l'Intérieur**
Pedro Alba Montes
Calle Ejemplo 1
Bogotá, Colombie
Courriel : minister@interior.example

*Monsieur le Ministre,*

*Je crains pour la vie d'Ana Ruiz Vega.*

*Veuillez agréer, Monsieur le Ministre, l'expression de ma haute considération,*

## COMPLÉMENT D'INFORMATION

L'école se trouve dans les collines.

**MERCI D'AGIR DANS LES PLUS BREFS DÉLAIS ET AVANT LE :** 12 AVRIL 2026

**PRÉNOM, NOM ET PRONOM À UTILISER :** Ana Ruiz Vega (elle)
"""


class Clock:
    """The application's clock, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Postbox:
    """A mail server that stores the messages it is sent, or answers as a test wants."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[DeliveryAttempt] = []

    def connect(self) -> PostboxConnection:
        """Return a connection to this server, as `mail.connect()` returns one."""
        return PostboxConnection(current_app.app_context().app, self)

    def send(self, sender: str, recipient: str, message: bytes) -> DeliveryAttempt:
        # RFC 5321, 4.5.3.1.6: a longer line is refused, or cut on its way.
        assert max(len(line) for line in message.splitlines()) <= 998
        self.messages.append(message_from_bytes(message, policy=policy.default))
        self.recipients.append(recipient)
        return self.answers.pop(0) if self.answers else DeliveryAttempt(DeliveryOutcome.SENT, "dot", 250)

    def link(self, number: int = -1) -> str:
        """Return the path of the /s/ or /m/ link in a message's text."""
        return link_of(self.messages[number])


class PostboxConnection(MailConnection):
    """A connection to a postbox."""

    def __init__(self, app: Flask, postbox: Postbox) -> None:
        super().__init__(app)
        self._postbox = postbox

    def deliver(self, sender: str, recipient: str, content: bytes) -> DeliveryAttempt:
        return self._postbox.send(sender, recipient, content)

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def text_of(message: EmailMessage) -> str:
    """Return the plain text of a message."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def link_of(message: EmailMessage) -> str:
    """Return the path of the link that a message asks to follow; a link to the signer's own data may come after it."""
    links = re.findall(r"http://\S+?(/[a-z]{2}/[sm]/\S+)", text_of(message))
    assert len(links) == 1 or ("/s/" in links[0] and links[1].endswith("/me") and len(links) == 2), links
    return str(links[0])


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return two processes more than pytest would: many tests wait for processes of their own."""
    return (yield) + 2


# Folders that test code which names a dialect, row security, plans of queries or locks.
_DIALECT_FOLDERS = ("backup", "code", "counting", "delivery", "faults/database", "outbox", "platform", "staff/access")
_WAITING_FOLDERS = ("tests/faults/", "tests/browser/", "tests/deploy/", "tests/backup/", "tests/privacy/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses PostgreSQL, by parameter or fixture, and every test of code that names a dialect.

    `.ci/run` repeats the tests with both marks on the distribution's server, `make nightly` those with the first.
    """
    for item in items:
        if item.nodeid.startswith(tuple(f"tests/{folder}/" for folder in _DIALECT_FOLDERS)):
            item.add_marker(pytest.mark.dialect)
        call = getattr(item, "callspec", None)
        uses_server = {"postgresql_server", "postgresql_url", "own_server"} & set(getattr(item, "fixturenames", ()))
        if uses_server or (call is not None and "postgresql" in call.params.values()):
            item.add_marker(pytest.mark.postgresql)
    items[:] = _mix_waiting_files(items)


def _mix_waiting_files(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with the files that wait for other processes spread evenly among the others.

    So the processors have work while some test processes wait, and no waiting file is alone at the end.
    """
    files: dict[bool, dict[str, list[pytest.Item]]] = {True: {}, False: {}}
    for item in items:
        name = item.nodeid.partition("::")[0]
        files[name.startswith(_WAITING_FOLDERS)].setdefault(name, []).append(item)
    placed: list[tuple[float, list[pytest.Item]]] = []
    for is_waiting, named in files.items():
        length = 0.8 if is_waiting else 1.0  # the waiting files end before the others
        placed += [(length * number / len(named), tests) for number, tests in enumerate(named.values())]
    return [item for _, tests in sorted(placed, key=lambda place: place[0]) for item in tests]


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect_socket = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test reached for {address}")
        connect_socket(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """Return the URL of a server shared by all test processes; it ends with the last of them."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    server = start_server(shared / "pg")
    request.config.stash[LOG] = server.log
    address = str(server.get_uri())
    _forgo_durability(address)
    return address


def _forgo_durability(server: str) -> None:
    """Let the server write without waiting for the disk: no test kills this one, and it is empty in the next run."""
    with psycopg.connect(server, autocommit=True) as admin:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            admin.execute(f"ALTER SYSTEM SET {setting} = off")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """Return a server that no other test uses."""
    server = start_server(tmp_path / "pg", cleanup_mode=None)
    yield server
    try:
        control(server, "immediate", "stop")
    except subprocess.CalledProcessError:
        server.get_postmaster_info().process.kill()  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: str) -> str:
    """Return the URL of an empty database of this test process; an ordinary role owns it and connects to it."""
    return make_database(postgresql_server, "tests_" + os.environ.get("PYTEST_XDIST_WORKER", "main"))


def make_database(server: str, name: str) -> str:
    """Make a new database and its ordinary owner."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
        admin.execute(f'DROP ROLE IF EXISTS "{name}"')
        admin.execute(f'CREATE ROLE "{name}" LOGIN NOSUPERUSER')
        admin.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
    return server.replace("postgres:@", f"{name}:@").replace("/postgres?", f"/{name}?")


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a separate Redis server without files; skip where none is installed, but not in CI."""
    if shutil.which("redis-server") is None:
        assert "CI" not in os.environ, "CI installs redis-server (.ci/run)"
        pytest.skip("redis-server is not installed")
    with redis(tmp_path) as url:
        yield url


# The quick part of the gate uses SQLite only, the whole gate both databases.
DATABASES = ["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.postgresql])]


@pytest.fixture(scope="session", params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of each of the two databases in turn."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/tocsin.db"


def settings_for(database_url: str, folder: Path, **more: str) -> config.Settings:
    """Return checked settings with the tests' keys."""
    environ = {**KEYS, "TOCSIN_DATABASE_URL": database_url, "TOCSIN_MAIL_FROM": "Tocsin <act@tocsin.example>", **more}
    return config.load(environ, folder)


@pytest.fixture(scope="session")
def migrated_app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return the one migrated application of each database, with the tests' sections."""
    with migrated(database_url, tmp_path_factory.mktemp("root")) as app:
        yield app


def context(now: datetime = START, actor: Actor = OPERATOR, *, vault: Vault | None = None) -> Context:
    """Return the context of a change in the current application; `vault` replaces the application's."""
    app_runtime = runtime()
    return Context(actor, now, Keys(vault or app_runtime.vault, app_runtime.tokens), app_runtime.settings)


def _forgo_sqlite_durability(connection: Any, _record: Any) -> None:
    """Let this process commit without waiting for the disk; tests that kill processes have databases of their own."""
    connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def migrated(database_url: str, folder: Path) -> Iterator[Flask]:
    """Make an application on an empty database: migrated, with the tests' sections."""
    app = create_app(settings_for(database_url, folder))
    for each_app in (app, app.extensions["tocsin_staff"]):
        with each_app.app_context():
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", _forgo_sqlite_durability)
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        load_sections(Path(__file__).parent / "sections.toml", context=context())
        with db.engine.begin() as connection:
            _empty_audit_log(connection)
    # Fast hashing, because the passwords of tests need no protection.
    hashing = app.extensions["tocsin_staff"].extensions["security"].pwd_context
    hashing.update(argon2__time_cost=1, argon2__memory_cost=64, argon2__parallelism=1)
    yield app
    for each_app in (app, app.extensions["tocsin_staff"]):
        with each_app.app_context():
            db.engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """Return the application's clock."""
    return Clock()


@pytest.fixture
def app(migrated_app: Flask, clock: Clock) -> Iterator[Flask]:
    """Return the application with empty tables, empty caches and the clock at START."""
    former_runtime: Runtime = migrated_app.extensions[RUNTIME_KEY]
    migrated_app.extensions[RUNTIME_KEY] = Runtime(
        former_runtime.settings, former_runtime.vault, former_runtime.tokens, clock
    )
    migrated_app.extensions["tocsin_staff"].extensions[RUNTIME_KEY] = migrated_app.extensions[RUNTIME_KEY]
    migrated_app.extensions["tocsin_data_cache"] = DataCache()
    migrated_app.extensions["tocsin_page_cache"] = PageCache()
    migrated_app.extensions["tocsin_response_cache"].clear()
    former_runtime.vault.row_keys.drop_batches()
    former_runtime.vault.month_keys.clear()
    # Periodic jobs and their queue belong to the application that was made last.
    huey.app = migrated_app
    bind_queue(former_runtime.settings)
    with migrated_app.app_context():
        limiter.reset()
        # Read the list now and keep it fresh, so that no test that counts statements reads it.
        target_mailboxes = migrated_app.extensions[TARGET_MAILBOXES] = TargetMailboxes(former_runtime.settings)
        target_mailboxes.contains(parse_address("nobody@mail.example"))
        target_mailboxes._expires_at = float("inf")
        db.session.rollback()
        yield migrated_app
        db.session.rollback()
        with db.engine.begin() as connection:
            _empty_tables(connection)
        db.session.remove()


# Tables without those that have rows in every test: the migrations and the tests' sections fill them.
_TABLES = [
    table for table in Model.metadata.sorted_tables if table.name not in {"section", "rollup_progress", "audit_head"}
]
_FIND_USED = union_all(*(select(literal(table.name)).where(exists().select_from(table)) for table in _TABLES))


def _empty_tables(connection: Connection) -> None:
    """Empty the tables in which a test has left rows; one statement finds them, because most tests use few tables."""
    used = set(connection.scalars(_FIND_USED))
    if "audit_entry" in used:
        _empty_audit_log(connection)
    for table in reversed(_TABLES):
        if table.name in used and table.name != "audit_entry":
            connection.execute(delete(table))
    connection.execute(update(RollupProgress).values(days_before=NEVER, slots_before=NEVER))


def _empty_audit_log(connection: Connection) -> None:
    """Empty the audit log: drop the triggers that make it append-only, and create them again."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'audit_entry' AND type = 'trigger'")
        )
        triggers = found.all()
        for name, _sql in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(delete(AuditEntry))
        for _name, sql in triggers:
            connection.execute(text(sql))
    else:
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(delete(AuditEntry))
        connection.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER USER"))
    connection.execute(update(AuditHead).values(entry_id=0, seal=runtime().vault.head_seal(0, bytes(32))))


@pytest.fixture
def sync_database_clock(app: Flask, clock: Clock) -> Callable[[], None]:
    """Return a function that sets the database's clock to the application's; jobs that close or delete compare both."""

    def set_database_clock() -> None:
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(delete(ClockOffset))
            seconds = round((clock.now - datetime.now(UTC)).total_seconds())
            connection.execute(insert(ClockOffset).values(id=1, seconds=seconds))

    return set_database_clock


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without JavaScript."""
    return app.test_client()


# Parsed once, because hundreds of tests begin with the same document.
_parse_cached = cache(parse_text)


@pytest.fixture
def appeal(app: Flask) -> AppealView:
    """Return an open appeal in English with a deadline on 12 April 2026."""
    slug = import_draft(_parse_cached(DOCUMENT), ImportOptions(slug="ana-ruiz-vega"), context=context()).slug
    publish(slug, context=context())
    found = find_appeal(slug)
    assert found is not None
    db.session.rollback()
    return found


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    """Return the mail server that receives what is delivered."""
    postbox = Postbox()
    monkeypatch.setattr(mail, "connect", postbox.connect)
    return postbox


@pytest.fixture
def deliver(app: Flask, postbox: Postbox) -> Any:
    """Return a function that answers reset requests as a worker does, delivers due mail and counts the outcomes."""

    def answer_and_deliver() -> dict[str, int]:
        answer_reset_requests(context=context())
        return dict(deliver_due(connections=1, context=runtime().context(OPERATOR)))

    return answer_and_deliver


def form(**changes: str) -> dict[str, str]:
    """Return the fields of a sign-up as the form sends them."""
    return {"name": "Jeanne Martin", "email": "jeanne@mail.example", "country": "FR", "consent": "y"} | changes


def count_rows(model: Any) -> int:
    """Return the number of rows of a model, outside any transaction that the test has begun."""
    db.session.rollback()
    number = db.session.execute(select(func.count()).select_from(model)).scalar_one()
    db.session.rollback()
    return int(number)


def clear_caches(app: Flask) -> None:
    """Clear the caches in which the process keeps pages and counts for a second."""
    app.extensions["tocsin_data_cache"] = DataCache()
    app.extensions["tocsin_response_cache"].clear()


DAY = timedelta(days=1)


def confirm_at(sign_up_id: int, now: datetime, *, updates: bool = False, shares_name: bool = False) -> int:
    """Confirm as the page does, and return the signature's id."""
    app_runtime = runtime()
    row = db.session.execute(select(SignUp.link_key, SignUp.content_digest).where(SignUp.id == sign_up_id)).one()
    token = app_runtime.tokens.make(Purpose.CONFIRM, sign_up_id, now, row.link_key, row.content_digest)
    link, choices = app_runtime.tokens.read(Purpose.CONFIRM, token, now), ConsentChoices(updates, shares_name)
    return confirm(link, choices, context=context(now, SUPPORTER))[0].signature_id


def confirm_newest(now: datetime, *, updates: bool = False, shares_name: bool = False) -> int:
    """Confirm the newest sign-up, and return the signature's id."""
    return confirm_at(newest_sign_up(), now, updates=updates, shares_name=shares_name)


def newest_sign_up() -> int:
    """Return the id of the newest sign-up, by its mail: ids of sign-ups are random, ids of mails ascend."""
    by_newest_mail = select(Mail.sign_up_id).where(Mail.sign_up_id.is_not(None)).order_by(Mail.id.desc()).limit(1)
    sign_up_id = db.session.scalars(by_newest_mail).first() or db.session.scalars(select(SignUp.id)).one()
    db.session.rollback()
    return sign_up_id


def manage_token(signature_id: int, *, purpose: Purpose = Purpose.MANAGE, now: datetime = START) -> str:
    """Return a token for the supporter's page of a signature."""
    link_key = db.session.scalars(select(Signature.link_key).where(Signature.id == signature_id)).one()
    db.session.rollback()
    return runtime().tokens.make(purpose, signature_id, now, link_key or b"")
