"""For machines: is the process alive, and can it work."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app
from sqlalchemy.exc import DBAPIError

from campaign.extensions import db

blueprint = Blueprint("machine", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 only where the database answers and is migrated; else 503 with the reason."""
    try:
        with db.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError:
        return _not_ready("the database does not answer")
    wanted = ScriptDirectory(current_app.extensions["migrate"].directory).get_current_head()
    if found != wanted:
        return _not_ready(f"the database is at migration {found}, wanted is {wanted}: run flask db upgrade")
    return Response("ready\n", content_type="text/plain; charset=utf-8")


def _not_ready(reason: str) -> Response:
    headers = {"Retry-After": "5"}
    return Response(f"not ready: {reason}\n", 503, headers, content_type="text/plain; charset=utf-8")
