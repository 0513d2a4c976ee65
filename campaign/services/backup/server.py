"""The backup of PostgreSQL: pg_dump of one snapshot, and the restore by pg_restore and psql in one transaction."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import IO

from sqlalchemy import Connection, Engine, func, select, table, text

from campaign.domain.backup.backup_file import BackupError, ByteReader, Manifest
from campaign.domain.privacy.cipher import Vault
from campaign.services.backup.programs import RunningProgram, connection_of, environment, find_program, running

# The tables of the job queue (Huey) are not backed up: they have waiting jobs only, whose data is in other tables.
_QUEUE_TABLE_PREFIX = "huey_"
_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND NOT starts_with(tablename, :queue)"
)
_COPY_STATEMENT = re.compile(rb'COPY (?:[^ .]+\.)?"?([^ ."]+)"? \(')
# Drops all tables and functions of the application, except Huey's tables. It waits for a lock for 10 seconds at most.
_CLEAR_SCHEMA = """SET lock_timeout = '10s';
DO $clear$ DECLARE one record; BEGIN
  FOR one IN SELECT tablename FROM pg_tables
    WHERE schemaname = current_schema() AND NOT starts_with(tablename, 'huey_') LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', one.tablename);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE pronamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', one.name);
  END LOOP;
END $clear$;
"""
# The names of tables come from the file, and anyone with the public key can make such a file: they are quoted.
_CHECK_COUNTS = """DO $check$ DECLARE one record; found bigint; BEGIN
  FOR one IN SELECT key AS name, value::bigint AS rows FROM json_each_text(current_setting('tocsin.rows')::json) LOOP
    EXECUTE format('SELECT count(*) FROM %I', one.name) INTO found;
    IF found <> one.rows THEN RAISE EXCEPTION 'other rows in % than were backed up', one.name; END IF;
  END LOOP;
END $check$;
"""


@contextmanager
def source(engine: Engine, now: datetime, vault: Vault) -> Iterator[tuple[Manifest, ByteReader]]:
    """Yield the manifest and a reader of the dump, both of the same snapshot. Sign-ups continue meanwhile.

    Raises BackupError.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        if not connection.execute(text("SELECT tocsin_sees_all_sections()")).scalar_one():
            raise BackupError("this role sees one section only: connect as the owner of the tables")
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        manifest = Manifest("postgresql", str(revision), now, vault.index_key_id, _counts(connection))
        target, environ = connection_of(engine.url)
        # Row-level security applies to the owner too. A connection that sets no section sees all rows.
        command = [find_program("pg_dump", at_least=_major(connection)), "--format=custom", f"--snapshot={snapshot}"]
        command += ["--enable-row-security", "--no-owner", "--no-privileges", f"--exclude-table={_QUEUE_TABLE_PREFIX}*"]
        with running([*command, f"--dbname={target}"], environ, stdout=True) as program:
            yield manifest, _DumpReader(program)


class _DumpReader:
    """A reader of pg_dump's output. It raises BackupError instead of ending where the program has failed."""

    def __init__(self, program: RunningProgram) -> None:
        self._program = program

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes. Raises BackupError where the dump failed."""
        content = self._program.stdout.read(size)
        if not content:
            self._program.finish()
        return content


class CountingTarget:
    """A sink that counts the rows of a dump, in the SQL statements that pg_restore makes of it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        command = [find_program("pg_restore"), "--file=-"]
        self._program = self._stack.enter_context(running(command, environment(), stdin=True, stdout=True))
        self._rows: dict[str, int] = {}
        self._counting_thread = threading.Thread(target=self._count, args=(self._program.stdout,))
        self._counting_thread.start()

    def write(self, content: bytes) -> None:
        """Add the next bytes of the dump. Raises BackupError."""
        try:
            self._program.feed(content)
        except BackupError:
            self._program.finish()
            raise

    def counts(self) -> dict[str, int]:
        """Return the number of rows by table. Raises BackupError where the dump is not complete."""
        self._program.end_input()
        self._counting_thread.join()
        self._program.finish()
        return self._rows

    def close(self) -> None:
        """End the program."""
        # The thread reads until the program ends. Only then may its pipe be closed.
        self._program.kill()
        self._counting_thread.join()
        self._stack.close()

    def _count(self, statements: IO[bytes]) -> None:
        """Count the lines between each COPY statement and its end."""
        table = None
        for line in statements:
            if table is None:
                match = _COPY_STATEMENT.match(line)
                if match:
                    table = match[1].decode()
                    self._rows[table] = 0
            elif line == b"\\.\n":
                table = None
            else:
                self._rows[table] += 1


