"""Signing: the POST of the form, whose answer never depends on what the address has done before."""

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
from campaign.web.http.host import requested_host
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.pages import appeal_page_context, list_rows, other_appeals, published_appeal
from campaign.web.public.context import supporter_context

# By network, not by person: many people share the network of a school or a mobile gateway.
LIMITS = "60 per minute; 1000 per hour"
REFUSED_RECIPIENTS = "tocsin_addressees"
blueprint = Blueprint("sign", __name__)


@blueprint.post(f"{PREFIX}/appeals/<slug>/sign")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Check the form, sign, and redirect to the thanks; 422 with the form and its errors, nothing stored."""
    appeal = published_appeal(slug)
    refused = submit(appeal, read_sign_form(request.form))
    if refused is None:
        return redirect(url_for("pages.thanks", slug=slug), 303)
    return render_template("public/appeal/appeal.html", **form_page_context(appeal, refused)), 422


@blueprint.post(f"{PREFIX}/appeals/<slug>/form")
def switch_language(slug: str) -> ResponseReturnValue:
    """Show the page in another language with the input so far; nothing is checked or stored."""
    appeal = published_appeal(slug)
    answers = read_sign_form(request.form)
    return render_template("public/appeal/appeal.html", **form_page_context(appeal, {"form": _values(answers)}))


@blueprint.get(f"{PREFIX}/appeals/<slug>/sign")
@blueprint.get(f"{PREFIX}/appeals/<slug>/form", endpoint="form_again")
def back_to_page(slug: str) -> ResponseReturnValue:
    """Redirect from the form's address to the page, after a reload or from a shared link."""
    published_appeal(slug)
    return redirect(url_for("pages.appeal", slug=slug), 302)


def submit(appeal: AppealView, answers: SignFormInput) -> dict[str, Any] | None:
    """Sign, or return the values that the page must show instead: the form with its errors, or that it is too late."""
    if answers.signer is None:
        return {"form": _values(answers), "errors": answers.errors, "question": answers.question}
    # The own form in a sandboxed frame has the same Sec-Fetch-Site as a form of another site.
    in_sandbox, context = is_sandboxed(), supporter_context()
    try:
        sign_appeal(
            appeal,
            _form(answers, answers.signer, must_prove=in_sandbox),
            sections=data_cache().sections(),
            refused=_refused_recipients(),
            context=context,
        )
    except InputError as error:
        return {"form": _values(answers), "errors": {error.field: INPUT_ERRORS[error.field, error.code]}}
    except AppealEndedError:
        # Over in the supporter's section, perhaps not in another.
        notice = gettext("The deadline has passed in your country.") if appeal.is_open else None
        rows = list_rows(other_appeals(appeal), current_locale(), context.now)
        return {"is_signable": False, "notice": notice, "other_rows": rows}
    except ChallengeDemandError as error:
        return {"form": _values(answers), "challenge": error.demand, "is_sandboxed": in_sandbox}
    return None


def form_page_context(appeal: AppealView, more: dict[str, Any]) -> dict[str, Any]:
    """Return the values for the appeal's page with a filled form."""
    return appeal_page_context(appeal, data_cache().counts(appeal), runtime().clock(), current_locale()) | more


def _form(answers: SignFormInput, signer: SignerInput, *, must_prove: bool) -> CheckedSignUp:
    return CheckedSignUp(
        country=signer.country,
        name=signer.name,
        address=signer.address,
        via=signer.via or clean_via(via_of_page()),
        locale=current_locale(),
        networks=client_networks(),
        proof=answers.proof,
        ticket=answers.ticket,
        must_prove=must_prove,
    )


def _refused_recipients() -> RefusedRecipients:
    """Return the application's memory of recipients that refuse mail."""
    extensions = current_app.extensions
    if REFUSED_RECIPIENTS not in extensions:
        extensions[REFUSED_RECIPIENTS] = RefusedRecipients(runtime().settings)
    recipients: RefusedRecipients = extensions[REFUSED_RECIPIENTS]
    return recipients


def _values(answers: SignFormInput) -> dict[str, Any]:
    return {**answers.values, "via": answers.values.get("via") or via_of_page()}


def via_of_page() -> str:
    """Return the `via` in the address of the page that sent the form: the page is cached, its address is not.

    The Referrer-Policy sends the full address to this site only.
    """
    address = urlsplit(request.headers.get("Referer", "")[:2000])
    if address.netloc != requested_host():
        return ""
    return parse_qs(address.query).get("via", [""])[0]
