"""The migrations' environment: they run on the application's own engine, one `flask db upgrade` at a time."""

import click
from alembic import context
from alembic.util import CommandError
from flask import current_app

import campaign.models  # noqa: F401  declares the tables
from campaign.platform import UtcDateTime
from campaign.platform.database.schema import server_version_problem
from campaign.platform.process.upgrade_lock import upgrade_lock

_migrate = current_app.extensions["migrate"]
# Huey keeps its own tables on PostgreSQL.
_QUEUE_PREFIX = "huey_"


def _is_own_table(_thing: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(_QUEUE_PREFIX))


def _render(kind: str, thing: object, _context: object) -> str | bool:
    """Return SQLAlchemy's type in place of the application's own, which may change; False leaves it to Alembic."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, UtcDateTime) else False


def _report(before: str | None, after: str | None) -> None:
    """Print one line after an upgrade or a downgrade; nothing after a command that only reads."""
    if "destination_rev" not in context.get_context().opts:
        return
    if before == after:
        click.echo(f"the database is at migration {after} already: nothing to do")
    else:
        click.echo(f"the database went from {_named(before)} to {_named(after)}")


def _named(revision: str | None) -> str:
    """Return the migration in words; None is a database without tables."""
    return "no tables" if revision is None else f"migration {revision}"


with _migrate.db.engine.connect() as connection:
    reason = server_version_problem(connection)
    if reason is not None:
        raise CommandError(reason)
    connection.rollback()
    with upgrade_lock(connection, click.echo):
        context.configure(
            connection=connection,
            target_metadata=_migrate.db.metadata,
            include_object=_is_own_table,
            render_item=_render,
            # PostgreSQL has no equality for json, which the comparison of its defaults asks for.
            compare_server_default=connection.dialect.name == "sqlite",
            transaction_per_migration=True,
            **_migrate.configure_args,
        )
        found = context.get_context()
        before = found.get_current_revision()
        connection.rollback()
        with context.begin_transaction():
            context.run_migrations()
        _report(before, found.get_current_revision())
        connection.rollback()