class ServerTarget:
    """The database to restore a backup into, in one transaction: readers see the former content or the new."""

    def __init__(self, engine: Engine, *, replace: bool) -> None:
        """Start the programs. Raises BackupError where the database has tables already, unless `replace` is true."""
        with engine.connect() as connection:
            major, tables = _major(connection), _tables(connection)
        engine.dispose()
        if tables and not replace:
            raise BackupError(
                f"the database {engine.url.database} holds tables already; --replace puts the backup in their place"
            )
        target, environ = connection_of(engine.url)
        self._stack = ExitStack()
        psql = [find_program("psql", at_least=major), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        pg_restore = [find_program("pg_restore", at_least=major), "--file=-", "--no-owner", "--no-privileges"]
        self._psql = self._stack.enter_context(
            running([*psql, f"--dbname={target}", "--output=/dev/null"], environ, stdin=True)
        )
        self._pg_restore = self._stack.enter_context(
            running([*pg_restore, "--enable-row-security"], environment(), stdin=True, stdout=True)
        )
        self._psql.feed(b"BEGIN;\n" + (_CLEAR_SCHEMA.encode() if replace else b""))
        self._forwarding_thread = threading.Thread(target=self._forward)
        self._forwarding_thread.start()

    def write(self, content: bytes) -> None:
        """Add the next bytes of the dump. Raises BackupError with the reason of the program that failed."""
        try:
            self._pg_restore.feed(content)
        except BackupError:
            self._raise_failure()
            raise

    def finish(self, manifest: Manifest) -> None:
        """Compare the numbers of rows with those of the backup, and commit if they are equal. Raises BackupError."""
        self._pg_restore.end_input()
        self._forwarding_thread.join()
        self._raise_failure()
        rows = json.dumps(manifest.counts).replace("'", "''")
        self._psql.feed(f"RESET search_path;\nSET row_security = on;\nSET LOCAL tocsin.rows = '{rows}';\n".encode())
        self._psql.feed(_CHECK_COUNTS.encode() + b"COMMIT;\n")
        self._psql.end_input()
        self._psql.finish()

    def close(self) -> None:
        """End the programs. The server rolls back what was not committed."""
        # The thread reads until pg_restore ends. Only then may its pipe be closed.
        for program in (self._psql, self._pg_restore):
            program.kill()
        self._forwarding_thread.join()
        self._stack.close()

    def _forward(self) -> None:
        """Copy the output of pg_restore to psql. If psql fails, end pg_restore too."""
        try:
            # Read without Python's buffer, which would wait until it is full.
            for statements in iter(lambda: os.read(self._pg_restore.stdout.fileno(), 1 << 16), b""):
                self._psql.feed(statements)
        except BackupError:
            self._pg_restore.kill()

    def _raise_failure(self) -> None:
        """Wait for pg_restore to end. Raises BackupError where a program failed.

        The failure of psql comes first, because it ends pg_restore too.
        """
        if self._psql.has_ended():
            self._psql.finish()
        self._pg_restore.finish()


def _major(connection: Connection) -> int:
    return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def _tables(connection: Connection) -> list[str]:
    return list(connection.execute(_TABLES, {"queue": _QUEUE_TABLE_PREFIX}).scalars())


def _counts(connection: Connection) -> dict[str, int]:
    return {
        name: int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())
        for name in _tables(connection)
    }
