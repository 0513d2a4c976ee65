"""Moderation of mail domains that are new this week: several are chosen at once."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from campaign.domain.staff import Permission
from campaign.extensions.runtime import runtime
from campaign.queries.appeal import find_appeal
from campaign.queries.new_domains import new_domains
from campaign.web.locale import current_locale
from campaign.web.staff.access import needs, scope
from campaign.web.staff.sections import own_section

blueprint = Blueprint("new_domains", __name__, url_prefix="/moderation/domains")


@blueprint.get("")
@needs(Permission.EDIT)
def show() -> ResponseReturnValue:
    """The new domains with the most signatures; `?appeal=` narrows it to one appeal."""
    at = runtime()
    appeal = find_appeal(request.args.get("appeal", ""))
    chosen = appeal.slug if appeal is not None else None
    return render_template(
        "staff/new_domains.html",
        found=new_domains(scope(), at.vault, now=at.clock(), slug=chosen),
        chosen=chosen,
        headline=appeal.text_in(current_locale()).headline if appeal is not None and appeal.texts else chosen,
        section=own_section(),
    )
