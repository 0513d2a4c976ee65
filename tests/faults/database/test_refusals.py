"""Refusals and errors of a database server: none is called "away", whatever its language."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from campaign.platform.database.errors import UNREACHABLE, Diagnosis, diagnose
from tests.postgresql import PostgresServer, control, is_installed, start_server

_SET_UP = (
    "CREATE ROLE known LOGIN",
    "CREATE ROLE secretly LOGIN PASSWORD 'another'",
    "CREATE ROLE numbered LOGIN CONNECTION LIMIT 0",
    "CREATE ROLE idle",
    "CREATE DATABASE closed",
    "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
    "CREATE DATABASE shut ALLOW_CONNECTIONS false",
)
_RULES = "local all secretly scram-sha-256\nlocal rejected all reject\nlocal all turned peer\n"
_REFUSED = (
    "nobody/postgres",
    "known/nothing",
    "secretly:guessed/postgres",
    "numbered/postgres",
    "idle/postgres",
    "turned/postgres",
    "known/rejected",
    "known/closed",
    "known/shut",
)


@pytest.fixture(scope="module", params=["fr", "ru"])
def speaking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The distribution's server in that language; skipped where none is installed, but never in CI."""
    if not is_installed():
        assert "CI" not in os.environ, "CI installs PostgreSQL (.ci/run)"
        pytest.skip("the distribution's PostgreSQL is not installed")
    with pytest.MonkeyPatch.context() as patch:
        # Any locale but C takes its words from LANGUAGE.
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setenv("LANGUAGE", request.param)
        server = start_server(tmp_path_factory.mktemp("speaking"), cleanup_mode=None, of_distribution=True)
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            for statement in _SET_UP:
                admin.execute(statement)
            rules = server.pgdata / "pg_hba.conf"
            rules.write_text(_RULES + rules.read_text())
            admin.execute("SELECT pg_reload_conf()")
        yield server
        control(server, "immediate", "stop")


def url_of(server: PostgresServer, who_and_where: str = "known/postgres") -> str:
    """The server's URL for another role and database."""
    who, _, where = who_and_where.partition("/")
    who = who if ":" in who else f"{who}:"
    return str(server.get_uri()).replace("postgres:@", f"{who}@").replace("/postgres?", f"/{where}?")


