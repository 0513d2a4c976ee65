"""The page of a supporter's own data, where it is shown, changed, exported and erased.

A mailed link opens all data that is stored under the address. The link that follows confirming opens only the
signatures that were confirmed with it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
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
    subject_access_of,
    waiting_forms,
    waiting_sheet_rows,
)
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.services.signing.change_address import change_address, read_requested_change, request_change
from campaign.services.signing.consents import set_sharing, set_updates
from campaign.services.signing.correct_signer import change_country, correct_name
from campaign.services.signing.erase import erase
from campaign.services.signing.withdraw import withdraw
from campaign.web.caching.data_cache import data_cache
from campaign.web.forms import ADDRESS_ERRORS, INPUT_ERRORS, read_address
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.progress import section_label
from campaign.web.public.context import supporter_context
from campaign.web.public.signing.token import find_signature_of, read_link, unusable_link_page

blueprint = Blueprint("my_data", __name__)


@dataclass(frozen=True, slots=True)
class _LinkData:
    """A link and the data that it opens; a narrow link opens neither unconfirmed sign-ups nor rows of paper sheets."""

    link: Link
    signatures: tuple[SubjectAccess, ...]
    sign_ups: tuple[SignUpView, ...] = ()
    sheet_rows: tuple[SheetRowView, ...] = ()


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/me")
def show(token: str) -> ResponseReturnValue:
    """Show the data under this address."""
    try:
        return _page(token, _read_link(token))
    except TokenError as error:
        return unusable_link_page(error)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/me.json")
def export(token: str) -> ResponseReturnValue:
    """Return the same data as JSON for other programs (GDPR art. 20)."""
    try:
        link_data = _read_link(token)
    except TokenError as error:
        return unusable_link_page(error)
    data = {"signatures": [_signature_json(access) for access in link_data.signatures]}
    if link_data.sign_ups:
        data["unconfirmed"] = [
            asdict(sign_up) | {"signed_at": sign_up.signed_at.isoformat()} for sign_up in link_data.sign_ups
        ]
    if link_data.sheet_rows:
        data["paper"] = [asdict(row) | {"entered_at": row.entered_at.isoformat()} for row in link_data.sheet_rows]
    content = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(content, content_type="application/json", headers=headers)


@blueprint.post(f"{LOCALE_PREFIX}/m/<token>/me")
def change(token: str) -> ResponseReturnValue:
    """Make the change of the form at once, for one signature or all, and redirect to the page.

    The changes are those of `_apply`, and that of the address, which is mailed a link first. 422 with the page for
    invalid input.
    """
    try:
        link_data = _read_link(token)
    except TokenError as error:
        return unusable_link_page(error)
    operation, signature_id = request.form.get("do", ""), request.form.get("signature", "")
    if operation == "country" and request.form.get("country", "").upper() not in COUNTRIES:
        message = INPUT_ERRORS["country", "unknown" if request.form.get("country") else "missing"]
        return _page(token, link_data, invalid_field=f"country-{signature_id}", error=message), 422
    if operation == "address":
        return _request_new_address(token, link_data)
    if operation == "name":
        try:
            clean_name(request.form.get("name", ""))
        except InputError as error:
            message = INPUT_ERRORS["name", error.code]
            return _page(token, link_data, invalid_field=f"name-{signature_id}", error=message), 422
    for access in link_data.signatures:
        if signature_id in {"all", str(access.signature.id)}:
            with suppress(NotFoundError):  # erased in the meantime, in another window
                _apply(operation, access.signature)
    return redirect(url_for("my_data.show", token=token), 303)


def _request_new_address(token: str, link_data: _LinkData) -> ResponseReturnValue:
    """Mail a link to the new address. The address is changed when the link is followed."""
    context = supporter_context()
    form_input = read_address(request.form, context.now)
    if form_input.address is None:
        error, question = form_input.error, form_input.question
        return _page(token, link_data, invalid_field="address", error=error, question=question), 422
    try:
        with limiter.limit("10 per minute; 60 per hour"):
            if link_data.signatures:
                first, row_marks = link_data.signatures[0].signature, link_data.link.row_marks
                request_change(first.id, form_input.address, row_marks=row_marks, context=context)
    except InputError as error:
        return _page(token, link_data, invalid_field="address", error=ADDRESS_ERRORS[error.code]), 422
    except NotFoundError:
        pass  # erased in the meantime, in another window: the page shows it
    return redirect(url_for("my_data.show", token=token, asked=1), 303)


@blueprint.get(f"{LOCALE_PREFIX}/m/<token>/address")
def new_address(token: str) -> ResponseReturnValue:
    """Show the new address and the button that moves the data to it; 410 if the link is used up."""
    app_runtime = runtime()
    is_narrow = False
    try:
        address_change = read_requested_change(token, tokens=app_runtime.tokens, now=app_runtime.clock())
        is_narrow = address_change.link.is_narrow
        signature = find_signature(address_change.link.row_id, app_runtime.vault)
        address = None if signature is None else str(address_change.address(signature.link_key, app_runtime.vault))
    except TokenError as error:
        return unusable_link_page(error)
    except (NotFoundError, ErasedKeyError):
        address = None
    page = render_template("public/account/change_address.html", address=address, move_counts=None, is_narrow=is_narrow)
    return page, 200 if address else 410


@blueprint.post(f"{LOCALE_PREFIX}/m/<token>/address")
def use_address(token: str) -> ResponseReturnValue:
    """Move the data that the link covers to the new address, and show how many signatures were moved."""
    context = supporter_context()
    try:
        address_change = read_requested_change(token, tokens=context.keys.tokens, now=context.now)
        move_counts = change_address(address_change, context=context)
    except TokenError as error:
        return unusable_link_page(error)
    except (NotFoundError, ErasedKeyError):
        return render_template("public/account/change_address.html", address=None, move_counts=None), 410
    return render_template("public/account/change_address.html", address=None, move_counts=move_counts)


def _apply(operation: str, signature: SignatureView) -> None:
    """Make the change of the form to the signature; an unknown operation changes nothing."""
    context = supporter_context()
    match operation:
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
    return _LinkData(link, signatures, waiting_forms(signature.email, vault), waiting_sheet_rows(signature.id, vault))


def _headline(slug: str) -> str:
    appeal = data_cache().appeal(slug)
    return appeal.text_in(current_locale()).headline if appeal and appeal.texts else slug


def _page(
    token: str, link_data: _LinkData, *, invalid_field: str = "", error: object = None, question: object = None
) -> str:
    """Return the page; `error` and `question` are shown beside the invalid field, such as `name-12` or `address`."""
    return render_template(
        "public/account/my_data.html",
        signatures=link_data.signatures,
        is_narrow=link_data.link.is_narrow,
        sign_ups=[(sign_up, _headline(sign_up.appeal)) for sign_up in link_data.sign_ups],
        sheet_rows=[(_headline(row.appeal), row.entered_at) for row in link_data.sheet_rows],
        token=token,
        countries=country_names(current_locale()),
        section_label=section_label,
        invalid_field=invalid_field,
        form_name=request.form.get("name", ""),
        form_address=request.form.get("email", ""),
        is_requested="asked" in request.args,
        error=error,
        question=question,
    )


def _signature_json(access: SubjectAccess) -> dict[str, Any]:
    """Return one signature, with all that is stored with it, for the export."""
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
        "confirmed_at": _iso(signature.confirmed_at),
        "ended_at": _iso(access.ended_at),
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
            {"kind": mail.kind, "state": mail.state, "created_at": _iso(mail.created_at), "sent_at": _iso(mail.sent_at)}
            for mail in access.mails
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
