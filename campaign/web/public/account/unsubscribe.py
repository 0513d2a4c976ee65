"""No more mail: one click in the mail program (RFC 8058), or a page with a button for people."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from campaign.domain.errors import TokenError
from campaign.domain.signing.token import Purpose
from campaign.services.signing.unsubscribe import unsubscribe
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.progress import section_label
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import opened, unusable

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get(f"{PREFIX}/u/<token>")
def show(token: str) -> ResponseReturnValue:
    """What can be ended, and the buttons; looking changes nothing."""
    try:
        signature = opened(Purpose.UNSUBSCRIBE, token)
    except TokenError as error:
        return unusable(error)
    section = None
    if signature is not None:
        section = section_label(signature.section_code, current_locale())
    return render_template("public/account/unsubscribe.html", section=section, is_done=signature is None)


@blueprint.post(f"{PREFIX}/u/<token>")
def create(token: str) -> ResponseReturnValue:
    """Ends it at once and answers without a redirect, which mail programs would not follow (RFC 8058, 3.2).

    The token is the permission: mail programs post it from anywhere, so the guard against other sites lets it pass.
    """
    try:
        signature = opened(Purpose.UNSUBSCRIBE, token)
    except TokenError as error:
        return unusable(error)
    if signature is not None:
        everywhere = request.form.get("from") == "all"
        unsubscribe(signature.id, everywhere=everywhere, context=supporter_context())
    return render_template("public/account/unsubscribe.html", section=None, is_done=True)
