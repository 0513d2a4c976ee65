"""Signing: the POST of the form. It answers the same whatever the address has done before."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.abuse.challenge import ChallengeDemandError
from campaign.domain.errors import AppealEndedError, InputError
from campaign.domain.signing.signature import clean_via
from campaign.platform import limiter
from campaign.platform.network import client_networks
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.services.signing.sign_appeal import CheckedSignUp, sign_appeal
from campaign.web.caching.data_cache import data_cache
from campaign.web.forms import INPUT_ERRORS, SignerInput, SignFormInput, read_sign_form
from campaign.web.http.headers import is_sandboxed
from campaign.web.http.host import asked_host
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.pages import appeal_page, list_rows, other_appeals, published
from campaign.web.public.context import supporter_context

# By network, not by person: a school or a mobile gateway is many people behind one.
LIMITS = "60 per minute; 1000 per hour"
ADDRESSEES = "tocsin_addressees"
blueprint = Blueprint("sign", __name__)


@blueprint.post(f"{PREFIX}/appeals/<slug>/sign")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Checks the form, signs, and leads on to the thanks; 422 with the form and its errors, nothing written."""
    appeal = published(slug)
    refused = submit(appeal, read_sign_form(request.form))
    if refused is None:
        return redirect(url_for("pages.thanks", slug=slug), 303)
    return render_template("public/appeal/appeal.html", **form_page(appeal, refused)), 422


@blueprint.post(f"{PREFIX}/appeals/<slug>/form")
def carry(slug: str) -> ResponseReturnValue:
    """The page in another language with what was typed so far; nothing is checked and nothing is kept."""
    appeal = published(slug)
    answers = read_sign_form(request.form)
    return render_template("public/appeal/appeal.html", **form_page(appeal, {"form": _values(answers)}))


@blueprint.get(f"{PREFIX}/appeals/<slug>/sign")
@blueprint.get(f"{PREFIX}/appeals/<slug>/form", endpoint="form_again")
def form(slug: str) -> ResponseReturnValue:
    """Somebody came back to the form's address (a reload, a shared link): on to the page."""
    published(slug)
    return redirect(url_for("pages.appeal", slug=slug), 302)


def submit(appeal: AppealView, answers: SignFormInput) -> dict[str, Any] | None:
    """Sign, or return what the page must show instead: the form with its errors, or that it is too late."""
    if answers.signer is None:
        return {"form": _values(answers), "errors": answers.errors, "question": answers.question}
    # Sec-Fetch-Site of our own form in a sandbox is that of a stranger's.
    sandboxed, context = is_sandboxed(), supporter_context()
    try:
        sign_appeal(
            appeal,
            _form(answers, answers.signer, must_prove=sandboxed),
            sections=data_cache().sections(),
            refused=_addressees(),
            context=context,
        )
    except InputError as error:
        return {"form": _values(answers), "errors": {error.field: INPUT_ERRORS[error.field, error.code]}}
    except AppealEndedError:
        # Over in the supporter's section, though perhaps not in another.
        notice = gettext("The deadline has passed in your country.") if appeal.is_open else None
        rows = list_rows(other_appeals(appeal), current_locale(), context.now)
        return {"is_taking": False, "notice": notice, "other_rows": rows}
    except ChallengeDemandError as error:
        return {"form": _values(answers), "challenge": error.demand, "is_sandboxed": sandboxed}
    return None


def form_page(appeal: AppealView, more: dict[str, Any]) -> dict[str, Any]:
    """The appeal's page with a form that somebody has filled in."""
    return appeal_page(appeal, data_cache().counts(appeal), runtime().clock(), current_locale()) | more


def _form(answers: SignFormInput, signer: SignerInput, *, must_prove: bool) -> CheckedSignUp:
    return CheckedSignUp(
        country=signer.country,
        name=signer.name,
        address=signer.address,
        via=signer.via or clean_via(tag_of_page()),
        locale=current_locale(),
        networks=client_networks(),
        proof=answers.proof,
        ticket=answers.ticket,
        must_prove=must_prove,
    )


def _addressees() -> RefusedRecipients:
    """Return the application's memory of them."""
    kept = current_app.extensions
    if ADDRESSEES not in kept:
        kept[ADDRESSEES] = RefusedRecipients(runtime().settings)
    found: RefusedRecipients = kept[ADDRESSEES]
    return found


def _values(answers: SignFormInput) -> dict[str, Any]:
    return {**answers.values, "via": answers.values.get("via") or tag_of_page()}


def tag_of_page() -> str:
    """The `via` of the page that this comes from: the page is the same for everybody, its address is not.

    Our Referrer-Policy sends the whole address to ourselves, and nothing of it to anybody else.
    """
    address = urlsplit(request.headers.get("Referer", "")[:2000])
    if address.netloc != asked_host():
        return ""
    return parse_qs(address.query).get("via", [""])[0]
