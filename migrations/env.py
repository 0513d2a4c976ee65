"""Runs the migrations on the application's own engine."""

from alembic import context
from flask import current_app

import campaign.models  # noqa: F401  declares the tables
from campaign.extensions import UtcDateTime

_migrate = current_app.extensions["migrate"]
# Huey keeps its own tables on PostgreSQL.
_OTHERS = "huey_"


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(_OTHERS))


def _render(kind: str, thing: object, _context: object) -> str | bool:
    """Migrations stand alone: they name SQLAlchemy's types, not ours, which may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, UtcDateTime) else False


with _migrate.db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=_migrate.db.metadata,
        include_object=_is_ours,
        render_item=_render,
        compare_server_default=True,
        transaction_per_migration=True,
        **_migrate.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
