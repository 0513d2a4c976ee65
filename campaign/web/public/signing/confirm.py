"""Confirmation of sign-ups. The mailed link shows the waiting sign-ups and a button; only the button changes data."""

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
from campaign.platform.context import Context
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
from campaign.services.signing.erase import delete_sign_ups_of_link
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import LOCALE_PREFIX
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import read_link, unusable_link_page

# For this time after the hour of confirming, the used link leads to the signer's page again: a button is often pressed
# twice.
_REPEAT_PERIOD = timedelta(hours=2)
blueprint = Blueprint("confirm", __name__)


@dataclass(frozen=True, slots=True)
class _LinkContent:
    """The sign-up of a link, others that wait for the same mailbox, and the signature that the sign-up became.

    `is_changed` is true where the newest form differs from the one for which the link was mailed.
    """

    link: Link
    sign_up: WaitingSignUpView
    other_sign_ups: tuple[WaitingSignUpView, ...]
    signature: SignatureView | None
    is_changed: bool = False

    @property
    def sign_ups(self) -> tuple[WaitingSignUpView, ...]:
        """Return the sign-up of the link and the others."""
        return self.sign_up, *self.other_sign_ups

    @property
    def is_other_person(self) -> bool:
        """Return whether another person has signed from this mailbox before."""
        name, signed_name = self.sign_up.name, self.sign_up.signed_name
        return signed_name is not None and bool(name) and name_key(name) != name_key(signed_name)


