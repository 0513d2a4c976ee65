"""The check that this program can work with the database: the server's version, and the migration of the schema."""

from __future__ import annotations

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from campaign.platform import db

# No feature newer than this version is used; the tests run on 15 and 18.
OLDEST_POSTGRESQL = 14


def server_version_problem(connection: Connection) -> str | None:
    """Return a sentence saying that the database server is too old; None if its version is supported."""
    if connection.dialect.name != "postgresql":
        return None
    version = connection.dialect.server_version_info or (0,)
    if int(version[0]) >= OLDEST_POSTGRESQL:
        return None
    number = ".".join(str(part) for part in version)
    return f"PostgreSQL {number} is too old: Tocsin needs {OLDEST_POSTGRESQL} or later"


def readiness_problem(directory: str) -> str | None:
    """Return a sentence saying why this program cannot work with the database; None if it can.

    A newer schema is accepted: each migration leaves the schema usable for the version before it, so that old processes
    can run until they are replaced.

    Args:
        directory: The folder of the migrations.

    Raises:
        DBAPIError: The database does not answer.
    """
    with db.engine.connect() as connection:
        version_problem = server_version_problem(connection)
        if version_problem is not None:
            return version_problem
        current = MigrationContext.configure(connection).get_current_revision()
    known, newest = _known_revisions(directory)
    if current == newest or (current is not None and current not in known and current > newest):
        return None
    return f"the database is at migration {current}, wanted is {newest}: run flask db upgrade"


@cache
def _known_revisions(directory: str) -> tuple[frozenset[str], str]:
    """Return the numbers of all migrations that this program has, and the newest of them."""
    scripts = ScriptDirectory(directory)
    return frozenset(script.revision for script in scripts.walk_revisions()), str(scripts.get_current_head())
