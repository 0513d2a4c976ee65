"""Endpoints for monitoring: whether the process lives, and whether it can work."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from campaign.platform.database.errors import diagnose
from campaign.platform.database.schema import readiness_problem
from campaign.platform.database.time_limit import limit_waits
from campaign.queries.delivery.worker import workers_view

blueprint = Blueprint("health", __name__)
# A load balancer asks often and can use other machines, so a database that answers later counts as not ready.
_MAX_WAIT_SECONDS = 3.0


@blueprint.get("/healthz")
def healthz() -> Response:
    """Return 200 while the process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Return 200 if the database answers, is supported and migrated, and the workers work; else 503 and why."""
    try:
        with limit_waits(_MAX_WAIT_SECONDS):
            reason = readiness_problem(current_app.extensions["migrate"].directory) or workers_view().reason
    except (DBAPIError, PoolTimeoutError) as error:
        diagnosis = diagnose(error)
        reason = f"{diagnosis.words} ({diagnosis.code})"
    if reason is not None:
        headers = {"Retry-After": "5"}
        return Response(f"not ready: {reason}\n", 503, headers, content_type="text/plain; charset=utf-8")
    return Response("ready\n", content_type="text/plain; charset=utf-8")
