"""Runs the migrations on the application's own engine."""

import click
from alembic import context
from alembic.util import CommandError
from flask import current_app

import campaign.models  # noqa: F401  declares the tables
from campaign.platform import UtcDateTime
from campaign.platform.database.schema import too_old
from campaign.platform.process.upgrade_lock import one_at_a_time

_migrate = current_app.extensions["migrate"]
# Huey keeps its own tables on PostgreSQL.
_OTHERS = "huey_"


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(_OTHERS))


def _render(kind: str, thing: object, _context: object) -> str | bool:
    """Migrations stand alone: they name SQLAlchemy's types, not ours, which may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, UtcDateTime) else False


def _say_what_was_done(before: str | None, after: str | None) -> None:
    """One line, where this was an upgrade or a downgrade and not a look at the database."""
    if "destination_rev" not in context.get_context().opts:
        return
    if before == after:
        click.echo(f"the database is at migration {after} already: nothing to do")
    else:
        click.echo(f"the database went from {_named(before)} to {_named(after)}")


def _named(revision: str | None) -> str:
    """A migration in words; before the first one a database is empty."""
    return "no tables" if revision is None else f"migration {revision}"


with _migrate.db.engine.connect() as connection:
    reason = too_old(connection)
    if reason is not None:
        raise CommandError(reason)
    connection.rollback()
    with one_at_a_time(connection, click.echo):
        context.configure(
            connection=connection,
            target_metadata=_migrate.db.metadata,
            include_object=_is_ours,
            render_item=_render,
            compare_server_default=True,
            transaction_per_migration=True,
            **_migrate.configure_args,
        )
        found = context.get_context()
        before = found.get_current_revision()
        connection.rollback()
        with context.begin_transaction():
            context.run_migrations()
        _say_what_was_done(before, found.get_current_revision())
        connection.rollback()
