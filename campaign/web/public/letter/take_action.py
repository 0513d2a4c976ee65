"""Sending the letter, by every channel, and saying so: after signing, or without."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.abuse.challenge import ChallengeDemand
from campaign.domain.counting.channel import REPORTABLE, Channel
from campaign.domain.errors import NotFoundError, SpentSolutionError, StateError
from campaign.platform import limiter
from campaign.platform.network import client_networks
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.signature import SignatureView
from campaign.services.abuse.limits import admit_report, demand, watch_signed_report
from campaign.services.signing.report_action import record, record_unsigned
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.forms import INPUT_ERRORS
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML, published, version_of
from campaign.web.public.context import supporter_context
from campaign.web.public.letter.take_action_page import LetterChoice, act_page, counted_receipt, read_choice
from campaign.web.public.signing.token import signer

# By network: enough for a class that writes together, too little to make a campaign look great.
UNSIGNED_LIMITS = "40 per hour; 120 per day"
# A channel and the position of a target.
Done = tuple[Channel, int]
blueprint = Blueprint("take_action", __name__)


@blueprint.get(f"{PREFIX}/m/<token>/act")
def act(token: str) -> ResponseReturnValue:
    """The letter by every channel, for somebody who has signed."""
    signature = signer(token)
    if not isinstance(signature, SignatureView):
        return signature
    choice = read_choice(signature.appeal, signature)
    page = act_page(signature.appeal, signature, choice)
    return render_template("public/letter/take_action.html", **page, token=token)


@blueprint.post(f"{PREFIX}/m/<token>/act")
def report(token: str) -> ResponseReturnValue:
    """Counts what the supporter says to have sent, once per channel, target and day."""
    signature = signer(token)
    if not isinstance(signature, SignatureView):
        return signature
    done = _reported(signature.appeal)
    try:
        if done is not None:
            record(signature.id, done[0], target=done[1], context=supporter_context())
            watch_signed_report(signature.appeal, context=supporter_context())
    except (StateError, NotFoundError):
        done = None  # not confirmed, or over: the page must not thank for what it has not counted
    choice = read_choice(signature.appeal, signature)
    return redirect(_onward("take_action.act", {"token": token}, signature.appeal, done, choice), 303)


@blueprint.get(f"{PREFIX}/appeals/<slug>/act")
def act_unsigned(slug: str) -> ResponseReturnValue:
    """The letter by every channel, for anybody."""
    appeal = published(slug)
    choice = read_choice(appeal, None)
    if request.query_string:
        return _unsigned(appeal, choice)
    version = version_of(appeal, data_cache().counts(appeal), runtime().clock())
    return page_cache().answer(("act", slug, current_locale()), version, lambda: _unsigned(appeal, choice), kind=HTML)


@blueprint.post(f"{PREFIX}/appeals/<slug>/act")
@limiter.limit(UNSIGNED_LIMITS, deduct_when=lambda response: response.status_code == 303)
def report_unsigned(slug: str) -> ResponseReturnValue:
    """Counts what somebody who has not signed says to have sent, for the section of the country they choose."""
    appeal = published(slug)
    choice = read_choice(appeal, None)
    done = _reported(appeal)
    section = data_cache().section_for(choice.country, current_locale(), appeal) if choice.country else None
    if section is None:
        return _unsigned(appeal, choice, error=INPUT_ERRORS["country", "missing"]), 422
    if done is not None:
        done, challenge = _record_unsigned(appeal, section.code, done)
        if challenge is not None:
            return _unsigned(appeal, choice, challenge=challenge), 422
    return redirect(_onward("take_action.act_unsigned", {"slug": slug}, appeal, done, choice), 303)


def _record_unsigned(appeal: AppealView, section_code: str, done: Done) -> tuple[Done | None, ChallengeDemand | None]:
    """Count it; return what was counted, or what the browser has to do first. 429 beyond what an appeal takes."""
    sent, networks, context = request.form, client_networks(), supporter_context()
    let = admit_report(appeal, sent.get("proof", ""), sent.get("ticket", ""), networks, context=context)
    if let is None:
        abort(429)
    if isinstance(let, ChallengeDemand):
        return None, let
    try:
        known = bytes.fromhex(networks[0].digest), bytes.fromhex(networks[1 if len(networks) > 1 else 0].digest)
        record_unsigned(
            appeal.id,
            section_code,
            done[0],
            target=done[1],
            solved=let.solved,
            networks=known,
            context=context,
        )
    except SpentSolutionError:
        return None, demand(appeal, networks, context=context)
    except (StateError, NotFoundError):
        return None, None
    return done, None


def _unsigned(
    appeal: AppealView, choice: LetterChoice, error: object = None, challenge: ChallengeDemand | None = None
) -> str:
    asked = {name: request.form.get(name, "") for name in ("channel", "target")}
    page = act_page(appeal, None, choice) | {"error": error, "challenge": challenge, "asked": asked}
    return render_template("public/letter/take_action.html", **page, token=None)


def _reported(appeal: AppealView) -> Done | None:
    """Which channel and target the form names; None where it names none that can be reported."""
    channel, target = request.form.get("channel", ""), request.form.get("target", "0")
    positions = {str(one.position) for ones in appeal.targets.values() for one in ones} | {"0"}
    if channel not in set(REPORTABLE) or target not in positions:
        return None
    return Channel(channel), int(target)


def _onward(endpoint: str, page: dict[str, str], appeal: AppealView, done: Done | None, choice: LetterChoice) -> str:
    """Back to the page with the choice kept, at what was just done: the next channel follows there."""
    values: dict[str, Any] = {**page, **choice.as_query()}
    if done is not None:
        values |= {"done": counted_receipt(appeal, *done), "_anchor": done[0].value}
    return url_for(endpoint, **values)
