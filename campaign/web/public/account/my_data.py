"""The page of a supporter's own data: what is stored under one address, changing, exporting and erasing it.

A mailed link opens all data of the address; the link that follows confirming opens what it has confirmed only.
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
from campaign.services.signing.change_address import change_address, read_requested_change, request_change
from campaign.services.signing.correct_signer import change_country, correct_name
from campaign.services.signing.withdraw import erase, set_sharing, set_updates, withdraw
from campaign.web.caching.data_cache import data_cache
from campaign.web.forms import ADDRESS_ERRORS, INPUT_ERRORS, read_address
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.progress import section_label
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import find_signature_of, read_link, unusable_link_page

blueprint = Blueprint("my_data", __name__)


@dataclass(frozen=True, slots=True)
class _LinkData:
    """A link and the data that it opens; a narrow link leaves out what waits for confirmation."""

    link: Link
    signatures: tuple[SubjectAccess, ...]
    unconfirmed: tuple[SignUpView, ...] = ()
    paper: tuple[SheetRowView, ...] = ()


@blueprint.get(f"{PREFIX}/m/<token>/me")
def show(token: str) -> ResponseReturnValue:
    """Show the data under this address."""
    try:
        return _page(token, _read_link(token))
    except TokenError as error:
        return unusable_link_page(error)


@blueprint.get(f"{PREFIX}/m/<token>/me.json")
def export(token: str) -> ResponseReturnValue:
    """Return the same data as JSON for other programs (GDPR art. 20)."""
    try:
        mine = _read_link(token)
    except TokenError as error:
        return unusable_link_page(error)
    data = {"signatures": [_signature_json(each) for each in mine.signatures]}
    if mine.unconfirmed:
        data["unconfirmed"] = [asdict(each) | {"signed_at": each.signed_at.isoformat()} for each in mine.unconfirmed]
    if mine.paper:
        data["paper"] = [asdict(each) | {"entered_at": each.entered_at.isoformat()} for each in mine.paper]
    content = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(content, content_type="application/json", headers=headers)


@blueprint.post(f"{PREFIX}/m/<token>/me")
def change(token: str) -> ResponseReturnValue:
    """Withdraw, erase, or change country, name or consent at once, for one signature or all; then show the page.

    422 with the page for invalid input.
    """
    try:
        mine = _read_link(token)
    except TokenError as error:
        return unusable_link_page(error)
    wish, chosen = request.form.get("do", ""), request.form.get("signature", "")
    if wish == "country" and request.form.get("country", "").upper() not in COUNTRIES:
        message = INPUT_ERRORS["country", "unknown" if request.form.get("country") else "missing"]
        return _page(token, mine, wrong=chosen, error=message), 422
    if wish == "address":
        return _request_new_address(token, mine)
    if wish == "name":
        try:
            clean_name(request.form.get("name", ""))
        except InputError as error:
            return _page(token, mine, wrong=f"name-{chosen}", error=INPUT_ERRORS["name", error.code]), 422
    for each in mine.signatures:
        if chosen in {"all", str(each.signature.id)}:
            with suppress(NotFoundError):  # erased in the meantime, in another window
                _apply(wish, each.signature)
    return redirect(url_for("my_data.show", token=token), 303)


def _request_new_address(token: str, mine: _LinkData) -> ResponseReturnValue:
    """Mail a confirmation to the new address; nothing changes before it is confirmed."""
    context = supporter_context()
    form_input = read_address(request.form, context.now)
    if form_input.address is None:
        return _page(token, mine, wrong="address", error=form_input.error, question=form_input.question), 422
    try:
        with limiter.limit("10 per minute; 60 per hour"):
            if mine.signatures:
                request_change(
                    mine.signatures[0].signature.id, form_input.address, row_marks=mine.link.row_marks, context=context
                )
    except InputError as error:
        return _page(token, mine, wrong="address", error=ADDRESS_ERRORS[error.code]), 422
    except NotFoundError:
        pass  # erased in the meantime, in another window: the page shows it
    return redirect(url_for("my_data.show", token=token, asked=1), 303)


@blueprint.get(f"{PREFIX}/m/<token>/address")
def new_address(token: str) -> ResponseReturnValue:
    """Show the address that is about to be used, and the button."""
    services = runtime()
    is_narrow = False
    try:
        new = read_requested_change(token, tokens=services.tokens, now=services.clock())
        is_narrow = new.link.is_narrow
        signature = find_signature(new.link.row_id, services.vault)
        address = None if signature is None else str(new.address(signature.link_key, services.vault))
    except TokenError as error:
        return unusable_link_page(error)
    except (NotFoundError, ErasedKeyError):
        address = None
    page = render_template("public/account/change_address.html", address=address, done=None, is_narrow=is_narrow)
    return page, 200 if address else 410


@blueprint.post(f"{PREFIX}/m/<token>/address")
def use_address(token: str) -> ResponseReturnValue:
    """Move all data under the old address to the new one."""
    context = supporter_context()
    try:
        new = read_requested_change(token, tokens=context.keys.tokens, now=context.now)
        done = change_address(new, context=context)
    except TokenError as error:
        return unusable_link_page(error)
    except (NotFoundError, ErasedKeyError):
        return render_template("public/account/change_address.html", address=None, done=None), 410
    return render_template("public/account/change_address.html", address=None, done=done)


def _apply(wish: str, signature: SignatureView) -> None:
    context = supporter_context()
    match wish:
        case "withdraw":
            withdraw(signature.id, context=context)
        case "erase":
            erase(signature.id, context=context)
        case "updates":
            set_updates(signature.id, is_wanted=bool(request.form.get("updates")), context=context)
        case "share_name":
            set_sharing(signature.id, is_wanted=bool(request.form.get("share_name")), context=context)
        case "name":
            correct_name(signature.id, clean_name(request.form["name"]), context=context)
        case "country":
            country = request.form["country"].upper()
            section = data_cache().section_for(country, signature.locale, signature.appeal)
            if section is not None:
                change_country(signature.id, country=country, section_code=section.code, context=context)
        case _:
            pass


def _read_link(token: str) -> _LinkData:
    """Return the link and its data. Raises TokenError, CipherError."""
    link, vault = read_link(Purpose.MANAGE, token), runtime().vault
    signature = find_signature_of(Purpose.MANAGE, token)
    if signature is None:
        return _LinkData(link, ())
    signatures = subject_access_of(signature.id, vault, link)
    if link.is_narrow:
        return _LinkData(link, signatures)
    return _LinkData(link, signatures, unconfirmed_under(signature.email, vault), paper_under(signature.id, vault))


def _headline(slug: str) -> str:
    appeal = data_cache().appeal(slug)
    return appeal.text_in(current_locale()).headline if appeal and appeal.texts else slug


def _page(token: str, mine: _LinkData, wrong: str = "", error: object = None, question: object = None) -> str:
    return render_template(
        "public/account/my_data.html",
        signatures=mine.signatures,
        is_narrow=mine.link.is_narrow,
        unconfirmed=[(each, _headline(each.appeal)) for each in mine.unconfirmed],
        waiting=[(_headline(each.appeal), each.entered_at) for each in mine.paper],
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


def _signature_json(access: SubjectAccess) -> dict[str, Any]:
    signature = access.signature
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
        "ended_at": access.ended_at.isoformat() if access.ended_at else None,
        "consents": [
            {
                "given_at": consent.given_at.isoformat(),
                "text": {"language": consent.text_language, "version": consent.text_version},
                "to_appeal": consent.to_appeal,
                "to_updates": consent.to_updates,
                "to_sharing_name": consent.to_sharing_name,
            }
            for consent in access.consents
        ],
        "actions": [
            {"channel": act.channel, "evidence": act.evidence, "target": act.target, "on": act.happened_on.isoformat()}
            for act in access.acts
        ],
        "mails": [
            {
                "kind": mail.kind,
                "state": mail.state,
                "created_at": mail.created_at.isoformat(),
                "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
            }
            for mail in access.mails
        ],
    }
