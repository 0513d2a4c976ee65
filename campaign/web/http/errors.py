"""Errors as pages in the site's style and the reader's language, or as JSON for the API."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug import Response as BaseResponse
from werkzeug.exceptions import HTTPException, InternalServerError

from campaign.domain.errors import CipherError
from campaign.domain.staff.actor import SYSTEM
from campaign.platform import db
from campaign.platform.database.errors import diagnose
from campaign.platform.runtime import runtime
from campaign.services.abuse.alert import alert_unopened
from campaign.web.http.headers import is_embed

log = logging.getLogger(__name__)

RETRY_SECONDS = "5"
_TITLES_AND_ADVICE = {
    400: (lazy_gettext("We could not read that"), lazy_gettext("Please go back and try again.")),
    403: (
        lazy_gettext("This form was sent from another site"),
        lazy_gettext("Nothing was saved. Please open the page here and fill in the form again."),
    ),
    404: (
        lazy_gettext("There is no such page"),
        lazy_gettext("The address may be mistyped, or the appeal may have been removed."),
    ),
    405: (lazy_gettext("That is not possible here"), lazy_gettext("Please go back and try again.")),
    410: (
        lazy_gettext("We cannot show this any more"),
        lazy_gettext("We keep it under lock and the lock does not open. We have been told and will look at it."),
    ),
    413: (lazy_gettext("That is too long"), lazy_gettext("Nothing was saved. Please shorten it and send it again.")),
    429: (
        lazy_gettext("Too many at once from your network"),
        lazy_gettext("Nothing was saved. Please wait a few minutes and send it again."),
    ),
    500: (
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("We have been told. Please try again in a few minutes."),
    ),
    503: (
        lazy_gettext("We cannot take it right now"),
        lazy_gettext("Nothing was saved. Please send it again in a minute."),
    ),
}


def init_app(
    app: Flask,
    template: str = "public/error.html",
    mended_link: Callable[[Flask], BaseResponse | None] = lambda _app: None,
) -> None:
    """Register the error handlers.

    `template` shows the error; `mended_link` returns the redirect from a damaged link, or None.
    """

    def page(code: int) -> Response:
        return _page(code, template)

    @app.errorhandler(HTTPException)
    def _http_error(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if code == 404 and (redirection := mended_link(app)) is not None:
            return redirection
        if code < 400 or (error.response is not None and code not in _TITLES_AND_ADVICE):
            return error.get_response()
        response = page(code)
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After"}:
                response.headers[name] = value
        return response

    @app.errorhandler(DBAPIError)
    @app.errorhandler(PoolTimeoutError)
    def _database_error(error: Exception) -> ResponseReturnValue:
        return _database_answer(error, page)

    @app.errorhandler(CipherError)
    def _cipher_error(error: CipherError) -> ResponseReturnValue:
        log.error("a sealed value does not open: %s", error)
        _alert_staff()
        return page(410)

    @app.errorhandler(InternalServerError)
    def _internal_error(error: InternalServerError) -> ResponseReturnValue:
        return page(error.code or 500)


def _database_answer(error: Exception, page: Callable[[int], Response]) -> Response:
    """Log the error; return 503 with Retry-After if waiting may help, else 500."""
    diagnosis = diagnose(error)
    log.error("%s", diagnosis, exc_info=None if diagnosis.is_transient else error)
    response = page(503 if diagnosis.is_transient else 500)
    if diagnosis.is_transient:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _alert_staff() -> None:
    """Alert staff to a sealed value that does not open, at most once an hour; a failure is only logged."""
    db.session.rollback()
    try:
        alert_unopened(context=runtime().context(SYSTEM))
    except SQLAlchemyError:
        log.exception("staff could not be alerted to a sealed value that does not open")


def _page(code: int, template: str) -> Response:
    """Return the answer to an error: JSON for the API, the small page in an embed, else the page of `template`."""
    title, advice = _TITLES_AND_ADVICE.get(code, _TITLES_AND_ADVICE[400])
    if request.path.startswith("/api/"):
        response = make_response(jsonify(error=str(title), advice=str(advice), status=code), code)
    else:
        shown = "public/embed/error.html" if is_embed() else template
        response = make_response(render_template(shown, title=title, advice=advice), code)
    response.headers["Cache-Control"] = "no-store"
    return response
