"""Moderation of signatures whose signers have erased their data: by appeal and day, because nothing else is stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.errors import InputError
from campaign.domain.moderation.invalidation import Criteria
from campaign.domain.privacy.disclosure import BudgetError
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.moderation.erased import erased_days
from campaign.services.privacy.disclosure import count_signers
from campaign.web.staff.moderation.captions import FAULTS
from campaign.web.staff.moderation.criteria import appeal_choices, read_appeal_id
from campaign.web.staff.moderation.moderation import run_first_batches
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("erased", __name__, url_prefix="/moderation/erased")
_NO_DAY, _TOO_LATE = datetime.min.replace(tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class ErasedForm(TokenForm):
    """The erased signatures of an invalidation: the appeal, and the first and last day (UTC), both inclusive."""

    appeal = StringField()
    first = StringField()
    last = StringField()


@blueprint.get("")
@needs(Permission.EDIT)
def show() -> ResponseReturnValue:
    """Show the days with several erased signatures, and the form, filled in from `?appeal=` and `?day=`."""
    slug, day = request.args.get("appeal", ""), request.args.get("day", "")
    chosen_slug = slug if find_appeal(slug) is not None else ""
    return _page(ErasedForm(formdata=None, appeal=chosen_slug, first=day, last=day), {})


@blueprint.post("")
@needs(Permission.EDIT, fresh=True)
def create_invalidation() -> ResponseReturnValue:
    """Count the matching signatures, for a reason. They are changed only after a person has reviewed the number."""
    form = ErasedForm()
    faults: dict[str, Any] = {}
    days = {name: _read_day(form[name].data or "", name, faults) for name in ("first", "last")}
    if not faults and days["last"] < days["first"]:
        faults["last"] = FAULTS["until", "too-early"]
    appeal_id = read_appeal_id(form.appeal.data, faults)
    if faults:
        return _page(form, faults), 422
    until = days["last"] + timedelta(days=1)
    kept_days = runtime().settings.retention_days
    criteria = Criteria(since=days["first"], until=until, is_erased=True, kept_days=kept_days)
    try:
        invalidation_id = count_signers(
            criteria,
            appeal_id,
            reason=request.form.get("reason", ""),
            context=staff_context(),
        )
    except InputError as error:
        return _page(form, {"reason": reason_fault(error)}), 422
    except BudgetError:
        return _page(form, {"criteria": USED_UP}), 429
    run_first_batches(invalidation_id)
    return redirect(url_for("moderation.show_invalidation", invalidation_id=invalidation_id), 303)


def _read_day(text: str, name: str, faults: dict[str, Any]) -> datetime:
    """Return the day at midnight UTC; add an error message to `faults` if the text is not a day."""
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = _NO_DAY
    if not _NO_DAY < day < _TOO_LATE:
        faults[name] = FAULTS["day", "not-a-day"]
    return day


def _page(form: ErasedForm, faults: dict[str, Any]) -> str:
    app_runtime = runtime()
    choices = appeal_choices(form.appeal.data)
    slug = request.args.get("appeal")
    chosen_slug = slug if slug in dict(choices["appeals"]) else None
    return render_template(
        "staff/moderation/erased.html",
        form=form,
        faults=faults,
        days=erased_days(
            scope(), now=app_runtime.clock(), retention_days=app_runtime.settings.retention_days, slug=chosen_slug
        ),
        few=SMALLEST_SHOWN,
        chosen_slug=chosen_slug,
        **choices,
        disclosure_reason=request.form.get("reason", ""),
        section=own_section(),
    )
