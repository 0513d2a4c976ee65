"""A new password by a mailed link: requesting the link, and choosing the password."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from flask_security.utils import hash_password
from wtforms import PasswordField, StringField

from campaign.domain.errors import ExpiredTokenError, InputError, NotFoundError, StateError, TokenError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Link, Purpose
from campaign.platform.runtime import runtime
from campaign.queries.staff.accounts import StaffView, find_resetting
from campaign.services.staff.accounts import reset_password
from campaign.services.staff.login import LinkRequestResult
from campaign.services.staff.password_reset import request_reset
from campaign.web.staff.staff.access import open_to_all, visitor_context
from campaign.web.staff.staff.device_cookie import attempt_for, remember_device
from campaign.web.staff.staff.security_texts import LINK_MAILED, MESSAGES, TOO_MANY_LINKS
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("password_reset", __name__, url_prefix="/reset")


class ResetRequestForm(TokenForm):
    """The address of the account."""

    email = StringField()


class ChoosePasswordForm(TokenForm):
    """The new password, twice."""

    password = PasswordField()
    password_confirm = PasswordField()


@blueprint.get("")
@open_to_all
def show_request_form() -> ResponseReturnValue:
    """Show the form that requests a link."""
    email = current_user.email if current_user.is_authenticated else ""
    return render_template("staff/staff/forgotten_password.html", form=ResetRequestForm(formdata=None, email=email))


@blueprint.post("")
@open_to_all
def request_link() -> ResponseReturnValue:
    """Store the request for a link. It is answered later, so the response time does not reveal accounts."""
    form = ResetRequestForm()
    form.validate()
    typed_email = (form.email.data or "").strip()
    try:
        email = str(parse_address(typed_email)).lower()
    except InputError:
        form.email.errors = [_message("INVALID_EMAIL_ADDRESS" if typed_email else "EMAIL_NOT_PROVIDED")]
        return render_template("staff/staff/forgotten_password.html", form=form)
    if request_reset(attempt_for(email), context=visitor_context()) is LinkRequestResult.REFUSED:
        form.form_errors = [gettext(TOO_MANY_LINKS)]
    else:
        flash(gettext(LINK_MAILED), "info")
    return render_template("staff/staff/forgotten_password.html", form=form)


@blueprint.get("/<token>")
@open_to_all
def show_password_form(token: str) -> ResponseReturnValue:
    """Show the form for the new password; change nothing."""
    _, staff, fault = _read_link(token)
    return _redirect_to_request(fault) if staff is None else _page(token, ChoosePasswordForm())


@blueprint.post("/<token>")
@open_to_all
def set_password(token: str) -> ResponseReturnValue:
    """Set the new password, and end every log-in of the account."""
    link, staff, fault = _read_link(token)
    if link is None or staff is None:
        return _redirect_to_request(fault)
    form = ChoosePasswordForm()
    form.validate()
    typed_password = form.password.data or ""
    faults, password = current_app.extensions["security"].password_util.validate(typed_password, False, user=staff)
    form.password.errors = list(faults or [])
    if typed_password != form.password_confirm.data:
        form.password_confirm.errors = [_message("RETYPE_PASSWORD_MISMATCH")]
    if form.password.errors or form.password_confirm.errors:
        return _page(token, form)
    try:
        reset_password(link, hash_password(password), context=visitor_context())
    except (StateError, NotFoundError):
        return _redirect_to_request("INVALID_RESET_PASSWORD_TOKEN")
    # The link proves access to the mailbox: failed log-ins of others must not lock this browser out.
    remember_device(staff.email)
    flash(_message("PASSWORD_RESET_NO_LOGIN"), "success")
    return redirect(url_for("security.login"))


def _read_link(token: str) -> tuple[Link | None, StaffView | None, str]:
    """Return the link, its account, and the name of the error message for a link without an account."""
    app_runtime, fault = runtime(), "INVALID_RESET_PASSWORD_TOKEN"
    try:
        link = app_runtime.tokens.read(Purpose.RESET, token, app_runtime.clock())
    except ExpiredTokenError:
        return None, None, "PASSWORD_RESET_EXPIRED"
    except TokenError:
        return None, None, fault
    return link, find_resetting(link), fault


def _redirect_to_request(fault: str) -> ResponseReturnValue:
    flash(_message(fault), "error")
    return redirect(url_for("password_reset.show_request_form"))


def _page(token: str, form: ChoosePasswordForm) -> str:
    return render_template("staff/staff/new_password.html", form=form, token=token)


def _message(name: str) -> str:
    return str(gettext(MESSAGES[name][0]))
