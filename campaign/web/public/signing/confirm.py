"""Confirming: the mailed link shows what waits for confirmation and a button; only the button changes data."""

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
from campaign.queries.signing.sign_up import (
    WaitingSignUpView,
    find_sign_up,
    newest_of_address,
    other_sign_ups,
    superseded_by,
)
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.services.abuse.limits import watch_confirmed
from campaign.services.signing.confirm import ShownSignUp, confirm
from campaign.services.signing.confirm_statement import ConfirmedSignature, ConsentChoices
from campaign.services.signing.withdraw import delete_sign_ups_of_link
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import PREFIX
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import read_link, unusable_link_page

# A used link leads to the same page again for so long after the hour of its use, for a button pressed twice.
_REPEAT_PERIOD = timedelta(hours=2)
blueprint = Blueprint("confirm", __name__)


@dataclass(frozen=True, slots=True)
class _LinkContent:
    """The content of a link: its own sign-up, others that wait for the same mailbox, and the signature it became."""

    link: Link
    own: WaitingSignUpView
    others: tuple[WaitingSignUpView, ...]
    signature: SignatureView | None
    # Whether the newest form differs from the one for which the link was mailed.
    is_changed: bool = False

    @property
    def is_other(self) -> bool:
        """Tell whether another person has signed from this mailbox before."""
        signed = self.own.signed
        return signed is not None and bool(self.own.name) and name_key(self.own.name) != name_key(signed)


