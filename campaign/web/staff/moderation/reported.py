"""Moderation of acts reported without a signature, by hour and network. They are invalidated like signatures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from campaign.domain.moderation.invalidation import Criteria, InvalidatedKind
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.moderation.reported import report_overview
from campaign.services.moderation.invalidate import add_invalidation
from campaign.web.staff.moderation.captions import FAULTS
from campaign.web.staff.moderation.criteria import (
    appeal_choices,
    read_appeal_id,
    read_fields,
    read_moment,
    read_network,
)
from campaign.web.staff.moderation.moderation import run_first_batches
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("reported", __name__, url_prefix="/moderation/reports")
_READERS = (("wide_network", read_network), ("since", read_moment), ("until", read_moment))


class ReportsForm(TokenForm):
    """The criteria of an invalidation of reported acts."""

    appeal = StringField()
    wide_network = StringField()
    since = StringField()
    until = StringField()


@blueprint.get("")
@needs(Permission.EDIT)
def show() -> ResponseReturnValue:
    """Show the recent reports, by hour and by network."""
    slug = request.args.get("appeal", "")
    return _page(ReportsForm(formdata=None, appeal=slug if find_appeal(slug) is not None else ""), {})


@blueprint.post("")
@needs(Permission.EDIT)
def create_invalidation() -> ResponseReturnValue:
    """Count the matching reports. They are changed only after a person has reviewed the number."""
    form = ReportsForm()
    faults: dict[str, Any] = {}
    values = read_fields(form, _READERS, faults)
    appeal_id = read_appeal_id(form.appeal.data, faults)
    criteria = Criteria(**values) if not faults else Criteria()
    if not faults and criteria.is_empty:
        faults["criteria"] = FAULTS["criteria", "missing"]
    if faults:
        return _page(form, faults), 422
    invalidation_id = add_invalidation(criteria, appeal_id, context=staff_context(), kind=InvalidatedKind.REPORTS)
    run_first_batches(invalidation_id)
    return redirect(url_for("moderation.show_invalidation", invalidation_id=invalidation_id), 303)


def _page(form: ReportsForm, faults: dict[str, Any]) -> str:
    choices = appeal_choices(form.appeal.data)
    chosen_slug = form.appeal.data if form.appeal.data in dict(choices["appeals"]) else None
    return render_template(
        "staff/moderation/reported.html",
        form=form,
        faults=faults,
        reports=report_overview(scope(), now=runtime().clock(), slug=chosen_slug),
        chosen_slug=chosen_slug,
        **choices,
        section=own_section(),
    )
