"""The page for taking action: sending the letter by each channel and reporting it, with or without a signature."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.abuse.challenge import ChallengeDemand, ChallengeDemandError
from campaign.domain.counting.channel import REPORTABLE_CHANNELS, Channel
from campaign.domain.errors import NotFoundError, ReportLimitError, StateError
from campaign.platform import limiter
from campaign.platform.network import client_networks
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.signature import SignatureView
from campaign.services.abuse.limits import watch_signed_report
from campaign.services.signing.report_action import UnsignedReport, count_unsigned_report, record_report
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.forms import INPUT_ERRORS
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML, page_version, published_appeal_or_404
from campaign.web.public.context import supporter_context
from campaign.web.public.letter.take_action_page import LetterChoice, counted_receipt, read_choice, take_action_context
from campaign.web.public.signing.token import signer_or_refusal

# The limits are by network: enough for a class that writes together, too low to inflate the counts of a campaign.
UNSIGNED_LIMITS = "40 per hour; 120 per day"
# A channel and the position of a target.
ReportedAction = tuple[Channel, int]
blueprint = Blueprint("take_action", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/act")
def act(token: str) -> ResponseReturnValue:
    """Show the letter with all channels to a signer."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    choice = read_choice(signature.appeal, signature)
    page = take_action_context(signature.appeal, signature, choice)
    return render_template("public/letter/take_action.html", **page, token=token)


@blueprint.post(f"{LOCALE_PREFIX}/m/<token>/act")
def report(token: str) -> ResponseReturnValue:
    """Count the reported action, once per channel, target and day, and redirect to the next channel."""
    signature = signer_or_refusal(token)
    if not isinstance(signature, SignatureView):
        return signature
    action = _reported_action(signature.appeal)
    try:
        if action is not None:
            record_report(signature.id, action[0], target=action[1], context=supporter_context())
            watch_signed_report(signature.appeal, context=supporter_context())
    except (StateError, NotFoundError):
        action = None  # the page must not give thanks for an action that is not counted
    choice = read_choice(signature.appeal, signature)
    return redirect(_next_address("take_action.act", {"token": token}, signature.appeal, action, choice), 303)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/act")
def act_unsigned(slug: str) -> ResponseReturnValue:
    """Show the letter with all channels to readers who have not signed."""
    appeal = published_appeal_or_404(slug)
    choice = read_choice(appeal, None)
    if request.query_string:
        return _unsigned_page(appeal, choice)
    version = page_version(appeal, data_cache().counts(appeal), runtime().clock())
    return page_cache().answer(
        ("act", slug, current_locale()), version, lambda: _unsigned_page(appeal, choice), content_type=HTML
    )


@blueprint.post(f"{LOCALE_PREFIX}/appeals/<slug>/act")
@limiter.limit(UNSIGNED_LIMITS, deduct_when=lambda response: response.status_code == 303)
def report_unsigned(slug: str) -> ResponseReturnValue:
    """Count an action that was reported without a signature, for the section of the chosen country."""
    appeal = published_appeal_or_404(slug)
    choice = read_choice(appeal, None)
    action = _reported_action(appeal)
    section = data_cache().section_for(choice.country, current_locale(), appeal) if choice.country else None
    if section is None:
        return _unsigned_page(appeal, choice, error=INPUT_ERRORS["country", "missing"]), 422
    if action is not None:
        action, challenge = _record_unsigned(appeal, section.code, action)
        if challenge is not None:
            return _unsigned_page(appeal, choice, challenge=challenge), 422
    return redirect(_next_address("take_action.act_unsigned", {"slug": slug}, appeal, action, choice), 303)


def _record_unsigned(
    appeal: AppealView, section_code: str, action: ReportedAction
) -> tuple[ReportedAction | None, ChallengeDemand | None]:
    """Count the action and return it, or return the demand of a human check.

    Return neither if the action cannot be counted. Abort with 429 above the limit of reports.
    """
    proof, ticket = request.form.get("proof", ""), request.form.get("ticket", "")
    report = UnsignedReport(section_code, action[0], action[1], client_networks(), proof, ticket)
    try:
        count_unsigned_report(appeal, report, context=supporter_context())
    except ReportLimitError:
        abort(429)
    except ChallengeDemandError as error:
        return None, error.demand
    except (StateError, NotFoundError):
        return None, None
    return action, None


def _unsigned_page(
    appeal: AppealView, choice: LetterChoice, error: object = None, challenge: ChallengeDemand | None = None
) -> str:
    """Return the page for readers who have not signed, with an error or the human check of a report."""
    reported = {name: request.form.get(name, "") for name in ("channel", "target")}
    page = take_action_context(appeal, None, choice) | {"error": error, "challenge": challenge, "reported": reported}
    return render_template("public/letter/take_action.html", **page, token=None)


def _reported_action(appeal: AppealView) -> ReportedAction | None:
    """Return the channel and target in the form, or None if it names none that can be reported."""
    channel, target = request.form.get("channel", ""), request.form.get("target", "0")
    positions = {str(view.position) for targets in appeal.targets.values() for view in targets} | {"0"}
    if channel not in set(REPORTABLE_CHANNELS) or target not in positions:
        return None
    return Channel(channel), int(target)


def _next_address(
    endpoint: str, page: dict[str, str], appeal: AppealView, action: ReportedAction | None, choice: LetterChoice
) -> str:
    """Return the URL of the page with the same choices, scrolled to the counted action, below which the next one is."""
    values: dict[str, Any] = {**page, **choice.as_query()}
    if action is not None:
        values |= {"done": counted_receipt(appeal, *action), "_anchor": action[0].value}
    return url_for(endpoint, **values)
