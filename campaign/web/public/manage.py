"""After confirming: sending the letter and saying so, and everything we hold under one address."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.action import REPORTABLE, Channel
from campaign.domain.appeal import TargetKind
from campaign.domain.errors import NotFoundError, StateError, TokenError
from campaign.domain.token import Purpose
from campaign.extensions.runtime import runtime
from campaign.letter.mailto import mailto
from campaign.letter.plain import address_lines, letter_text
from campaign.queries.appeal import AppealView
from campaign.queries.signature import SignatureView, find_signature, signatures_of_same_address
from campaign.services.record import record
from campaign.services.withdraw import erase, set_updates, withdraw
from campaign.web.locale import PREFIX, current_locale
from campaign.web.public.pages import published
from campaign.web.public.token import read, unusable
from campaign.web.snapshot import snapshots

blueprint = Blueprint("manage", __name__)


@blueprint.get(f"{PREFIX}/m/<token>/act")
def act(token: str) -> ResponseReturnValue:
    """The letter by every channel, for somebody who has signed."""
    signature = _found(token)
    if not isinstance(signature, SignatureView):
        return signature
    return render_template("public/act.html", **_act_page(signature.appeal, signature), token=token)


@blueprint.post(f"{PREFIX}/m/<token>/act")
def report(token: str) -> ResponseReturnValue:
    """Counts what the supporter says to have sent, once per channel, target and day."""
    signature = _found(token)
    if not isinstance(signature, SignatureView):
        return signature
    channel = request.form.get("channel", "")
    target = request.form.get("target", "0")
    positions = {str(one.position) for ones in signature.appeal.targets.values() for one in ones} | {"0"}
    if channel in set(REPORTABLE) and target in positions:
        with suppress(StateError, NotFoundError):
            record(signature.id, Channel(channel), target=int(target), now=runtime().clock())
    return redirect(url_for("manage.act", token=token), 303)


@blueprint.get(f"{PREFIX}/appeals/<slug>/act")
def act_unsigned(slug: str) -> ResponseReturnValue:
    """The letter by every channel, for anybody."""
    return render_template("public/act.html", **_act_page(published(slug), None), token=None)


@blueprint.get(f"{PREFIX}/m/<token>/me")
def me(token: str) -> ResponseReturnValue:
    """What we hold under this address."""
    try:
        found = signatures_of_same_address(read(Purpose.MANAGE, token), runtime().vault)
    except TokenError as error:
        return unusable(error)
    return render_template("public/me.html", signatures=found, token=token, locale_now=current_locale())


@blueprint.post(f"{PREFIX}/m/<token>/me")
def change(token: str) -> ResponseReturnValue:
    """Withdraws, erases, or changes the consent to updates, at once."""
    at = runtime()
    try:
        found = signatures_of_same_address(read(Purpose.MANAGE, token), at.vault)
    except TokenError as error:
        return unusable(error)
    chosen = request.form.get("signature", "")
    wanted = [signature for signature in found if str(signature.id) == chosen or chosen == "all"]
    for signature in wanted:
        match request.form.get("do"):
            case "withdraw":
                withdraw(signature.id, now=at.clock())
            case "erase":
                erase(signature.id, now=at.clock())
            case "updates":
                set_updates(signature.id, wanted=bool(request.form.get("updates")), now=at.clock())
            case _:
                break
    return redirect(url_for("manage.me", token=token), 303)


def _found(token: str) -> SignatureView | ResponseReturnValue:
    try:
        signature = find_signature(read(Purpose.MANAGE, token), runtime().vault)
    except TokenError as error:
        return unusable(error)
    if signature is None:
        return render_template("public/gone.html", reason="erased", signature=None), 410
    return signature


def _act_page(appeal: AppealView, signature: SignatureView | None) -> dict[str, Any]:
    text = appeal.text_in(current_locale())
    letter = letter_text(text, signature.name if signature else None)
    targets = appeal.targets_in(text.language)
    return {
        "appeal": appeal,
        "text": text,
        "signature": signature,
        "letter": letter,
        "mailto": mailto(targets, text.headline, letter),
        "posts": [(target, address_lines(target)) for target in targets if target.address],
        "faxes": [(target, fax) for target in targets for fax in target.faxes],
        "phones": [(target, phone) for target in targets for phone in target.phones],
        "socials": [
            (target, network, handle) for target in targets for network, handle in sorted(target.social.items())
        ],
        "is_open": appeal.is_open,
        "counts": snapshots().counts(appeal),
        "primary": TargetKind.PRIMARY.value,
    }
