"""Access control: every route states the permission that it needs, and a route without one is closed.

Each request also gets its section's row security in the database, and a cookie whose log-in has ended is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security.utils import logout_user, url_for_security
from werkzeug.exceptions import RequestEntityTooLarge

from campaign.document import MAX_FILE_BYTES
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.lifetimes import FRESHNESS
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import Staff
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database import row_security
from campaign.platform.database.sqlite import WRITE_OPTION
from campaign.platform.runtime import runtime
from campaign.services.staff.login import is_session_alive
from campaign.web.http.host import requested_host

View = TypeVar("View", bound=Callable[..., Any])
# What Flask-Security offers and we do not use: asking an administrator by mail, and its own scripts.
_CLOSED = {"security.two_factor_rescue", "security.static"}
# The cookie's part that names the log-in.
LOGIN = "login"
# What a form takes besides the file in it.
_FORM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Requirement:
    """The requirement of a route: a permission (None: open to all), and whether the log-in must be fresh."""

    permission: Permission | None
    is_fresh: bool = False


def needs(permission: Permission, *, fresh: bool = False) -> Callable[[View], View]:
    """Mark a view as one for staff with that permission; `fresh`: who has proved a moment ago who they are."""
    return _mark(Requirement(permission, fresh))


def open_to_all(view: View) -> View:
    """Mark a view as one that needs no account."""
    return _mark(Requirement(None))(view)


def accepts_upload(view: View) -> View:
    """Mark a view as one whose form carries a document."""
    return accepts_bytes(MAX_FILE_BYTES + _FORM_BYTES)(view)


def accepts_bytes(size: int) -> Callable[[View], View]:
    """Mark a view as one whose form may have so many bytes; every other form is small."""

    def mark(view: View) -> View:
        view.tocsin_max_bytes = size  # type: ignore[attr-defined]
        return view

    return mark


def requirement_of(app: Flask, endpoint: str) -> Requirement | None:
    """Return the route's requirement; None without one, or for Flask-Security's routes, which have own rules."""
    requirement: Requirement | None = getattr(app.view_functions[endpoint], "tocsin_requirement", None)
    return requirement


def scope() -> Scope:
    """Return the scope of the logged-in person, for queries and services."""
    return member().scope


def staff_context() -> Context:
    """Return the context of a change that the member of staff who is logged in makes now."""
    return runtime().context(staff_actor(scope()))


def visitor_context() -> Context:
    """Return the context of a change by a visitor who has not logged in, and may do nothing that staff may."""
    return runtime().context(SUPPORTER)


def member() -> Staff:
    """Return the logged-in member of staff."""
    staff: Staff = current_user._get_current_object()
    return staff


@contextmanager
def all_sections() -> Iterator[None]:
    """Show all sections in the database inside this block: for sums, mail and announcements.

    It is never for names or addresses. Only coordinators get it; for all others row security stays as it is.
    """
    if not scope().may(Permission.COORDINATE):
        yield
        return
    with worker_access():
        yield


@contextmanager
def worker_access() -> Iterator[None]:
    """Give this block the database access of a worker, for tasks that a worker would do a second later."""
    public: Flask = current_app.extensions["tocsin_public"]
    with public.app_context():
        yield


def init_app(app: Flask) -> None:
    """Register the hooks that have to run before Flask-Security's."""

    @app.before_request
    def _make_room() -> None:
        # Before anything reads the form: a file that is too large is refused by its length, unread.
        max_bytes = getattr(app.view_functions.get(request.endpoint or ""), "tocsin_max_bytes", None)
        if max_bytes is not None:
            request.max_content_length = request.max_form_memory_size = max_bytes
            if (request.content_length or 0) > max_bytes:
                raise RequestEntityTooLarge

    @app.before_request
    def _write() -> None:
        # Flask-Security reads before it writes; on SQLite such a transaction must say from the start that it will.
        if request.blueprint == "security" and request.method == "POST":
            db.session.connection(execution_options={WRITE_OPTION: True})

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        row_security.end_restriction()


def guard(app: Flask) -> None:
    """Register the hook that has to run after Flask-Security's: log-in, permission, section."""

    @app.before_request
    def _admit() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        if request.endpoint in _CLOSED:
            abort(404)
        is_known = current_user.is_authenticated
        if is_known and not _is_alive():
            logout_user()
            session.clear()
            is_known = False
        if is_known:
            row_security.start_restriction(db.session(), member().section_code)
        if request.blueprint == "security":
            return _redirect_instead_of_logout() if is_known and request.method != "POST" else None
        requirement = requirement_of(app, request.endpoint)
        if requirement is None:
            abort(404)
        return (
            None if requirement.permission is None else _refusal(requirement, requirement.permission, is_known=is_known)
        )


def _redirect_instead_of_logout() -> ResponseReturnValue | None:
    """Answer in place of Flask-Security if its page would end the log-in of a person who only opens it.

    A link or a picture on another site must not log anyone out.
    """
    is_setting_up = session.get("tf_state") == "validating_profile"
    if request.endpoint == "security.two_factor_token_validation" and not is_setting_up:
        return redirect(url_for_security("two_factor_setup"))
    return None


def _refusal(requirement: Requirement, permission: Permission, *, is_known: bool) -> ResponseReturnValue | None:
    """Return the answer that keeps this person from the page, or None if they may see it."""
    if not is_known:
        to_login: ResponseReturnValue = current_app.extensions["security"]._unauthn_handler()
        return to_login
    if member().needs_second_factor and not member().has_second_factor:
        # A log-in from before the role needed one, or whose last passkey was removed.
        return redirect(url_for_security("two_factor_setup"))
    if not scope().may(permission):
        abort(404)
    if requirement.is_fresh and not _is_fresh():
        return redirect(url_for_security("verify", next=_return_path()))
    return None


def _mark(requirement: Requirement) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.tocsin_requirement = requirement  # type: ignore[attr-defined]
        return view

    return mark


def _is_alive() -> bool:
    secret, now, vault = session.get(LOGIN), runtime().clock(), runtime().vault
    return isinstance(secret, str) and is_session_alive(secret, member().id, now=now, vault=vault)


def _is_fresh() -> bool:
    proved_at = session.get("fs_paa")
    return isinstance(proved_at, float) and 0 <= time() - proved_at < FRESHNESS.total_seconds()


def _return_path() -> str:
    """Return where to go on afterwards: the page that was asked for, or the one that the form stands on."""
    if request.method == "GET":
        return request.script_root + request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    return came_from.path if came_from.netloc == requested_host() else request.script_root + "/"
