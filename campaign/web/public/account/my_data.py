"""My data: what is stored under one address, changing it, taking it along, and leaving.

A link that was mailed for it opens everything; the one that confirming leads to opens what it has confirmed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from campaign.domain.country import COUNTRIES, country_names
from campaign.domain.errors import ErasedKeyError, InputError, NotFoundError, TokenError
from campaign.domain.signing.name import clean_name
from campaign.domain.signing.token import Link, Purpose
from campaign.platform import limiter
from campaign.platform.runtime import runtime
from campaign.queries.privacy.subject_access import (
    SheetRowView,
    SignUpView,
    SubjectAccess,
    paper_under,
    subject_access_of,
    unconfirmed_under,
)
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.services.signing.change_address import ask_change, change_address, read_wanted
from campaign.services.signing.change_country import change_country
from campaign.services.signing.correct_name import correct_name
from campaign.services.signing.withdraw import erase, set_sharing, set_updates, withdraw
from campaign.web.caching.data_cache import data_cache
from campaign.web.forms import ADDRESS_ERRORS, INPUT_ERRORS, read_address
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.progress import section_label
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import opened, read, unusable

blueprint = Blueprint("my_data", __name__)


@dataclass(frozen=True, slots=True)
class _Mine:
    """A link, and what it opens; what waits to be confirmed is left out where the link is narrow."""

    link: Link
    signatures: tuple[SubjectAccess, ...]
    unconfirmed: tuple[SignUpView, ...] = ()
    paper: tuple[SheetRowView, ...] = ()


@blueprint.get(f"{PREFIX}/m/<token>/me")
def show(token: str) -> ResponseReturnValue:
    """What we hold under this address."""
    try:
        return _page(token, _mine(token))
    except TokenError as error:
        return unusable(error)


@blueprint.get(f"{PREFIX}/m/<token>/me.json")
def export(token: str) -> ResponseReturnValue:
    """The same as a file that other programs read (GDPR art. 20)."""
    try:
        mine = _mine(token)
    except TokenError as error:
        return unusable(error)
    data = {"signatures": [_as_json(one) for one in mine.signatures]}
    if mine.unconfirmed:
        data["unconfirmed"] = [asdict(one) | {"signed_at": one.signed_at.isoformat()} for one in mine.unconfirmed]
    if mine.paper:
        data["paper"] = [asdict(one) | {"entered_at": one.entered_at.isoformat()} for one in mine.paper]
    content = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    named = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(content, content_type="application/json", headers=named)


@blueprint.post(f"{PREFIX}/m/<token>/me")
def change(token: str) -> ResponseReturnValue:
    """Withdraws, erases, changes the country or the consent to updates, at once; of one signature or of all."""
    try:
        mine = _mine(token)
    except TokenError as error:
        return unusable(error)
    wish, chosen = request.form.get("do", ""), request.form.get("signature", "")
    if wish == "country" and request.form.get("country", "").upper() not in COUNTRIES:
        message = INPUT_ERRORS["country", "unknown" if request.form.get("country") else "missing"]
        return _page(token, mine, wrong=chosen, error=message), 422
    if wish == "address":
        return _ask_address(token, mine)
    if wish == "name":
        try:
            clean_name(request.form.get("name", ""))
        except InputError as error:
            return _page(token, mine, wrong=f"name-{chosen}", error=INPUT_ERRORS["name", error.code]), 422
    for one in mine.signatures:
        if chosen in {"all", str(one.signature.id)}:
            with suppress(NotFoundError):  # erased meanwhile, in another window
                _do(wish, one.signature)
    return redirect(url_for("my_data.show", token=token), 303)


def _ask_address(token: str, mine: _Mine) -> ResponseReturnValue:
    """Mails the new address; nothing changes before it has confirmed."""
    context = supporter_context()
    sent = read_address(request.form, context.now)
    if sent.address is None:
        return _page(token, mine, wrong="address", error=sent.fault, question=sent.question), 422
    try:
        with limiter.limit("10 per minute; 60 per hour"):
            if mine.signatures:
                ask_change(mine.signatures[0].signature.id, sent.address, only=mine.link.beside, context=context)
    except InputError as error:
        return _page(token, mine, wrong="address", error=ADDRESS_ERRORS[error.code]), 422
    except NotFoundError:
        pass  # erased meanwhile, in another window: the page says so
    return redirect(url_for("my_data.show", token=token, asked=1), 303)


@blueprint.get(f"{PREFIX}/m/<token>/address")
def new_address(token: str) -> ResponseReturnValue:
    """Shows which address is about to be used, and the button."""
    at = runtime()
    is_narrow = False
    try:
        wanted = read_wanted(token, tokens=at.tokens, now=at.clock())
        is_narrow = wanted.link.is_narrow
        signature = find_signature(wanted.link.subject, at.vault)
        address = None if signature is None else str(wanted.address(signature.link_key, at.vault))
    except TokenError as error:
        return unusable(error)
    except (NotFoundError, ErasedKeyError):
        address = None
    page = render_template("public/account/change_address.html", address=address, done=None, is_narrow=is_narrow)
    return page, 200 if address else 410


@blueprint.post(f"{PREFIX}/m/<token>/address")
def use_address(token: str) -> ResponseReturnValue:
    """Moves everything under the old address to the new one."""
    context = supporter_context()
    try:
        wanted = read_wanted(token, tokens=context.keys.tokens, now=context.now)
        done = change_address(wanted, context=context)
    except TokenError as error:
        return unusable(error)
    except (NotFoundError, ErasedKeyError):
        return render_template("public/account/change_address.html", address=None, done=None), 410
    return render_template("public/account/change_address.html", address=None, done=done)


def _do(wish: str, signature: SignatureView) -> None:
    context = supporter_context()
    match wish:
        case "withdraw":
            withdraw(signature.id, context=context)
        case "erase":
            erase(signature.id, context=context)
        case "updates":
            set_updates(signature.id, wanted=bool(request.form.get("updates")), context=context)
        case "share_name":
            set_sharing(signature.id, wanted=bool(request.form.get("share_name")), context=context)
        case "name":
            correct_name(signature.id, clean_name(request.form["name"]), context=context)
        case "country":
            country = request.form["country"].upper()
            section = data_cache().section_for(country, signature.locale, signature.appeal)
            if section is not None:
                change_country(signature.id, country=country, section_code=section.code, context=context)
        case _:
            pass


def _mine(token: str) -> _Mine:
    """Raises TokenError, CipherError."""
    link, vault = read(Purpose.MANAGE, token), runtime().vault
    signature = opened(Purpose.MANAGE, token)
    if signature is None:
        return _Mine(link, ())
    signatures = subject_access_of(signature.id, vault, link)
    if link.is_narrow:
        return _Mine(link, signatures)
    return _Mine(link, signatures, unconfirmed_under(signature.email, vault), paper_under(signature.id, vault))


def _headline(slug: str) -> str:
    appeal = data_cache().appeal(slug)
    return appeal.text_in(current_locale()).headline if appeal and appeal.texts else slug


def _page(token: str, mine: _Mine, wrong: str = "", error: object = None, question: object = None) -> str:
    return render_template(
        "public/account/my_data.html",
        signatures=mine.signatures,
        is_narrow=mine.link.is_narrow,
        unconfirmed=[(one, _headline(one.appeal)) for one in mine.unconfirmed],
        waiting=[(_headline(one.appeal), one.entered_at) for one in mine.paper],
        token=token,
        countries=country_names(current_locale()),
        section_label=section_label,
        wrong=wrong,
        typed=request.form.get("name", ""),
        typed_address=request.form.get("email", ""),
        asked="asked" in request.args,
        error=error,
        question=question,
    )


def _as_json(one: SubjectAccess) -> dict[str, Any]:
    signature = one.signature
    text = signature.appeal.text_in(signature.locale)
    return {
        "appeal": {"slug": signature.appeal.slug, "reference": signature.appeal.reference, "headline": text.headline},
        "name": signature.name,
        "email": signature.email,
        "country": signature.country,
        "section": signature.section_code,
        "language": signature.locale,
        "state": signature.state,
        "updates": signature.wants_updates,
        "share_name": signature.shares_name,
        "signed_at": signature.signed_at.isoformat(),
        "confirmed_at": signature.confirmed_at.isoformat() if signature.confirmed_at else None,
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
        "consents": [
            {
                "given_at": consent.given_at.isoformat(),
                "text": {"language": consent.text_language, "version": consent.text_version},
                "to_appeal": consent.to_appeal,
                "to_updates": consent.to_updates,
                "to_sharing_name": consent.to_sharing_name,
            }
            for consent in one.consents
        ],
        "actions": [
            {"channel": act.channel, "evidence": act.evidence, "target": act.target, "on": act.happened_on.isoformat()}
            for act in one.acts
        ],
        "mails": [
            {
                "kind": mail.kind,
                "state": mail.state,
                "created_at": mail.created_at.isoformat(),
                "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
            }
            for mail in one.mails
        ],
    }
