"""The environment of migrations. They run on the application's engine, and only one `flask db upgrade` at a time."""

import click
from alembic import context
from alembic.util import CommandError
from flask import current_app

import campaign.models  # noqa: F401  declares the tables
from campaign.platform import UtcDateTime
from campaign.platform.database.schema import server_version_problem
from campaign.platform.process.upgrade_lock import upgrade_lock

_migrate = current_app.extensions["migrate"]
# Huey creates its own tables on PostgreSQL.
_QUEUE_PREFIX = "huey_"


def _is_own_table(_item: object, name: str | None, kind: str, _reflected: bool, _compared_with: object) -> bool:
    """Return False for the tables of the job queue, which no migration creates."""
    return not (kind == "table" and name is not None and name.startswith(_QUEUE_PREFIX))


def _render(kind: str, item: object, _context: object) -> str | bool:
    """Return SQLAlchemy's type for `UtcDateTime`, so that later changes of it leave old migrations alone.

    Return False for everything else, which Alembic then renders itself.
    """
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _report(before: str | None, after: str | None) -> None:
    """Print one line after an upgrade or a downgrade; print nothing after a command that only reads."""
    if "destination_rev" not in context.get_context().opts:
        return
    if before == after:
        click.echo(f"the database is at migration {after} already: nothing to do")
    else:
        click.echo(f"the database went from {_migration_name(before)} to {_migration_name(after)}")


def _migration_name(revision: str | None) -> str:
    """Return the migration in words; None is a database without tables."""
    return "no tables" if revision is None else f"migration {revision}"


with _migrate.db.engine.connect() as connection:
    version_problem = server_version_problem(connection)
    if version_problem is not None:
        raise CommandError(version_problem)
    connection.rollback()
    with upgrade_lock(connection, click.echo):
        context.configure(
            connection=connection,
            target_metadata=_migrate.db.metadata,
            include_object=_is_own_table,
            render_item=_render,
            # Comparing defaults would compare json values, for which PostgreSQL has no equality.
            compare_server_default=connection.dialect.name == "sqlite",
            transaction_per_migration=True,
            **_migrate.configure_args,
        )
        migration_context = context.get_context()
        before = migration_context.get_current_revision()
        connection.rollback()
        with context.begin_transaction():
            context.run_migrations()
        _report(before, migration_context.get_current_revision())
        connection.rollback()
