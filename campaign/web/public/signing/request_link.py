"""Asking for new links, where a mailed one has expired or was lost.

The answer is the same for every address; one that looks like a typing error is asked about first, as in the sign form.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.platform import limiter
from campaign.services.signing.new_link import ask_new_links
from campaign.web.forms import read_address
from campaign.web.http.locale import PREFIX
from campaign.web.public.context import supporter_context

blueprint = Blueprint("request_link", __name__)


@blueprint.get(f"{PREFIX}/new-link")
def form() -> ResponseReturnValue:
    """The form: one address."""
    return render_template("public/signing/new_link.html", error=None, question=None, email="")


@blueprint.post(f"{PREFIX}/new-link")
@limiter.limit("10 per minute; 60 per hour")
def create() -> ResponseReturnValue:
    """Writes down that this address wants its links, if it has any."""
    context = supporter_context()
    sent = read_address(request.form, context.now)
    if sent.address is None:
        page = {"error": sent.fault, "question": sent.question, "email": sent.typed[:300]}
        return render_template("public/signing/new_link.html", **page), 422
    ask_new_links(sent.address, context=context)
    return redirect(url_for("request_link.sent"), 303)


@blueprint.get(f"{PREFIX}/new-link/sent")
def sent() -> ResponseReturnValue:
    """What to expect now."""
    return render_template("public/signing/link_sent.html")
