"""Moderation of mail domains that are new this week, of which several can be chosen at once."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.errors import InputError
from campaign.domain.privacy.disclosure import BudgetError
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.moderation.new_domains import NewDomain, new_domains
from campaign.services.privacy.disclosure import rare_domains
from campaign.web.http.locale import current_locale
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope, staff_context
from campaign.web.staff.staff.disclosure import USED_UP, reason_fault

blueprint = Blueprint("new_domains", __name__, url_prefix="/moderation/domains")


@blueprint.get("")
@needs(Permission.EDIT)
def show() -> ResponseReturnValue:
    """Show the new domains with the most signatures; `?appeal=` limits them to one appeal."""
    app_runtime = runtime()
    appeal = _chosen_appeal()
    return _page(
        appeal,
        new_domains(scope(), app_runtime.vault, now=app_runtime.clock(), slug=None if appeal is None else appeal.slug),
    )


@blueprint.post("")
@needs(Permission.EDIT, fresh=True)
def show_rare() -> ResponseReturnValue:
    """Show all new domains, also those of few people, for a reason."""
    app_runtime, appeal = runtime(), _chosen_appeal()
    slug = None if appeal is None else appeal.slug
    try:
        return _page(
            appeal, rare_domains(slug, reason=request.form.get("reason", ""), context=staff_context()), is_whole=True
        )
    except InputError as error:
        status, fault = 422, reason_fault(error)
    except BudgetError:
        status, fault = 429, USED_UP
    return _page(
        appeal, new_domains(scope(), app_runtime.vault, now=app_runtime.clock(), slug=slug), fault=fault
    ), status


def _chosen_appeal() -> AppealView | None:
    return find_appeal(request.args.get("appeal", ""))


def _page(
    appeal: AppealView | None, domains: tuple[NewDomain, ...], *, is_whole: bool = False, fault: object = None
) -> str:
    slug = appeal.slug if appeal is not None else None
    return render_template(
        "staff/moderation/new_domains.html",
        domains=domains,
        is_whole=is_whole,
        fault=fault,
        few=SMALLEST_SHOWN,
        disclosure_reason=request.form.get("reason", ""),
        chosen_slug=slug,
        headline=appeal.text_in(current_locale()).headline if appeal is not None and appeal.texts else slug,
        section=own_section(),
    )
