"""The mails of one signer: state and reason of each, and sending one again. The page shows no name and no address."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.staff.roles import Permission
from campaign.queries.delivery.mail_status import queue_pause
from campaign.queries.outbox.signer_mail import mails_of_signer
from campaign.services.moderation.resend import resend
from campaign.web.staff.delivery.captions import MESSAGE_NAMES, PHASE_NAMES, STATE_NAMES, reason_words
from campaign.web.staff.staff.access import needs, scope, staff_context

blueprint = Blueprint("signer_mail", __name__, url_prefix="/moderation/signatures/<int:signature_id>/mails")


@blueprint.get("")
@needs(Permission.EDIT)
def show(signature_id: int) -> ResponseReturnValue:
    """Show the newest mails of a signature in this person's section."""
    return _page(signature_id)


@blueprint.post("/<int:mail_id>")
@needs(Permission.EDIT)
def send_again(signature_id: int, mail_id: int) -> ResponseReturnValue:
    """Queue a failed mail once more."""
    expected = request.form.get("seen", default=-1, type=int)
    try:
        resend(signature_id, mail_id, expected=expected, context=staff_context())
    except NotFoundError:
        abort(404)
    except StateError:
        return _page(signature_id, gettext("This mail has moved on meanwhile. This is how it stands now.")), 409
    flash(gettext("The mail will be sent within some seconds, unless there is still a reason not to."), "success")
    return redirect(url_for("signer_mail.show", signature_id=signature_id), 303)


def _page(signature_id: int, fault: str | None = None) -> str:
    try:
        signer_mails = mails_of_signer(scope(), signature_id)
    except NotFoundError:
        abort(404)
    return render_template(
        "staff/moderation/signer_mail.html",
        signer_mails=signer_mails,
        fault=fault,
        pause=queue_pause(),
        message_names=MESSAGE_NAMES,
        state_names=STATE_NAMES,
        phase_names=PHASE_NAMES,
        reason_words=reason_words,
    )
