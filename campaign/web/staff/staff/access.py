"""Access control: every route states the permission that it needs; a route that states none answers 404.

The access check also sets the section's row security in the database, and refuses a cookie whose log-in has ended.
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
# Endpoints of Flask-Security that are not used: mailing an administrator for help, and its own scripts.
_CLOSED_ENDPOINTS = {"security.two_factor_rescue", "security.static"}
# The key of the cookie session under which the secret of the log-in is stored.
LOGIN_SECRET = "login"  # noqa: S105  not a password
# The size of a form's other fields, in addition to the file in it.
_FORM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Requirement:
    """The requirement of a route: a permission, None if it is open to all, and whether the log-in must be fresh."""

    permission: Permission | None
    is_fresh: bool = False


def needs(permission: Permission, *, fresh: bool = False) -> Callable[[View], View]:
    """Return the decorator of a view that needs the permission and, if `fresh`, a recent proof of the log-in."""
    return _with_requirement(Requirement(permission, fresh))


def open_to_all(view: View) -> View:
    """Mark a view as one that needs no account."""
    return _with_requirement(Requirement(None))(view)


def accepts_upload(view: View) -> View:
    """Mark a view as one whose form contains a document: as a file, or in base64 beside a question about it."""
    return accepts_bytes(MAX_FILE_BYTES * 4 // 3 + _FORM_BYTES)(view)


def accepts_bytes(size: int) -> Callable[[View], View]:
    """Return the decorator of a view whose form may have `size` bytes; the limit of all other forms is low."""

    def mark(view: View) -> View:
        view.tocsin_max_bytes = size  # type: ignore[attr-defined]
        return view

    return mark


def requirement_of(app: Flask, endpoint: str) -> Requirement | None:
    """Return the route's requirement; None if it states none. Flask-Security's routes state none."""
    requirement: Requirement | None = getattr(app.view_functions[endpoint], "tocsin_requirement", None)
    return requirement


def scope() -> Scope:
    """Return the scope of the logged-in person, for queries and services."""
    return member().scope


def staff_context() -> Context:
    """Return the context of a change by the logged-in member of staff, at the current time."""
    return runtime().context(staff_actor(scope()))


def visitor_context() -> Context:
    """Return the context of a change by a visitor who has not logged in, without the permissions of staff."""
    return runtime().context(SUPPORTER)


def member() -> Staff:
    """Return the logged-in member of staff."""
    staff: Staff = current_user._get_current_object()
    return staff


@contextmanager
def all_sections() -> Iterator[None]:
    """Give coordinators database access to all sections inside the block: for sums, mail and announcements.

    Never use it for names or addresses. For all others the row security of their section stays.
    """
    if not scope().may(Permission.COORDINATE):
        yield
        return
    with worker_access():
        yield


@contextmanager
def worker_access() -> Iterator[None]:
    """Give the block the database access of a worker, for work that a worker would otherwise do."""
    public: Flask = current_app.extensions["tocsin_public"]
    with public.app_context():
        yield


def init_app(app: Flask) -> None:
    """Register the hooks that have to run before Flask-Security's."""

    @app.before_request
    def _limit_body() -> None:
        # Before anything reads the form: a body that is too large is refused by its length without being read.
        max_bytes = getattr(app.view_functions.get(request.endpoint or ""), "tocsin_max_bytes", None)
        if max_bytes is not None:
            request.max_content_length = request.max_form_memory_size = max_bytes
            if (request.content_length or 0) > max_bytes:
                raise RequestEntityTooLarge

    @app.before_request
    def _begin_write_transaction() -> None:
        # Flask-Security reads before it writes. On SQLite such a transaction must begin as a write transaction.
        if request.blueprint == "security" and request.method == "POST":
            db.session.connection(execution_options={WRITE_OPTION: True})

    @app.teardown_request
    def _end_restriction(_error: BaseException | None) -> None:
        row_security.end_restriction()


def register_access_check(app: Flask) -> None:
    """Register the hook that has to run after Flask-Security's: it checks log-in and permission, and sets the section.

    Flask-Security's own routes check the log-in themselves.
    """

    @app.before_request
    def _check_access() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        if request.endpoint in _CLOSED_ENDPOINTS:
            abort(404)
        is_logged_in = current_user.is_authenticated
        if is_logged_in and not _has_live_session():
            logout_user()
            session.clear()
            is_logged_in = False
        if is_logged_in:
            row_security.start_restriction(db.session(), member().section_code)
        if request.blueprint == "security":
            return _redirect_instead_of_logout() if is_logged_in and request.method != "POST" else None
        requirement = requirement_of(app, request.endpoint)
        if requirement is None:
            abort(404)
        if requirement.permission is None:
            return None
        return _refusal(requirement, requirement.permission, is_logged_in=is_logged_in)


def _redirect_instead_of_logout() -> ResponseReturnValue | None:
    """Return a redirect to the set-up of the second factor if opening Flask-Security's page would end the log-in.

    A link or a picture on another site must not log anyone out.
    """
    is_setting_up = session.get("tf_state") == "validating_profile"
    if request.endpoint == "security.two_factor_token_validation" and not is_setting_up:
        return redirect(url_for_security("two_factor_setup"))
    return None


def _refusal(requirement: Requirement, permission: Permission, *, is_logged_in: bool) -> ResponseReturnValue | None:
    """Return the response to a person who may not see the page: a redirect or 404; None if they may see it."""
    if not is_logged_in:
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


def _with_requirement(requirement: Requirement) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.tocsin_requirement = requirement  # type: ignore[attr-defined]
        return view

    return mark


def _has_live_session() -> bool:
    secret, now, vault = session.get(LOGIN_SECRET), runtime().clock(), runtime().vault
    return isinstance(secret, str) and is_session_alive(secret, member().id, now=now, vault=vault)


def _is_fresh() -> bool:
    proved_at = session.get("fs_paa")
    return isinstance(proved_at, float) and 0 <= time() - proved_at < FRESHNESS.total_seconds()


def _return_path() -> str:
    """Return the path to go to after the log-in: the requested page, or the page with the form that was sent."""
    if request.method == "GET":
        return request.script_root + request.full_path.rstrip("?")
    referrer = urlsplit(request.referrer or "")
    return referrer.path if referrer.netloc == requested_host() else request.script_root + "/"
