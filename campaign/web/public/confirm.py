"""Confirming: the mailed link shows a button, and only the button changes anything (mail scanners follow links)."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.errors import NotFoundError, OverError, StateError, TokenError
from campaign.domain.token import Purpose
from campaign.extensions.network import client_networks
from campaign.extensions.runtime import runtime
from campaign.queries.signature import find_signature
from campaign.services.confirm import confirm
from campaign.web.guard import watch_confirmed
from campaign.web.locale import PREFIX
from campaign.web.public.token import read, unusable

blueprint = Blueprint("confirm", __name__)


@blueprint.get(f"{PREFIX}/s/<token>")
def show(token: str) -> ResponseReturnValue:
    """What is about to be confirmed, and the button."""
    try:
        signature = find_signature(read(Purpose.CONFIRM, token), runtime().vault)
    except TokenError as error:
        return unusable(error)
    if signature is None:
        return render_template("public/gone.html", reason="erased", signature=None), 410
    return render_template("public/confirm.html", signature=signature, token=token)


@blueprint.post(f"{PREFIX}/s/<token>")
def create(token: str) -> ResponseReturnValue:
    """Confirms, as often as it is pressed, and leads on to sending the letter."""
    at = runtime()
    try:
        signature_id = read(Purpose.CONFIRM, token)
        confirm(signature_id, now=at.clock(), vault=at.vault, mail_domain=at.mail_domain)
    except TokenError as error:
        return unusable(error)
    except NotFoundError:
        return render_template("public/gone.html", reason="erased", signature=None), 410
    except StateError as error:
        reason = "over" if isinstance(error, OverError) else "left"
        signature = find_signature(signature_id, at.vault)
        return render_template("public/gone.html", reason=reason, signature=signature), 410
    watch_confirmed(client_networks())
    manage = at.tokens.make(Purpose.MANAGE, signature_id, at.clock(), b"")
    return redirect(url_for("manage.act", token=manage), 303)
