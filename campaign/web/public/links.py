"""Asking for new links, where a mailed one has expired or was lost. The answer is the same for every address."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.address import parse_address
from campaign.domain.errors import InputError
from campaign.extensions import limiter
from campaign.extensions.runtime import runtime
from campaign.services.new_link import ask_new_links
from campaign.web.forms import MESSAGES
from campaign.web.locale import PREFIX

blueprint = Blueprint("links", __name__)


@blueprint.get(f"{PREFIX}/new-link")
def form() -> ResponseReturnValue:
    """The form: one address."""
    return render_template("public/new_link.html", error=None, email="")


@blueprint.post(f"{PREFIX}/new-link")
@limiter.limit("10 per minute; 60 per hour")
def create() -> ResponseReturnValue:
    """Writes down that this address wants its links, if it has any."""
    typed = request.form.get("email", "")
    try:
        address = parse_address(typed)
    except InputError as error:
        return render_template("public/new_link.html", error=MESSAGES["email", error.code], email=typed[:300]), 422
    at = runtime()
    ask_new_links(address, now=at.clock(), vault=at.vault)
    return redirect(url_for("links.sent"), 303)


@blueprint.get(f"{PREFIX}/new-link/sent")
def sent() -> ResponseReturnValue:
    """What to expect now."""
    return render_template("public/link_sent.html")