@blueprint.get(f"{PREFIX}/s/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show the sign-ups to confirm, and the button."""
    try:
        content = _read_link(token)
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable_page(error)
    if content.signature is not None and content.signature.state != SignatureState.CONFIRMED:
        return _ended_page(content.signature)
    return _page(content, is_changed=content.is_changed)


@blueprint.post(f"{PREFIX}/s/<token>")
def create(token: str) -> ResponseReturnValue:
    """Confirm, any number of times, and redirect to sending the letter.

    409 with the page if a sign-up has changed since it was shown; 410 if there is nothing to confirm.
    """
    context = supporter_context()
    try:
        if request.form.get("do") == "erase":
            is_erased = delete_sign_ups_of_link(read_link(Purpose.CONFIRM, token), context=context)
            if not is_erased:
                return render_template("public/signing/gone.html", reason="counted", slug=_slug(token)), 409
            return render_template("public/signing/gone.html", reason="refused", slug="")
        content = _read_link(token) if request.form.getlist("appeal") or "shown" in request.form else None
        if content is not None and not request.form.getlist("appeal"):
            return _page(content, is_changed=False, is_empty=True), 422
        link = read_link(Purpose.CONFIRM, token) if content is None else content.link
        confirmed = confirm(
            link,
            ConsentChoices(bool(request.form.get("updates")), bool(request.form.get("share_name"))),
            also=() if content is None else _chosen_sign_ups(content),
            is_own=content is None or (_is_chosen(content, content.own) and "shown" not in request.form),
            context=context,
        )
    except SignUpChangedError:
        return _page(_read_link(token), is_changed=True), 409
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable_page(error)
    except StateError as error:
        reasons = {AppealEndedError: "over", InvalidatedError: "taken-out"}
        return render_template(
            "public/signing/gone.html", reason=reasons.get(type(error), "left"), slug=_slug(token)
        ), 410
    watch_confirmed(client_networks(), context=supporter_context())
    return redirect(_next_address(token, confirmed), 303)


def _next_address(token: str, confirmed: Sequence[ConfirmedSignature]) -> str:
    """Return the page for taking action, with a link that opens the signatures confirmed by this press only.

    The token has the hour of confirming, so pressing twice gives no later one. A link that was used earlier leads to
    the public page, so that a found mail opens nothing.
    """
    services = runtime()
    usable = [each for each in confirmed if not each.is_used]
    if not usable:
        usable = [each for each in confirmed if services.clock() - each.at < _REPEAT_PERIOD]
    if not usable:
        return url_for("take_action.act_unsigned", slug=_slug(token))
    first = usable[0]
    marks = b"".join(shown_mark(each.signature_id, each.link_key) for each in usable)
    manage = services.tokens.make(Purpose.MANAGE, first.signature_id, first.at, first.link_key, beside=marks)
    return url_for("take_action.act", token=manage)


def _read_link(token: str) -> _LinkContent:
    """Return the content of the link.

    Raises TokenError, NotFoundError if it is gone or belongs to another signature by now, CipherError.
    """
    link, vault = read_link(Purpose.CONFIRM, token), runtime().vault
    linked = find_sign_up(link.subject, vault)
    if linked is None or not link.opens(linked.link_key):
        raise NotFoundError("nothing is left of this sign-up")
    own = newest_of_address(linked, vault)
    signature = find_signature(own.signature_id, vault) if own.signature_id is not None else None
    if own.signature_id is not None and signature is None:
        raise NotFoundError("the signature was erased")
    is_changed = not link.shows(linked.link_key, linked.content_digest) or not own.says_same(linked)
    return _LinkContent(link, own, other_sign_ups(own, vault), signature, is_changed)


def _chosen_sign_ups(content: _LinkContent) -> Sequence[ShownSignUp]:
    """Return the chosen sign-ups as the page showed them.

    Raises SignUpChangedError if one has changed since: since the page of this form, or, without one, since the mail.
    """
    shown_marks = dict(part.partition(":")[::2] for part in request.form.getlist("shown"))
    chosen = []
    for sign_up in (content.own, *content.others) if shown_marks else content.others:
        if not _is_chosen(content, sign_up):
            continue
        if shown_marks and not hmac.compare_digest(shown_marks.get(sign_up.slug, ""), content_mark(sign_up)):
            raise SignUpChangedError("it is no longer what the page showed")
        if not shown_marks and _differs_from_mail(content.link, sign_up):
            raise SignUpChangedError("it is no longer what it was when the mail was written")
        chosen.append(ShownSignUp(sign_up.id, sign_up.content_digest))
    if not chosen and not (_is_chosen(content, content.own) and not shown_marks):
        raise SignUpChangedError("nothing of what was chosen waits any more")
    return chosen


def _differs_from_mail(link: Link, sign_up: WaitingSignUpView) -> bool:
    """Return whether the mail showed another content of that sign-up, or an earlier one that differs."""
    is_same = link.shows_beside(sign_up.id, sign_up.content_digest)
    if is_same is not None or not link.beside:
        return is_same is False
    earlier = superseded_by(sign_up, runtime().vault)
    return any(link.shows_beside(older.id, older.content_digest) and not sign_up.says_same(older) for older in earlier)


def _is_chosen(content: _LinkContent, sign_up: WaitingSignUpView) -> bool:
    return sign_up.slug in (request.form.getlist("appeal") or [content.own.slug])


def content_mark(sign_up: WaitingSignUpView) -> str:
    """Return the mark of a sign-up's content for the page's form."""
    return sign_up.content_digest[:16].hex()


def _ended_page(signature: SignatureView) -> ResponseReturnValue:
    """Return the page for a confirmed signature that no longer counts, by its owner's wish or the section's."""
    reason = "taken-out" if signature.state == SignatureState.INVALIDATED else "left"
    return render_template("public/signing/gone.html", reason=reason, slug=signature.appeal.slug), 410


def _page(content: _LinkContent, *, is_changed: bool, is_empty: bool = False) -> str:
    waiting = [sign_up for sign_up in (content.own, *content.others) if sign_up.signature_id is None]
    listed = [(sign_up, appeal) for sign_up in waiting if (appeal := data_cache().appeal(sign_up.slug)) is not None]
    page: dict[str, Any] = {
        "signature": content.signature,
        "listed": listed,
        "own": content.own,
        "is_other": content.is_other,
        "is_changed": is_changed and content.signature is None,
        "is_empty": is_empty,
        "mark": content_mark,
    }
    return render_template("public/signing/confirm.html", **page)


def _slug(token: str) -> str:
    own = find_sign_up(read_link(Purpose.CONFIRM, token).subject, runtime().vault)
    return own.slug if own is not None else ""


def _unusable_page(error: TokenError | NotFoundError | ErasedKeyError) -> ResponseReturnValue:
    if isinstance(error, TokenError):
        return unusable_link_page(error)
    return render_template("public/signing/gone.html", reason="erased", slug=""), 410