def refusals(url: str) -> list[Diagnosis]:
    """Return the classification of an attempt to connect, by the application and by the job queue."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with pytest.raises(DBAPIError) as error:
        engine.connect()
    with pytest.raises(psycopg.Error) as bare:
        psycopg.connect(url)
    return [diagnose(error.value), diagnose(bare.value)]


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("asked", _REFUSED)
def test_a_refusal_in_another_language_is_not_away(speaking: PostgresServer, asked: str) -> None:
    for found in refusals(url_of(speaking, asked)):
        assert found.is_transient
        assert found.words == "the database refuses us"
        # No SQLSTATE comes along, and none of the English words: the server's own are what helps.
        assert found.code == "FATAL"
        assert " failed: " in found.detail


@pytest.mark.slow
@pytest.mark.postgresql
def test_of_several_hosts_the_one_that_answered_is_told(speaking: PostgresServer) -> None:
    folder = str(speaking.get_postmaster_info().socket_dir)
    for hosts in (f"{folder},/nowhere", f"/nowhere,{folder}"):
        with pytest.raises(psycopg.Error) as error:
            psycopg.connect(f"host={hosts} user=known dbname=nothing")
        assert diagnose(error.value).words == "the database refuses us"
        assert folder in diagnose(error.value).detail


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_server_that_stops_or_starts_may_pass_in_any_language(speaking: PostgresServer) -> None:
    info = speaking.get_postmaster_info()
    with psycopg.connect(url_of(speaking)) as held:
        held.execute("SELECT 1")
        os.kill(info.pid, signal.SIGTERM)  # a shutdown that waits for who is connected
        time.sleep(0.5)
        stopping = refusals(url_of(speaking))
    end = time.monotonic() + 20
    while (speaking.pgdata / "postmaster.pid").exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    with recovering(speaking):
        starting = refusals(url_of(speaking))
    for found in stopping + starting:
        assert (found.is_transient, found.words, found.code) == (True, "the database refuses us", "FATAL"), found


@contextmanager
def recovering(server: PostgresServer) -> Iterator[None]:
    """A start that never ends: a standby that nobody may read from. As before afterwards."""
    waits, settings = server.pgdata / "standby.signal", server.pgdata / "postgresql.conf"
    before = settings.read_text()
    waits.touch(mode=0o666)
    settings.write_text(before + "\nhot_standby = off\n")
    control(server, "fast", "start")
    yield
    control(server, "immediate", "stop")
    waits.unlink()
    settings.write_text(before)
    control(server, "fast", "start")


@pytest.mark.slow
def test_a_connection_that_is_ended_is_away(postgresql_server: str) -> None:
    engine = create_engine(postgresql_server.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with psycopg.connect(postgresql_server, autocommit=True) as admin, engine.connect() as connection:
        ended = connection.connection.driver_connection
        assert ended is not None
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(DBAPIError) as error:
            connection.execute(text("SELECT 1"))
        assert (diagnose(error.value).is_transient, diagnose(error.value).words) == (True, UNREACHABLE)
        with pytest.raises(psycopg.Error) as bare:
            ended.cursor().execute("SELECT 1")
        assert (diagnose(bare.value).is_transient, diagnose(bare.value).words) == (True, UNREACHABLE)


@pytest.mark.slow
def test_a_second_command_on_one_connection_is_an_error_of_ours(postgresql_server: str) -> None:
    with psycopg.connect(postgresql_server) as connection:
        connection.pgconn.send_query(b"SELECT pg_sleep(0.2)")
        with pytest.raises(psycopg.OperationalError, match="already in progress") as error:
            connection.pgconn.send_query(b"SELECT 1")
        found = diagnose(error.value)
        assert (found.is_transient, found.words) == (False, "an error of ours")
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["sslmode=wrong", "target_session_attrs=wrong", "service=nobody", "hostaddr=nowhere"])
def test_a_wrong_setting_is_ours(postgresql_server: str, wrong: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        psycopg.connect(postgresql_server, **dict([wrong.split("=")]))  # type: ignore[arg-type]
    assert not diagnose(error.value).is_transient
    assert diagnose(error.value).words == "a setting of ours is wrong"


@pytest.mark.parametrize(
    ("said", "words", "is_transient"),
    [
        # libpq's words before and while it connects; TLS needs a server with a certificate.
        ('root certificate file "/nowhere" does not exist', "a setting of ours is wrong", False),
        ('could not load private key file "/nowhere": key values mismatch', "a setting of ours is wrong", False),
        ("SSL error: certificate verify failed", "the database's certificate or encryption is not what", True),
        ("server does not support SSL, but SSL was required", "the database's certificate or encryption is not", True),
        ("server closed the connection unexpectedly", UNREACHABLE, True),
        ("Connection refused", UNREACHABLE, True),
        ("No route to host", UNREACHABLE, True),
        ("SSL SYSCALL error: EOF detected", UNREACHABLE, True),
        # Each severity of PostgreSQL's catalogues.
        ("FATAL:  Rolle »tocsin« existiert nicht", "the database refuses us", True),
        ("FATALE:  spiacente, troppi client già connessi", "the database refuses us", True),
        ("FATALT:  databassystemet startar upp", "the database refuses us", True),
        ("ФАТАЛЬНО:  вибачте, вже забагато клієнтів", "the database refuses us", True),
        ("치명적오류:  데이터베이스 시스템이 새로 가동 중입니다.", "the database refuses us", True),
        ('ფატალური:  როლი არ არსებობს: "tocsin"', "the database refuses us", True),
        ('FATAL:  permission denied for database "tocsin"', "the database refuses us", True),
        ("FATAL:  sorry, too many clients already", "the database refuses us: too many connections", True),
        ("FATAL:  the database system is starting up", "the database is starting, stopping or recovering", True),
    ],
)
def test_an_attempt_to_connect_is_called_by_what_ended_it(said: str, words: str, is_transient: bool) -> None:
    begun = 'connection failed: connection to server at "db.example" (192.0.2.1), port 5432 failed: '
    error = psycopg.OperationalError(begun + said)
    for found in (diagnose(error), diagnose(DBAPIError("connect", None, error))):
        assert found.words.startswith(words)
        assert found.is_transient is is_transient


def _undecodable(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT CAST(x'ff6e616d65' AS TEXT) AS name").fetchall()


def _closed(connection: sqlite3.Connection) -> None:
    connection.close()
    connection.execute("SELECT 1")


def _unknown_type(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT ?", [object()])


def _too_many(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT ?", [])


@pytest.mark.parametrize("act", [_undecodable, _closed, _unknown_type, _too_many])
def test_what_the_driver_of_sqlite_refuses_is_an_error_of_ours(act: Callable[[sqlite3.Connection], None]) -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.Error) as error:
        act(connection)
    connection.close()
    for found in (diagnose(error.value), diagnose(DBAPIError("SELECT", None, error.value))):
        assert not found.is_transient
        assert UNREACHABLE not in str(found)
        assert "name" not in found.detail.partition("column 'name'")[2], "a row's value stands in the log"


def test_misuse_of_sqlite_is_an_error_of_ours() -> None:
    found = diagnose(sqlite3.InterfaceError("bad parameter or other API misuse"))
    assert (found.is_transient, found.words) == (False, "an error of ours")


def test_a_file_of_sqlite_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as error:
        sqlite3.connect(tmp_path / "nowhere" / "tocsin.db")
    assert (diagnose(error.value).is_transient, diagnose(error.value).words) == (True, UNREACHABLE)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (psycopg.errors.IdleInTransactionSessionTimeout, "the database broke a transaction off: it stood idle"),
        (psycopg.errors.DataCorrupted, "the database's data are damaged"),
        (psycopg.errors.IndexCorrupted, "an index of the database is damaged"),
    ],
)
def test_what_the_server_ends_or_has_lost_is_no_fault_of_a_statement(state: type[psycopg.Error], words: str) -> None:
    found = diagnose(state("what it says"))
    assert (found.words, found.is_transient) == (words, True)


def test_a_full_pool_is_called_what_it_is() -> None:
    found = diagnose(PoolTimeoutError("QueuePool limit of size 1 overflow 0 reached"))
    assert found.is_transient
    assert "no connection to the database became free" in found.words
