"""The accounts of staff: inviting, changing role and section, ending an account; for administrators."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from wtforms import BooleanField, SelectField, StringField

from campaign.config import LOCALES
from campaign.domain.errors import ConflictError, InputError, NotFoundError, StateError
from campaign.domain.staff.roles import Permission, Role
from campaign.mail.messages.role_names import ROLE_NAMES
from campaign.queries.staff.accounts import StaffView, find_colleague, list_staff
from campaign.services.staff.accounts import Invitation, change_account, invite, reset_second_factor
from campaign.web.forms import INPUT_ERRORS
from campaign.web.http.locale import current_locale
from campaign.web.staff.appeals.editing import EditConflict, Values, merge, original_field, read_original
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("accounts", __name__)


class RoleForm(TokenForm):
    """Role and section."""

    role = SelectField()
    section = SelectField()

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.role.choices = [(role.value, str(ROLE_NAMES[role])) for role in Role]
        self.names = section_names()
        self.section.choices = sorted(self.names.items(), key=lambda pair: pair[1].casefold())


class InviteForm(RoleForm):
    """Address, language, role and section of an invitation."""

    email = StringField()
    locale = SelectField(choices=[(code, code) for code in LOCALES])


class AccountForm(RoleForm):
    """Role, section and state of an account."""

    active = BooleanField()


@blueprint.get("/accounts")
@needs(Permission.ADMINISTER)
def show() -> ResponseReturnValue:
    """Show all accounts, and the form for an invitation."""
    return _page(InviteForm(locale=current_locale(), role=Role.VIEWER.value, section=scope().section))


@blueprint.post("/accounts")
@needs(Permission.ADMINISTER, fresh=True)
def add() -> ResponseReturnValue:
    """Invite a person by mail."""
    form = InviteForm()
    if not form.validate():
        return _page(form), 422
    invitation = Invitation(form.email.data or "", form.section.data, Role(form.role.data), form.locale.data)
    try:
        invite(invitation, context=staff_context())
    except InputError as error:
        return _page(form, INPUT_ERRORS["email", error.code]), 422
    except StateError:
        return _page(form, gettext("This address has an account already.")), 422
    flash(gettext("Invited. The link in the mail works for a week."), "success")
    return redirect(url_for("accounts.show"), 303)


@blueprint.get("/accounts/<int:staff_id>")
@needs(Permission.ADMINISTER)
def edit(staff_id: int) -> ResponseReturnValue:
    """Show one account."""
    colleague = _colleague_or_404(staff_id)
    return _account_page(
        colleague, AccountForm(role=colleague.role, section=colleague.section, active=colleague.active)
    )


@blueprint.post("/accounts/<int:staff_id>")
@needs(Permission.ADMINISTER, fresh=True)
def save(staff_id: int) -> ResponseReturnValue:
    """Change role or section, or end the account; its log-ins end at once."""
    colleague, form, original = _colleague_or_404(staff_id), AccountForm(), read_original()
    if not form.validate():
        return _account_page(colleague, form, original=original), 422
    try:
        change_account(
            staff_id,
            role=Role(form.role.data),
            section=form.section.data,
            active=bool(form.active.data),
            context=staff_context(),
            expected=original,
        )
    except ConflictError as error:
        input_values = {"role": form.role.data, "section": form.section.data, "active": bool(form.active.data)}
        merged = merge(input_values, original, error.current)
        return _account_page(
            colleague, AccountForm(formdata=None, **merged.values), original=error.current, merged=merged
        ), 409
    except StateError:
        fault = gettext("Nobody changes their own role, and somebody must stay who can administer.")
        return _account_page(colleague, form, fault, original=original), 422
    flash(gettext("Kept."), "success")
    return redirect(url_for("accounts.show"), 303)


@blueprint.post("/accounts/<int:staff_id>/second-factor")
@needs(Permission.ADMINISTER, fresh=True)
def clear_second_factor(staff_id: int) -> ResponseReturnValue:
    """Reset the second factor of a person who lost phone and recovery codes."""
    reset_second_factor(_colleague_or_404(staff_id).id, context=staff_context())
    flash(gettext("The second factor will be set up anew at the next log-in."), "success")
    return redirect(url_for("accounts.edit", staff_id=staff_id), 303)


def _colleague_or_404(staff_id: int) -> StaffView:
    try:
        return find_colleague(scope(), staff_id)
    except NotFoundError:
        abort(404)


def _page(form: InviteForm, fault: object = None) -> str:
    return render_template(
        "staff/staff/accounts.html", form=form, staff=list_staff(scope()), sections=form.names, fault=fault
    )


def _account_page(
    colleague: StaffView,
    form: AccountForm,
    fault: object = None,
    *,
    original: Values | None = None,
    merged: EditConflict | None = None,
) -> str:
    """Return the account's page.

    `original` are the values when the form was opened; `merged` are the values after a conflict.
    """
    stored = {"role": colleague.role, "section": colleague.section, "active": colleague.active}
    words = {"role": {role.value: str(ROLE_NAMES[role]) for role in Role}, "section": form.names}
    return render_template(
        "staff/staff/account.html",
        form=form,
        colleague=colleague,
        fault=fault,
        original=original_field(stored if original is None else original),
        is_conflict=merged is not None,
        stored_values={name: words.get(name, {}).get(value, value) for name, value in merged.stored_values.items()}
        if merged
        else {},
    )
