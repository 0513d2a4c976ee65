"""Requests of one signer who writes by letter: correct the name or address, print the stored data, erase it.

The page itself shows neither name nor address. Each act requires a fresh log-in and a reason.
"""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from campaign.domain.errors import InputError, NotFoundError
from campaign.domain.privacy.disclosure import REASON_LENGTH, BudgetError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.name import NAME_LENGTH, clean_name
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.moderation.moderation import SectionSignature, own_signature
from campaign.services.privacy.disclosure import subject_access_for
from campaign.services.privacy.on_behalf import change_address_for, correct_name_for, erase_for, send_links_for
from campaign.web.forms import ADDRESS_ERRORS, INPUT_ERRORS, read_address
from campaign.web.http.locale import number
from campaign.web.staff.moderation.captions import FAULTS, SIGNATURE_STATES
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context, worker_access
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault

blueprint = Blueprint("signer", __name__, url_prefix="/moderation")


@blueprint.get("/signatures/<int:signature_id>")
@needs(Permission.EDIT)
def show(signature_id: int) -> ResponseReturnValue:
    """Show the possible actions for the signer."""
    return _page(_own_signature_or_404(signature_id))


@blueprint.post("/signatures/<int:signature_id>/name")
@needs(Permission.EDIT, fresh=True)
def correct_name(signature_id: int) -> ResponseReturnValue:
    """Correct the name."""
    signature, context, reason = _own_signature_or_404(signature_id), staff_context(), request.form.get("reason", "")
    try:
        name = clean_name(request.form.get("name", ""))
        with worker_access():
            correct_name_for(signature_id, name, reason=reason, context=context)
    except InputError as error:
        return _page(signature, {f"correct-{error.field}": _fault_text(error)}), 422
    except NotFoundError:
        abort(404)
    flash(gettext("The name was corrected."), "success")
    return redirect(url_for("signer.show", signature_id=signature_id), 303)


@blueprint.post("/signatures/<int:signature_id>/address")
@needs(Permission.EDIT, fresh=True)
def change_address(signature_id: int) -> ResponseReturnValue:
    """Mail a link to the new address. The change takes effect when the link is confirmed."""
    signature, context, reason = _own_signature_or_404(signature_id), staff_context(), request.form.get("reason", "")
    typed_address = read_address(request.form, context.now)
    if typed_address.address is None:
        return _page(
            signature,
            {"address-email": typed_address.error or typed_address.question},
            is_question=typed_address.error is None,
        ), 422
    try:
        with worker_access():
            change_address_for(signature_id, typed_address.address, reason=reason, context=context)
    except InputError as error:
        fault_text = reason_fault(error) if error.field == "reason" else ADDRESS_ERRORS[error.code]
        return _page(signature, {f"address-{error.field}": fault_text}), 422
    except BudgetError:
        return _page(signature, {"address-reason": USED_UP}), 429
    except NotFoundError:
        abort(404)
    message = gettext(
        "If we can write to the new address, it gets a mail. Nothing changes before its owner has confirmed it there."
    )
    flash(message, "success")
    return redirect(url_for("signer.show", signature_id=signature_id), 303)


@blueprint.post("/signatures/<int:signature_id>/erase")
@needs(Permission.EDIT, fresh=True)
def erase(signature_id: int) -> ResponseReturnValue:
    """Erase all data that the section has under the signer's address."""
    signature, context, reason = _own_signature_or_404(signature_id), staff_context(), request.form.get("reason", "")
    if not request.form.get("sure"):
        return _page(signature, {"erase-sure": gettext("Please tick that you are sure: this cannot be undone.")}), 422
    try:
        with worker_access():
            erased = erase_for(signature_id, reason=reason, context=context)
    except InputError as error:
        return _page(signature, {"erase-reason": _fault_text(error)}), 422
    except NotFoundError:
        abort(404)
    message = ngettext("Erased: %(count)s signature.", "Erased: %(count)s signatures.", erased, count=number(erased))
    flash(message, "success")
    return redirect(url_for("moderation.show"), 303)


@blueprint.post("/signatures/<int:signature_id>/print")
@needs(Permission.EDIT, fresh=True)
def show_subject_access(signature_id: int) -> ResponseReturnValue:
    """Show all data that the section has under the signer's address, to be printed and posted (GDPR art. 15)."""
    signature = _own_signature_or_404(signature_id)
    try:
        signatures = subject_access_for(signature_id, reason=request.form.get("reason", ""), context=staff_context())
    except InputError as error:
        return _page(signature, {"print-reason": _fault_text(error)}), 422
    except BudgetError:
        return _page(signature, {"print-reason": USED_UP}), 429
    return render_template(
        "staff/moderation/subject_access.html",
        signatures=signatures,
        section=own_section(),
        states=SIGNATURE_STATES,
        today=runtime().clock().date(),
    )


@blueprint.post("/links")
@needs(Permission.EDIT, fresh=True)
def send_links() -> ResponseReturnValue:
    """Mail the links of an address again: to its unconfirmed sign-ups and to its data. The page discloses nothing."""
    context, reason = staff_context(), request.form.get("reason", "")
    try:
        address = parse_address(request.form.get("email", ""))
        send_links_for(address, reason=reason, context=context)
    except InputError as error:
        fault_text = _fault_text(error) if error.field == "reason" else FAULTS["who", "not-an-address"]
        flash(str(fault_text), "error")
    else:
        flash(gettext("If we hold anything under this address, a mail with the links is on its way to it."), "success")
    return redirect(url_for("moderation.show", _anchor="links"), 303)


def _own_signature_or_404(signature_id: int) -> SectionSignature:
    try:
        return own_signature(scope(), signature_id)
    except NotFoundError:
        abort(404)


def _fault_text(error: InputError) -> object:
    return reason_fault(error) if error.field == "reason" else INPUT_ERRORS[error.field, error.code]


def _page(signature: SectionSignature, faults: dict[str, object] | None = None, *, is_question: bool = False) -> str:
    """Return the page; `is_question` is set if the typed address may contain a mistake."""
    input_values = request.form if faults else {}
    return render_template(
        "staff/moderation/signer.html",
        signature=signature,
        faults=faults or {},
        is_question=is_question,
        input_values=input_values,
        max_length=REASON_LENGTH,
        max_name_length=NAME_LENGTH,
        states=SIGNATURE_STATES,
        section=own_section(),
    )
