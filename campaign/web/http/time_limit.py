"""The time that a request may wait for the database before it is answered with 503."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import ServiceUnavailable

from campaign.platform.database import time_limit
from campaign.web.http.admission import WAIT_SECONDS

PUBLIC_SECONDS = 8.0
# Staff's search through millions of names is slow.
STAFF_SECONDS = 30.0
_RETRY_SECONDS = 5


def init_app(app: Flask, seconds: float) -> None:
    """Start the limit of `seconds` with each request; it ends when the request gives back its database connection."""

    @app.before_request
    def _begin() -> None:
        admitted_seconds: float = request.environ.get(WAIT_SECONDS, seconds)
        if not admitted_seconds:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS)
        time_limit.start(min(seconds, admitted_seconds))
