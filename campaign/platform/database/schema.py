"""The check that the database fits this program: the server's version, and the migration that the schema is at."""

from __future__ import annotations

from functools import cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from campaign.platform import db

# No feature newer than this version is used; the tests run on 15 and 18.
OLDEST_POSTGRESQL = 14


def too_old(connection: Connection) -> str | None:
    """Return a sentence saying that the database server is too old; None if it is not."""
    if connection.dialect.name != "postgresql":
        return None
    version = connection.dialect.server_version_info or (0,)
    if int(version[0]) >= OLDEST_POSTGRESQL:
        return None
    number = ".".join(str(part) for part in version)
    return f"PostgreSQL {number} is too old: Tocsin needs {OLDEST_POSTGRESQL} or later"


def why_not_ready(directory: str) -> str | None:
    """Return a sentence saying why this program cannot work with the database; None if it can.

    A newer schema is no reason: migrations leave what the version before them needs, so that old processes serve on
    until they are replaced.

    Args:
        directory: The folder of the migrations.

    Raises:
        DBAPIError: The database does not answer.
    """
    with db.engine.connect() as connection:
        reason = too_old(connection)
        if reason is not None:
            return reason
        current = MigrationContext.configure(connection).get_current_revision()
    known, newest = _revisions(directory)
    if current == newest or (current is not None and current not in known and current > newest):
        return None
    return f"the database is at migration {current}, wanted is {newest}: run flask db upgrade"


@cache
def _revisions(directory: str) -> tuple[frozenset[str], str]:
    """Return the numbers of all migrations that this program has, and the newest of them."""
    scripts = ScriptDirectory(directory)
    return frozenset(script.revision for script in scripts.walk_revisions()), str(scripts.get_current_head())
