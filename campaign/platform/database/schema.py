"""The check that this program can work with the database as it is: its version, and the migration it is at."""

from __future__ import annotations

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from campaign.platform import db

# What is newer than its manual says is not used; the tests run on 15 and 18.
OLDEST_POSTGRESQL = 14


def too_old(connection: Connection) -> str | None:
    """Return why the database server is too old; None where it is not."""
    if connection.dialect.name != "postgresql":
        return None
    version = connection.dialect.server_version_info or (0,)
    if int(version[0]) >= OLDEST_POSTGRESQL:
        return None
    said = ".".join(str(part) for part in version)
    return f"PostgreSQL {said} is too old: Tocsin needs {OLDEST_POSTGRESQL} or later"


def why_not_ready(directory: str) -> str | None:
    """Return why this program cannot work with the database; None where it can. `directory` holds the migrations.

    A schema newer than the program is no reason: migrations leave what the version before them needs, so that old
    processes serve on until they are replaced. Raises DBAPIError where the database does not answer.
    """
    with db.engine.connect() as connection:
        reason = too_old(connection)
        if reason is not None:
            return reason
        found = MigrationContext.configure(connection).get_current_revision()
    known, wanted = _revisions(directory)
    if found == wanted or (found is not None and found not in known and found > wanted):
        return None
    return f"the database is at migration {found}, wanted is {wanted}: run flask db upgrade"


@cache
def _revisions(directory: str) -> tuple[frozenset[str], str]:
    """Return the numbers of all migrations this program knows, and the newest."""
    scripts = ScriptDirectory(directory)
    return frozenset(one.revision for one in scripts.walk_revisions()), str(scripts.get_current_head())
