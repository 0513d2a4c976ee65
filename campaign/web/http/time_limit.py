"""The time that a request may wait for the database before it is answered with 503."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import ServiceUnavailable

from campaign.platform.database import time_limit
from campaign.web.http.admission import SECONDS

PUBLIC_SECONDS = 8.0
# Staff's search through millions of names is slow.
STAFF_SECONDS = 30.0
_RETRY_SECONDS = 5


def init_app(app: Flask, seconds: float) -> None:
    """Set the limit at the beginning of each request, in seconds; it ends with the request's database connection."""

    @app.before_request
    def _begin() -> None:
        allowed: float = request.environ.get(SECONDS, seconds)
        if not allowed:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS)
        time_limit.start(min(seconds, allowed))
