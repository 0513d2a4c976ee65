"""A person's own account: accepting the invitation, preferences, ways to log in, and ending the weekly digest."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security.utils import hash_password
from wtforms import BooleanField, PasswordField, SelectField

from campaign.config import LOCALES
from campaign.domain.errors import NotFoundError, StateError, TokenError
from campaign.domain.signing.token import Link, Purpose
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.staff.accounts import StaffView, find_invited
from campaign.services.staff.accounts import accept, end_digest, set_preferences
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import member, needs, open_to_all, staff_context, visitor_context
from campaign.web.staff.staff.device_cookie import remember_device
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("account", __name__)


class AcceptInvitationForm(TokenForm):
    """The first password."""

    password = PasswordField()


class PreferencesForm(TokenForm):
    """A person's own settings: language and weekly mail."""

    locale = SelectField(choices=[(code, code) for code in LOCALES])
    digest = BooleanField()


@blueprint.get("/invitation/<token>")
@open_to_all
def show_invitation(token: str) -> ResponseReturnValue:
    """Show the role, the section and the form for a password. Change nothing, because mail scanners follow links."""
    _, invited = _read_invitation(token)
    if invited is None:
        return _used_link_page()
    return _invitation_page(invited, token, None)


@blueprint.post("/invitation/<token>")
@open_to_all
def accept_invitation(token: str) -> ResponseReturnValue:
    """Set the first password, and redirect to the log-in."""
    link, invited = _read_invitation(token)
    if link is None or invited is None:
        return _used_link_page()
    form = AcceptInvitationForm()
    faults, password = current_app.extensions["security"].password_util.validate(
        form.password.data or "", False, user=invited
    )
    if faults:
        return _invitation_page(invited, token, faults[0]), 422
    try:
        accept(link, hash_password(password), context=visitor_context())
    except (StateError, NotFoundError):
        return _used_link_page()
    remember_device(invited.email)
    flash(gettext("Your account is ready. Please log in."), "success")
    return redirect(url_for("security.login"), 303)


@blueprint.get("/account")
@needs(Permission.SEE_COUNTS)
def show() -> ResponseReturnValue:
    """Show the preferences and the ways to log in."""
    return _account_page()


@blueprint.post("/account")
@needs(Permission.SEE_COUNTS)
def save_preferences() -> ResponseReturnValue:
    """Save the language, and whether the weekly digest is wanted."""
    form = PreferencesForm()
    if not form.validate():
        return _account_page(), 422
    set_preferences(member().id, locale=form.locale.data, wants_digest=bool(form.digest.data), context=staff_context())
    flash(gettext("Kept."), "success")
    return redirect(url_for("account.show"), 303)


@blueprint.get("/digest/<token>")
@open_to_all
def show_digest_end(token: str) -> ResponseReturnValue:
    """Show the button that ends the weekly digest; change nothing."""
    return _digest_page(token, is_done=False)


@blueprint.post("/digest/<token>")
@open_to_all
def end_weekly_digest(token: str) -> ResponseReturnValue:
    """End the weekly digest. Answer without a redirect, because mail programs send this request (RFC 8058, 3.2)."""
    return _digest_page(token, is_done=True)


def _digest_page(token: str, *, is_done: bool) -> ResponseReturnValue:
    """Return the page about the weekly digest, and end the digest if `is_done`; 404 if the link is not valid."""
    app_runtime = runtime()
    try:
        link = app_runtime.tokens.read(Purpose.DIGEST, token, app_runtime.clock())
        if is_done:
            end_digest(link, context=visitor_context())
    except (TokenError, NotFoundError):
        return render_template("staff/staff/used_link.html"), 404
    return render_template("staff/staff/digest.html", token=token, is_done=is_done)


def _account_page() -> str:
    staff = member()
    return render_template(
        "staff/staff/own_account.html",
        form=PreferencesForm(),
        staff=staff,
        section=section_names().get(staff.section_code),
    )


def _read_invitation(token: str) -> tuple[Link | None, StaffView | None]:
    """Return the link and the invited account; None for each that the token does not give."""
    app_runtime = runtime()
    try:
        link = app_runtime.tokens.read(Purpose.INVITATION, token, app_runtime.clock())
    except TokenError:
        return None, None
    return link, find_invited(link)


def _invitation_page(invited: StaffView, token: str, fault: str | None) -> str:
    return render_template(
        "staff/staff/invitation.html",
        invited=invited,
        section=section_names().get(invited.section, ""),
        token=token,
        fault=fault,
    )


def _used_link_page() -> ResponseReturnValue:
    return render_template("staff/staff/used_link.html"), 410
