"""Confirming: the mailed link shows what waits and a button, and only the button changes anything."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.errors import (
    AppealEndedError,
    ErasedKeyError,
    InvalidatedError,
    NotFoundError,
    SignUpChangedError,
    StateError,
    TokenError,
)
from campaign.domain.signing.name import name_key
from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import Link, Purpose, shown_mark
from campaign.platform.network import client_networks
from campaign.platform.runtime import runtime
from campaign.queries.signing.sign_up import WaitingSignUpView, beside, earlier_than, find_waiting, newest_of
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.services.abuse.limits import watch_confirmed
from campaign.services.signing.confirm import ConfirmedSignature, ConsentChoices, ShownSignUp, confirm
from campaign.services.signing.withdraw import refuse_sign_ups
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import PREFIX
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import read, unusable

# A used link leads to the same page again so long after the hour in which it was used: the button was pressed twice.
_PRESSED_TWICE = timedelta(hours=2)
blueprint = Blueprint("confirm", __name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a link leads to: its own sign-up, what else waits for the same mailbox, and what it became."""

    link: Link
    own: WaitingSignUpView
    others: tuple[WaitingSignUpView, ...]
    signature: SignatureView | None
    # Whether the newest form says something else than the one that the link was for.
    is_changed: bool = False

    @property
    def is_other(self) -> bool:
        """Whether another person has signed from this mailbox before."""
        signed = self.own.signed
        return signed is not None and bool(self.own.name) and name_key(self.own.name) != name_key(signed)


