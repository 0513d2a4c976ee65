"""Moderation in a person's section: search for signers, trends of sign-ups, and invalidations with their undo."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from wtforms import StringField

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.errors import InputError, NotFoundError, StateError
from campaign.domain.moderation.invalidation import Criteria, read_domain, read_invalidation_reason, read_pattern
from campaign.domain.privacy.disclosure import BudgetError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.name import NAME_LENGTH
from campaign.domain.signing.provider import is_disposable
from campaign.domain.staff.actor import SYSTEM
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.moderation.moderation import (
    MAX_RESULTS,
    InvalidationView,
    SignerView,
    alerts,
    find_invalidation,
    invalidations,
    is_beyond_search,
    trends,
)
from campaign.services.moderation.invalidate import advance, begin, drop, undo
from campaign.services.privacy.disclosure import count_signers, preview_signers, search_signers
from campaign.web.staff.moderation.captions import ALERT_NAMES, FAULTS, SIGNATURE_STATES, STATE_NAMES
from campaign.web.staff.moderation.criteria import (
    appeal_choices,
    read_appeal_id,
    read_fields,
    read_moment,
    read_network,
)
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context, worker_access
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault
from campaign.web.staff.staff_form import TokenForm

blueprint = Blueprint("moderation", __name__, url_prefix="/moderation")
# The number of batches that the page runs itself; a worker runs the others.
_FIRST_BATCHES = 2
_MAX_CHOSEN = 200
_READERS = (
    ("domain", read_domain),
    ("pattern", read_pattern),
    ("network", read_network),
    ("since", read_moment),
    ("until", read_moment),
)


class ChooseSignersForm(TokenForm):
    """The criteria of an invalidation; signers and mail domains that were chosen from a list are read apart."""

    appeal = StringField()
    domain = StringField()
    pattern = StringField()
    network = StringField()
    since = StringField()
    until = StringField()


@blueprint.get("")
@needs(Permission.EDIT)
def show() -> ResponseReturnValue:
    """Show search, trends, alerts and invalidations; `?appeal=` limits the trends to one appeal."""
    slug = request.args.get("appeal", "")
    return _page(ChooseSignersForm(formdata=None, appeal=slug if find_appeal(slug) is not None else ""))


@blueprint.post("/search")
@needs(Permission.EDIT, fresh=True)
def search() -> ResponseReturnValue:
    """Show the signers with this name or mail address. By POST, because a URL must not contain them."""
    search_text, reason = " ".join(request.form.get("who", "").split()), request.form.get("reason", "")
    if not search_text or len(search_text) > NAME_LENGTH * 2:
        return _search_page({"who": FAULTS["who", "missing" if not search_text else "too-long"]}), 422
    address = None
    if "@" in search_text:
        try:
            address = parse_address(search_text)
        except InputError:
            return _search_page({"who": FAULTS["who", "not-an-address"]}, search_text=search_text), 422
    try:
        signers = search_signers(name=search_text, address=address, reason=reason, context=staff_context())
    except InputError as error:
        return _search_page({"reason": reason_fault(error)}, search_text=search_text), 422
    except BudgetError:
        return _search_page({"criteria": USED_UP}, search_text=search_text), 429
    return _search_page(signers=signers, search_text=search_text)


@blueprint.post("/invalidations")
@needs(Permission.EDIT, fresh=True)
def create_invalidation() -> ResponseReturnValue:
    """Store an invalidation and count its signatures, in first batches here and then by a worker.

    The person must give a reason, which is logged. The signatures are changed only after the number was reviewed.
    """
    form = ChooseSignersForm()
    faults: dict[str, Any] = {}
    criteria = _read_criteria(form, faults)
    appeal_id = read_appeal_id(form.appeal.data, faults)
    if not faults and criteria.is_empty:
        faults["criteria"] = FAULTS["criteria", "missing"]
    if faults:
        return _page(form, faults), 422
    try:
        invalidation_id = count_signers(
            criteria,
            appeal_id,
            reason=request.form.get("reason", ""),
            context=staff_context(),
        )
    except InputError as error:
        # A choice from a list was not made in the form that this page shows, so the error is also shown at its top.
        fault_text = reason_fault(error)
        return _page(
            form, {"choose-reason": fault_text} | ({"criteria": fault_text} if criteria.ids or criteria.domains else {})
        ), 422
    except BudgetError:
        return _page(form, {"criteria": USED_UP}), 429
    run_first_batches(invalidation_id)
    return redirect(url_for("moderation.show_invalidation", invalidation_id=invalidation_id), 303)


@blueprint.get("/invalidations/<int:invalidation_id>")
@needs(Permission.EDIT)
def show_invalidation(invalidation_id: int) -> ResponseReturnValue:
    """Show how many signatures an invalidation concerns, and its progress."""
    return _invalidation_page(_own_invalidation_or_404(invalidation_id))


@blueprint.post("/invalidations/<int:invalidation_id>/preview")
@needs(Permission.EDIT, fresh=True)
def preview(invalidation_id: int) -> ResponseReturnValue:
    """Show the first signers of an invalidation."""
    invalidation = _own_invalidation_or_404(invalidation_id)
    try:
        sample = preview_signers(invalidation_id, reason=request.form.get("reason", ""), context=staff_context())
    except InputError as error:
        return _invalidation_page(invalidation, preview_fault=reason_fault(error)), 422
    except BudgetError:
        return _invalidation_page(invalidation, preview_fault=USED_UP), 429
    return _invalidation_page(invalidation, sample=sample, is_previewed=True)


@blueprint.post("/invalidations/<int:invalidation_id>/<any(begin, undo):act>")
@needs(Permission.EDIT)
def begin_or_undo(invalidation_id: int, act: str) -> ResponseReturnValue:
    """Begin an invalidation or undo it, with a reason."""
    invalidation = _own_invalidation_or_404(invalidation_id)
    try:
        reason = read_invalidation_reason(request.form.get("reason", ""))
    except InputError as error:
        return _invalidation_page(invalidation, FAULTS["reason", error.code]), 422
    try:
        (begin if act == "begin" else undo)(invalidation_id, reason, context=staff_context())
    except StateError:
        return _redirect_after_conflict(invalidation_id)
    run_first_batches(invalidation_id)
    return redirect(url_for("moderation.show_invalidation", invalidation_id=invalidation_id), 303)


@blueprint.post("/invalidations/<int:invalidation_id>/discard")
@needs(Permission.EDIT)
def discard(invalidation_id: int) -> ResponseReturnValue:
    """Discard an invalidation that has not begun."""
    _own_invalidation_or_404(invalidation_id)
    try:
        drop(invalidation_id, context=staff_context())
    except StateError:
        return _redirect_after_conflict(invalidation_id)
    return redirect(url_for("moderation.show"), 303)


def _redirect_after_conflict(invalidation_id: int) -> ResponseReturnValue:
    """Redirect to the invalidation, which another person has changed meanwhile."""
    flash(gettext("Somebody was quicker: this is how it stands now."), "error")
    return redirect(url_for("moderation.show_invalidation", invalidation_id=invalidation_id), 303)


def _own_invalidation_or_404(invalidation_id: int) -> InvalidationView:
    try:
        return find_invalidation(scope(), runtime().vault, invalidation_id)
    except NotFoundError:
        abort(404)


def run_first_batches(invalidation_id: int) -> None:
    """Run the first batches at once, which complete most invalidations.

    They run with a worker's access: an undo must also restore signers who have moved to another section since.
    """
    context = runtime().context(SYSTEM)
    with worker_access():
        for _ in range(_FIRST_BATCHES):
            if not advance(context=context, only=invalidation_id):
                break


def _read_criteria(form: ChooseSignersForm, faults: dict[str, Any]) -> Criteria:
    """Return the criteria in the form; add the error message of each wrong field to `faults`."""
    values = read_fields(form, _READERS, faults)
    chosen_domains, chosen_ids = request.form.getlist("domains"), request.form.getlist("ids", type=int)
    try:
        values["domains"] = tuple(sorted({read_domain(domain) for domain in chosen_domains[:_MAX_CHOSEN]}))
    except InputError as error:
        faults["domain"] = FAULTS[error.field, error.code]
    if max(len(chosen_domains), len(chosen_ids)) > _MAX_CHOSEN:
        faults["criteria"] = FAULTS["criteria", "too-many"]
    return Criteria(ids=tuple(sorted(set(chosen_ids[:_MAX_CHOSEN]))), **values)


def _search_page(faults: dict[str, Any] | None = None, **result: Any) -> str:
    """Return the page with an empty form for criteria; `result` is passed to `_page`."""
    return _page(ChooseSignersForm(formdata=None), faults, **result)


def _page(
    form: ChooseSignersForm,
    faults: dict[str, Any] | None = None,
    *,
    signers: tuple[SignerView, ...] | None = None,
    search_text: str = "",
) -> str:
    """Return the page; `signers` are the result of a search for `search_text`, None without one."""
    app_runtime = runtime()
    now = app_runtime.clock()
    choices = appeal_choices(form.appeal.data)
    chosen_slug = form.appeal.data if form.appeal.data in dict(choices["appeals"]) else None
    return render_template(
        "staff/moderation/moderation.html",
        form=form,
        faults=faults or {},
        signers=signers,
        is_truncated=signers is not None and len(signers) == MAX_RESULTS,
        search_text=search_text,
        disclosure_reason=request.form.get("reason", ""),
        few=SMALLEST_SHOWN,
        is_beyond_search=is_beyond_search(scope()),
        trends=trends(scope(), app_runtime.vault, now=now, slug=chosen_slug),
        chosen_slug=chosen_slug,
        alerts=alerts(now=now),
        invalidations=invalidations(scope(), app_runtime.vault),
        **choices,
        section=own_section(),
        is_disposable=is_disposable,
        **_captions(),
    )


def _invalidation_page(
    invalidation: InvalidationView,
    fault: Any = None,
    *,
    preview_fault: Any = None,
    sample: tuple[SignerView, ...] = (),
    is_previewed: bool = False,
) -> str:
    reason = request.form.get("reason", "")
    return render_template(
        "staff/moderation/invalidation.html",
        invalidation=invalidation,
        fault=fault,
        preview_fault=preview_fault,
        sample=sample,
        reason=reason if fault else "",
        disclosure_reason=reason if preview_fault else "",
        few=SMALLEST_SHOWN,
        is_previewed=is_previewed,
        zone=ZoneInfo(own_section().time_zone),
        **_captions(),
    )


def _captions() -> dict[str, Any]:
    return {"state_names": STATE_NAMES, "signature_states": SIGNATURE_STATES, "alert_names": ALERT_NAMES}
