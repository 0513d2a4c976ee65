"""Refusals and errors of a database server: in no language are they reported as "away"."""

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
def foreign_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresServer]:
    """Yield the distribution's server in that language; skip where none is installed, but not in CI."""
    if not is_installed():
        assert "CI" not in os.environ, "CI installs PostgreSQL (.ci/run)"
        pytest.skip("the distribution's PostgreSQL is not installed")
    with pytest.MonkeyPatch.context() as patch:
        # In every locale but C, messages are in the language of LANGUAGE.
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


def url_of(server: PostgresServer, role_and_database: str = "known/postgres") -> str:
    """Return the server's URL for another role and database."""
    role, _, database = role_and_database.partition("/")
    role = role if ":" in role else f"{role}:"
    return str(server.get_uri()).replace("postgres:@", f"{role}@").replace("/postgres?", f"/{database}?")


def diagnose_refusal(url: str) -> list[Diagnosis]:
    """Try to connect as the application and as the job queue do; return the diagnosis of both refusals."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with pytest.raises(DBAPIError) as error:
        engine.connect()
    with pytest.raises(psycopg.Error) as driver_error:
        psycopg.connect(url)
    return [diagnose(error.value), diagnose(driver_error.value)]


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("role_and_database", _REFUSED)
def test_a_refusal_in_another_language_is_not_reported_as_away(
    foreign_server: PostgresServer, role_and_database: str
) -> None:
    for diagnosis in diagnose_refusal(url_of(foreign_server, role_and_database)):
        assert diagnosis.is_transient
        assert diagnosis.words == "the database refuses us"
        # The error has neither a SQLSTATE nor an English message; the server's own words are in the detail.
        assert diagnosis.code == "FATAL"
        assert " failed: " in diagnosis.detail


@pytest.mark.slow
@pytest.mark.postgresql
def test_of_several_hosts_the_one_that_answered_is_named(foreign_server: PostgresServer) -> None:
    folder = str(foreign_server.get_postmaster_info().socket_dir)
    for hosts in (f"{folder},/nowhere", f"/nowhere,{folder}"):
        with pytest.raises(psycopg.Error) as error:
            psycopg.connect(f"host={hosts} user=known dbname=nothing")
        assert diagnose(error.value).words == "the database refuses us"
        assert folder in diagnose(error.value).detail


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_server_that_stops_or_starts_may_be_tried_again_in_any_language(foreign_server: PostgresServer) -> None:
    info = foreign_server.get_postmaster_info()
    with psycopg.connect(url_of(foreign_server)) as open_connection:
        open_connection.execute("SELECT 1")
        os.kill(info.pid, signal.SIGTERM)  # a shutdown that waits until all clients disconnect
        time.sleep(0.5)
        stopping = diagnose_refusal(url_of(foreign_server))
    end = time.monotonic() + 20
    while (foreign_server.pgdata / "postmaster.pid").exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    with recovering(foreign_server):
        starting = diagnose_refusal(url_of(foreign_server))
    for diagnosis in stopping + starting:
        assert (diagnosis.is_transient, diagnosis.words, diagnosis.code) == (
            True,
            "the database refuses us",
            "FATAL",
        ), diagnosis


@contextmanager
def recovering(server: PostgresServer) -> Iterator[None]:
    """Start the server as a standby that accepts no connection; restore and restart it afterwards."""
    signal_file, settings = server.pgdata / "standby.signal", server.pgdata / "postgresql.conf"
    former_settings = settings.read_text()
    signal_file.touch(mode=0o666)
    settings.write_text(former_settings + "\nhot_standby = off\n")
    control(server, "fast", "start")
    yield
    control(server, "immediate", "stop")
    signal_file.unlink()
    settings.write_text(former_settings)
    control(server, "fast", "start")


@pytest.mark.slow
def test_a_terminated_connection_is_reported_as_away(postgresql_server: str) -> None:
    engine = create_engine(postgresql_server.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with psycopg.connect(postgresql_server, autocommit=True) as admin, engine.connect() as connection:
        driver_connection = connection.connection.driver_connection
        assert driver_connection is not None
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(DBAPIError) as error:
            connection.execute(text("SELECT 1"))
        assert (diagnose(error.value).is_transient, diagnose(error.value).words) == (True, UNREACHABLE)
        with pytest.raises(psycopg.Error) as driver_error:
            driver_connection.cursor().execute("SELECT 1")
        assert (diagnose(driver_error.value).is_transient, diagnose(driver_error.value).words) == (True, UNREACHABLE)


@pytest.mark.slow
def test_a_second_command_on_one_connection_is_a_program_error(postgresql_server: str) -> None:
    with psycopg.connect(postgresql_server) as connection:
        connection.pgconn.send_query(b"SELECT pg_sleep(0.2)")
        with pytest.raises(psycopg.OperationalError, match="already in progress") as error:
            connection.pgconn.send_query(b"SELECT 1")
        diagnosis = diagnose(error.value)
        assert (diagnosis.is_transient, diagnosis.words) == (False, "an error of ours")
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["sslmode=wrong", "target_session_attrs=wrong", "service=nobody", "hostaddr=nowhere"])
def test_a_wrong_setting_is_reported_as_one(postgresql_server: str, wrong: str) -> None:
    with pytest.raises(psycopg.Error) as error:
        psycopg.connect(postgresql_server, **dict([wrong.split("=")]))  # type: ignore[arg-type]
    assert not diagnose(error.value).is_transient
    assert diagnose(error.value).words == "a setting of ours is wrong"


@pytest.mark.parametrize(
    ("message", "words", "is_transient"),
    [
        # Messages of libpq before and while it connects.
        ('root certificate file "/nowhere" does not exist', "a setting of ours is wrong", False),
        ('could not load private key file "/nowhere": key values mismatch', "a setting of ours is wrong", False),
        ("SSL error: certificate verify failed", "the database's certificate or encryption is not what", True),
        ("server does not support SSL, but SSL was required", "the database's certificate or encryption is not", True),
        ("server closed the connection unexpectedly", UNREACHABLE, True),
        ("Connection refused", UNREACHABLE, True),
        ("No route to host", UNREACHABLE, True),
        ("SSL SYSCALL error: EOF detected", UNREACHABLE, True),
        # The word for FATAL in each language of PostgreSQL.
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
def test_a_failed_connection_is_reported_by_its_cause(message: str, words: str, is_transient: bool) -> None:
    prefix = 'connection failed: connection to server at "db.example" (192.0.2.1), port 5432 failed: '
    error = psycopg.OperationalError(prefix + message)
    for diagnosis in (diagnose(error), diagnose(DBAPIError("connect", None, error))):
        assert diagnosis.words.startswith(words)
        assert diagnosis.is_transient is is_transient


def _read_undecodable_text(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT CAST(x'ff6e616d65' AS TEXT) AS name").fetchall()


def _use_closed_connection(connection: sqlite3.Connection) -> None:
    connection.close()
    connection.execute("SELECT 1")


def _bind_unknown_type(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT ?", [object()])


def _bind_too_few_values(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT ?", [])


@pytest.mark.parametrize(
    "misuse", [_read_undecodable_text, _use_closed_connection, _bind_unknown_type, _bind_too_few_values]
)
def test_misuse_of_the_sqlite_driver_is_a_program_error(misuse: Callable[[sqlite3.Connection], None]) -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.Error) as error:
        misuse(connection)
    connection.close()
    for diagnosis in (diagnose(error.value), diagnose(DBAPIError("SELECT", None, error.value))):
        assert not diagnosis.is_transient
        assert UNREACHABLE not in str(diagnosis)
        assert "name" not in diagnosis.detail.partition("column 'name'")[2], "a row's value stands in the log"


def test_misuse_of_sqlites_interface_is_a_program_error() -> None:
    diagnosis = diagnose(sqlite3.InterfaceError("bad parameter or other API misuse"))
    assert (diagnosis.is_transient, diagnosis.words) == (False, "an error of ours")


def test_an_sqlite_file_that_cannot_be_opened_is_reported_as_away(tmp_path: Path) -> None:
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
def test_ended_transactions_and_damaged_data_are_not_blamed_on_a_statement(
    state: type[psycopg.Error], words: str
) -> None:
    diagnosis = diagnose(state("what it says"))
    assert (diagnosis.words, diagnosis.is_transient) == (words, True)


def test_a_full_connection_pool_is_reported_as_such() -> None:
    diagnosis = diagnose(PoolTimeoutError("QueuePool limit of size 1 overflow 0 reached"))
    assert diagnosis.is_transient
    assert "no connection to the database became free" in diagnosis.words
