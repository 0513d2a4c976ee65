"""Unsubscribing: one click in the mail program (RFC 8058), or a page with a button."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from campaign.domain.errors import TokenError
from campaign.domain.signing.token import Purpose
from campaign.services.signing.unsubscribe import unsubscribe
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.progress import section_label
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import find_signature_of, unusable_link_page

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/u/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show which mails can be ended, with the buttons; opening the page changes nothing."""
    try:
        signature = find_signature_of(Purpose.UNSUBSCRIBE, token)
    except TokenError as error:
        return unusable_link_page(error)
    section = None
    if signature is not None:
        section = section_label(signature.section_code, current_locale())
    return render_template("public/account/unsubscribe.html", section=section, is_done=signature is None)


@blueprint.post(f"{LOCALE_PREFIX}/u/<token>")
def create(token: str) -> ResponseReturnValue:
    """Unsubscribe at once and answer without a redirect, which mail programs would not follow (RFC 8058, 3.2).

    The signed token is the permission: mail programs post it from any origin, so the check of other sites accepts it.
    """
    try:
        signature = find_signature_of(Purpose.UNSUBSCRIBE, token)
    except TokenError as error:
        return unusable_link_page(error)
    if signature is not None:
        everywhere = request.form.get("from") == "all"
        unsubscribe(signature.id, everywhere=everywhere, context=supporter_context())
    return render_template("public/account/unsubscribe.html", section=None, is_done=True)