@blueprint.get(f"{LOCALE_PREFIX}/s/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show the sign-ups to confirm, and the button."""
    try:
        content = _read_link(token)
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable_page(error)
    if content.signature is not None and content.signature.state != SignatureState.CONFIRMED:
        return _ended_page(content.signature)
    return _page(content, is_changed=content.is_changed)


@blueprint.post(f"{LOCALE_PREFIX}/s/<token>")
def create(token: str) -> ResponseReturnValue:
    """Confirm, any number of times, and redirect to sending the letter; or erase the sign-ups of the address.

    409 with the page if a sign-up has changed since it was shown, 422 if none is chosen, 410 if nothing is to confirm.
    """
    context = supporter_context()
    try:
        if request.form.get("do") == "erase":
            return _erase_sign_ups(token, context)
        # A form that names no sign-up confirms that of the link, so the others need not be read.
        content = _read_link(token) if request.form.getlist("appeal") or "shown" in request.form else None
        if content is not None and not request.form.getlist("appeal"):
            return _page(content, is_changed=False, is_empty=True), 422
        link = read_link(Purpose.CONFIRM, token) if content is None else content.link
        confirmed = confirm(
            link,
            ConsentChoices(bool(request.form.get("updates")), bool(request.form.get("share_name"))),
            other_sign_ups=() if content is None else _chosen_sign_ups(content),
            includes_own=content is None or (_is_chosen(content, content.sign_up) and "shown" not in request.form),
            context=context,
        )
    except SignUpChangedError:
        return _page(_read_link(token), is_changed=True), 409
    except (TokenError, NotFoundError, ErasedKeyError) as error:
        return _unusable_page(error)
    except StateError as error:
        reasons = {AppealEndedError: "appeal-ended", InvalidatedError: "invalidated"}
        return render_template(
            "public/signing/signature_state.html", reason=reasons.get(type(error), "withdrawn"), slug=_slug(token)
        ), 410
    watch_confirmed(client_networks(), context=supporter_context())
    return redirect(_next_address(token, confirmed), 303)


def _erase_sign_ups(token: str, context: Context) -> ResponseReturnValue:
    """Erase the waiting sign-ups of the address; 409 if the sign-up of the link is confirmed."""
    if delete_sign_ups_of_link(read_link(Purpose.CONFIRM, token), context=context):
        return render_template("public/signing/signature_state.html", reason="sign-ups-erased", slug="")
    return render_template("public/signing/signature_state.html", reason="counted", slug=_slug(token)), 409


def _next_address(token: str, confirmed: Sequence[ConfirmedSignature]) -> str:
    """Return the address of the page for taking action, with a token that opens the confirmed signatures only.

    The token has the hour of confirming, so pressing the button twice gives no later one. A link that was used earlier
    leads to the public page: a person who finds an old mail can open nothing with it.
    """
    tokens, now = runtime().tokens, runtime().clock()
    opened_signatures = [signature for signature in confirmed if not signature.was_confirmed_before]
    if not opened_signatures:
        opened_signatures = [signature for signature in confirmed if now - signature.confirmed_at < _REPEAT_PERIOD]
    if not opened_signatures:
        return url_for("take_action.act_unsigned", slug=_slug(token))
    first = opened_signatures[0]
    marks = b"".join(shown_mark(signature.signature_id, signature.link_key) for signature in opened_signatures)
    manage_token = tokens.make(Purpose.MANAGE, first.signature_id, first.confirmed_at, first.link_key, row_marks=marks)
    return url_for("take_action.act", token=manage_token)


def _read_link(token: str) -> _LinkContent:
    """Return the content of the link.

    Raises TokenError, CipherError, and NotFoundError if the sign-up was erased or its id belongs to another one now.
    """
    link, vault = read_link(Purpose.CONFIRM, token), runtime().vault
    linked = find_sign_up(link.row_id, vault)
    if linked is None or not link.opens(linked.link_key):
        raise NotFoundError("nothing is left of this sign-up")
    newest = newest_of_address(linked, vault)
    signature = find_signature(newest.signature_id, vault) if newest.signature_id is not None else None
    if newest.signature_id is not None and signature is None:
        raise NotFoundError("the signature was erased")
    is_changed = not link.shows(linked.link_key, linked.content_digest) or not newest.has_same_contents(linked)
    return _LinkContent(link, newest, other_sign_ups(newest, vault), signature, is_changed)


def _chosen_sign_ups(content: _LinkContent) -> Sequence[ShownSignUp]:
    """Return the chosen sign-ups as the page showed them.

    Raises SignUpChangedError if one has changed since the form's page was made, or, where the form does not say what
    its page showed, since the mail was written.
    """
    marks_by_slug = dict(part.partition(":")[::2] for part in request.form.getlist("shown"))
    chosen = []
    for sign_up in content.sign_ups if marks_by_slug else content.other_sign_ups:
        if not _is_chosen(content, sign_up):
            continue
        if marks_by_slug and not hmac.compare_digest(marks_by_slug.get(sign_up.slug, ""), content_mark(sign_up)):
            raise SignUpChangedError("it is no longer what the page showed")
        if not marks_by_slug and _differs_from_mail(content.link, sign_up):
            raise SignUpChangedError("it is no longer what it was when the mail was written")
        chosen.append(ShownSignUp(sign_up.id, sign_up.content_digest))
    if not chosen and (marks_by_slug or not _is_chosen(content, content.sign_up)):
        raise SignUpChangedError("no chosen sign-up waits any more")
    return chosen


def _differs_from_mail(link: Link, sign_up: WaitingSignUpView) -> bool:
    """Return whether the mail showed other content of the sign-up, or an earlier sign-up with other content."""
    is_same = link.shows_row(sign_up.id, sign_up.content_digest)
    if is_same is not None or not link.row_marks:
        return is_same is False
    return any(
        link.shows_row(earlier.id, earlier.content_digest) and not sign_up.has_same_contents(earlier)
        for earlier in superseded_by(sign_up, runtime().vault)
    )


def _is_chosen(content: _LinkContent, sign_up: WaitingSignUpView) -> bool:
    """Return whether the form chooses the sign-up; a form without a choice chooses that of the link."""
    return sign_up.slug in (request.form.getlist("appeal") or [content.sign_up.slug])


def content_mark(sign_up: WaitingSignUpView) -> str:
    """Return the digest of a sign-up's content, shortened for the page's form."""
    return sign_up.content_digest[:16].hex()


def _ended_page(signature: SignatureView) -> ResponseReturnValue:
    """Return the page for a signature that no longer counts, because it was withdrawn or invalidated."""
    reason = "invalidated" if signature.state == SignatureState.INVALIDATED else "withdrawn"
    return render_template("public/signing/signature_state.html", reason=reason, slug=signature.appeal.slug), 410


def _page(content: _LinkContent, *, is_changed: bool, is_empty: bool = False) -> str:
    """Return the page; `is_changed` and `is_empty` (nothing is ticked) show a message above the form."""
    unconfirmed = [sign_up for sign_up in content.sign_ups if sign_up.signature_id is None]
    rows = [(sign_up, appeal) for sign_up in unconfirmed if (appeal := data_cache().appeal(sign_up.slug)) is not None]
    page: dict[str, Any] = {
        "signature": content.signature,
        "rows": rows,
        "sign_up": content.sign_up,
        "is_other_person": content.is_other_person,
        "is_changed": is_changed and content.signature is None,
        "is_empty": is_empty,
        "content_mark": content_mark,
    }
    return render_template("public/signing/confirm.html", **page)


def _slug(token: str) -> str:
    """Return the slug of the link's appeal, or "" if the sign-up was erased."""
    sign_up = find_sign_up(read_link(Purpose.CONFIRM, token).row_id, runtime().vault)
    return sign_up.slug if sign_up is not None else ""


def _unusable_page(error: TokenError | NotFoundError | ErasedKeyError) -> ResponseReturnValue:
    if isinstance(error, TokenError):
        return unusable_link_page(error)
    return render_template("public/signing/signature_state.html", reason="erased", slug=""), 410
