"""Requests for new links, for supporters whose mailed link has expired or is lost.

The answer is the same for every address. For an address that looks like a typing error the form first asks, as the
sign-up form does.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.platform import limiter
from campaign.services.signing.new_link import request_new_links
from campaign.web.forms import read_address
from campaign.web.http.locale import LOCALE_PREFIX
from campaign.web.public.context import supporter_context

blueprint = Blueprint("request_link", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/new-link")
def form() -> ResponseReturnValue:
    """Show the form with one field for the address."""
    return render_template("public/signing/new_link.html", error=None, question=None, email="")


@blueprint.post(f"{LOCALE_PREFIX}/new-link")
@limiter.limit("10 per minute; 60 per hour")
def create() -> ResponseReturnValue:
    """Store the request for new links to this address; 422 with the form if the address is unusable."""
    context = supporter_context()
    form_input = read_address(request.form, context.now)
    if form_input.address is None:
        page = {"error": form_input.error, "question": form_input.question, "email": form_input.text[:300]}
        return render_template("public/signing/new_link.html", **page), 422
    request_new_links(form_input.address, context=context)
    return redirect(url_for("request_link.sent"), 303)


@blueprint.get(f"{LOCALE_PREFIX}/new-link/sent")
def sent() -> ResponseReturnValue:
    """Show what happens next."""
    return render_template("public/signing/link_sent.html")