@blueprint.get(f"{PREFIX}/s/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show what is about to be confirmed, and the button."""
    try:
        found = _found(token)
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable(error)
    if found.signature is not None and found.signature.state != SignatureState.CONFIRMED:
        return _left(found.signature)
    return _page(found, is_changed=found.is_changed)


@blueprint.post(f"{PREFIX}/s/<token>")
def create(token: str) -> ResponseReturnValue:
    """Confirm, as often as it is pressed, and lead on to sending the letter."""
    context = supporter_context()
    try:
        if request.form.get("do") == "erase":
            is_erased = refuse_sign_ups(read(Purpose.CONFIRM, token), context=context)
            if not is_erased:
                return render_template("public/signing/gone.html", reason="counted", slug=_slug(token)), 409
            return render_template("public/signing/gone.html", reason="refused", slug="")
        found = _found(token) if request.form.getlist("appeal") or "shown" in request.form else None
        if found is not None and not request.form.getlist("appeal"):
            return _page(found, is_changed=False, is_empty=True), 422
        link = read(Purpose.CONFIRM, token) if found is None else found.link
        done = confirm(
            link,
            ConsentChoices(bool(request.form.get("updates")), bool(request.form.get("share_name"))),
            also=() if found is None else _chosen(found),
            is_own=found is None or (_is_chosen(found, found.own) and "shown" not in request.form),
            context=context,
        )
    except SignUpChangedError:
        return _page(_found(token), is_changed=True), 409
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable(error)
    except StateError as error:
        reasons = {AppealEndedError: "over", InvalidatedError: "taken-out"}
        return render_template(
            "public/signing/gone.html", reason=reasons.get(type(error), "left"), slug=_slug(token)
        ), 410
    watch_confirmed(client_networks(), context=supporter_context())
    return redirect(_onward(token, done), 303)


def _onward(token: str, done: Sequence[ConfirmedSignature]) -> str:
    """Return the page to send the letter from, whose link opens what was confirmed by this press and nothing else.

    The token is of the hour of confirming: pressing twice gives no later one. A link that was used before leads to the
    page that is everybody's: whoever finds the mail opens nothing by it.
    """
    at = runtime()
    opened = [one for one in done if not one.is_used]
    if not opened:
        opened = [one for one in done if at.clock() - one.at < _PRESSED_TWICE]
    if not opened:
        return url_for("take_action.act_unsigned", slug=_slug(token))
    first = opened[0]
    marks = b"".join(shown_mark(one.signature_id, one.link_key) for one in opened)
    manage = at.tokens.make(Purpose.MANAGE, first.signature_id, first.at, first.link_key, beside=marks)
    return url_for("take_action.act", token=manage)


def _found(token: str) -> _Found:
    """Raises TokenError, NotFoundError where it is gone or another's by now, CipherError."""
    link, vault = read(Purpose.CONFIRM, token), runtime().vault
    linked = find_waiting(link.subject, vault)
    if linked is None or not link.opens(linked.link_key):
        raise NotFoundError("nothing is left of this sign-up")
    own = newest_of(linked, vault)
    signature = find_signature(own.signature_id, vault) if own.signature_id is not None else None
    if own.signature_id is not None and signature is None:
        raise NotFoundError("the signature was erased")
    is_changed = not link.shows(linked.link_key, linked.content_digest) or not own.says_same(linked)
    return _Found(link, own, beside(own, vault), signature, is_changed)


def _chosen(found: _Found) -> Sequence[ShownSignUp]:
    """Return what was ticked, as the page showed it.

    Raises SignUpChangedError where it says something else by now: than on the page whose form this is, or, without
    one, than when the mail was written.
    """
    seen = dict(part.partition(":")[::2] for part in request.form.getlist("shown"))
    chosen = []
    for one in (found.own, *found.others) if seen else found.others:
        if not _is_chosen(found, one):
            continue
        if seen and not hmac.compare_digest(seen.get(one.slug, ""), mark(one)):
            raise SignUpChangedError("it is no longer what the page showed")
        if not seen and _says_else(found.link, one):
            raise SignUpChangedError("it is no longer what it was when the mail was written")
        chosen.append(ShownSignUp(one.id, one.content_digest))
    if not chosen and not (_is_chosen(found, found.own) and not seen):
        raise SignUpChangedError("nothing of what was chosen waits any more")
    return chosen


def _says_else(link: Link, one: WaitingSignUpView) -> bool:
    """Whether the mail showed another content of that sign-up, or an earlier one in its place that says else."""
    shown = link.shows_beside(one.id, one.content_digest)
    if shown is not None or not link.beside:
        return shown is False
    earlier = earlier_than(one, runtime().vault)
    return any(link.shows_beside(of.id, of.content_digest) and not one.says_same(of) for of in earlier)


def _is_chosen(found: _Found, one: WaitingSignUpView) -> bool:
    return one.slug in (request.form.getlist("appeal") or [found.own.slug])


def mark(one: WaitingSignUpView) -> str:
    """Return what stands for a sign-up's content in the page's form."""
    return one.content_digest[:16].hex()


def _left(signature: SignatureView) -> ResponseReturnValue:
    """Say why a signature that was confirmed does not count any more: its owner's wish, or the section's act."""
    reason = "taken-out" if signature.state == SignatureState.INVALIDATED else "left"
    return render_template("public/signing/gone.html", reason=reason, slug=signature.appeal.slug), 410


def _page(found: _Found, *, is_changed: bool, is_empty: bool = False) -> str:
    waiting = [one for one in (found.own, *found.others) if one.signature_id is None]
    listed = [(one, appeal) for one in waiting if (appeal := data_cache().appeal(one.slug)) is not None]
    page: dict[str, Any] = {
        "signature": found.signature,
        "listed": listed,
        "own": found.own,
        "is_other": found.is_other,
        "is_changed": is_changed and found.signature is None,
        "is_empty": is_empty,
        "mark": mark,
    }
    return render_template("public/signing/confirm.html", **page)


def _slug(token: str) -> str:
    own = find_waiting(read(Purpose.CONFIRM, token).subject, runtime().vault)
    return own.slug if own is not None else ""


def _unusable(error: TokenError | NotFoundError | ErasedKeyError) -> ResponseReturnValue:
    if isinstance(error, TokenError):
        return unusable(error)
    return render_template("public/signing/gone.html", reason="erased", slug=""), 410
