"""The sign-up form: its answer never depends on what the address has done before."""

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
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.services.signing.sign_appeal import CheckedSignUp, sign_appeal
from campaign.web.caching.data_cache import data_cache
from campaign.web.forms import INPUT_ERRORS, SignerInput, SignFormInput, read_sign_form
from campaign.web.http.headers import is_sandboxed
from campaign.web.http.host import requested_host
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import appeal_page_context, list_rows, other_appeals, published_appeal_or_404
from campaign.web.public.context import supporter_context

# The limits are by network: many people share the network of a school or a mobile gateway.
LIMITS = "60 per minute; 1000 per hour"
# The name under which the application stores its `TargetMailboxes`.
TARGET_MAILBOXES = "tocsin_target_mailboxes"
blueprint = Blueprint("sign", __name__)


@blueprint.post(f"{LOCALE_PREFIX}/appeals/<slug>/sign")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Sign and redirect to the thanks; 422 with the form and its errors if nothing was stored."""
    appeal = published_appeal_or_404(slug)
    refusal = submit(appeal, read_sign_form(request.form))
    if refusal is None:
        return redirect(url_for("pages.thanks", slug=slug), 303)
    return render_template("public/appeal/appeal.html", **form_page_context(appeal, refusal)), 422


@blueprint.post(f"{LOCALE_PREFIX}/appeals/<slug>/form")
def switch_language(slug: str) -> ResponseReturnValue:
    """Show the page in another language with the input so far; nothing is checked or stored."""
    appeal = published_appeal_or_404(slug)
    values = _values(read_sign_form(request.form))
    return render_template("public/appeal/appeal.html", **form_page_context(appeal, {"form": values}))


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/sign")
@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/form", endpoint="form_again")
def back_to_page(slug: str) -> ResponseReturnValue:
    """Redirect from the form's address to the page, after a reload or from a shared link."""
    published_appeal_or_404(slug)
    return redirect(url_for("pages.appeal", slug=slug), 302)


def submit(appeal: AppealView, form_input: SignFormInput) -> dict[str, Any] | None:
    """Sign and return None, or return the page's values for a refusal: the form with its errors, or that it is over."""
    if form_input.signer is None:
        return {"form": _values(form_input), "errors": form_input.errors, "question": form_input.question}
    # This site's form in a sandboxed frame has the same Sec-Fetch-Site as a form of another site.
    in_sandbox, context = is_sandboxed(), supporter_context()
    try:
        sign_appeal(
            appeal,
            _checked_sign_up(form_input, form_input.signer, must_prove=in_sandbox),
            sections=data_cache().sections(),
            target_mailboxes=_target_mailboxes(),
            context=context,
        )
    except InputError as error:
        return {"form": _values(form_input), "errors": {error.field: INPUT_ERRORS[error.field, error.code]}}
    except AppealEndedError:
        # The appeal has ended in the supporter's section, but perhaps not in others.
        notice = gettext("The deadline has passed in your country.") if appeal.is_open else None
        rows = list_rows(other_appeals(appeal), current_locale(), context.now)
        return {"is_signable": False, "notice": notice, "other_rows": rows}
    except ChallengeDemandError as error:
        return {"form": _values(form_input), "challenge": error.demand, "is_sandboxed": in_sandbox}
    return None


def form_page_context(appeal: AppealView, more: dict[str, Any]) -> dict[str, Any]:
    """Return the values for the appeal's page after a form was sent; `more` are added to them or replace them."""
    return appeal_page_context(appeal, data_cache().counts(appeal), runtime().clock(), current_locale()) | more


def _checked_sign_up(form_input: SignFormInput, signer: SignerInput, *, must_prove: bool) -> CheckedSignUp:
    """Return the sign-up as the service takes it, with its origin."""
    return CheckedSignUp(
        country=signer.country,
        name=signer.name,
        address=signer.address,
        via=signer.via or clean_via(via_of_page()),
        locale=current_locale(),
        networks=client_networks(),
        proof=form_input.proof,
        ticket=form_input.ticket,
        must_prove=must_prove,
    )


def _target_mailboxes() -> TargetMailboxes:
    """Return the application's `TargetMailboxes`; the first sign-up creates it."""
    extensions = current_app.extensions
    if TARGET_MAILBOXES not in extensions:
        extensions[TARGET_MAILBOXES] = TargetMailboxes(runtime().settings)
    target_mailboxes: TargetMailboxes = extensions[TARGET_MAILBOXES]
    return target_mailboxes


def _values(form_input: SignFormInput) -> dict[str, Any]:
    """Return the form's values, with the source tag of the page's address if the form has none."""
    return {**form_input.values, "via": form_input.values.get("via") or via_of_page()}


def via_of_page() -> str:
    """Return the source tag (`via`) in the address of the page that sent the form, or "".

    The page cannot have it in its form, because it is cached and the same for all addresses. The Referrer-Policy sends
    the full address to this site only.
    """
    address = urlsplit(request.headers.get("Referer", "")[:2000])
    if address.netloc != requested_host():
        return ""
    return parse_qs(address.query).get("via", [""])[0]
