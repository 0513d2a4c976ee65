"""Signing: the POST of the form. It answers the same whatever the address has done before."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.appeal import is_in_time
from campaign.extensions import limiter
from campaign.extensions.runtime import runtime
from campaign.queries.appeal import AppealView
from campaign.services.sign import SignUp, sign
from campaign.web.forms import Answers, read_sign_form
from campaign.web.locale import PREFIX, current_locale
from campaign.web.public.pages import appeal_page, list_rows, other_appeals, published
from campaign.web.snapshot import snapshots

# By network, not by person: a school or a mobile gateway is many people behind one.
LIMITS = "60 per minute; 1000 per hour"
blueprint = Blueprint("sign", __name__)


@blueprint.post(f"{PREFIX}/appeals/<slug>/sign")
@limiter.limit(LIMITS, deduct_when=lambda response: response.status_code == 303)
def create(slug: str) -> ResponseReturnValue:
    """Checks the form, signs, and leads on to the thanks; 422 with the form and its errors, nothing written."""
    appeal = published(slug)
    answers = read_sign_form(request.form)
    locale, now = current_locale(), runtime().clock()
    done = redirect(url_for("pages.thanks", slug=slug), 303)
    if answers.is_trap:
        return done
    if answers.signer is None:
        return _again(appeal, answers)
    signer = answers.signer
    section = snapshots().section_for(signer.country, locale)
    if section is None or not appeal.is_open or not is_in_time(appeal.deadline, section.time_zone, now):
        return _over(appeal)
    text = appeal.text_in(locale)
    at = runtime()
    sign(
        SignUp(
            appeal_id=appeal.id,
            section_code=section.code,
            country=signer.country,
            name=signer.name,
            address=signer.address,
            locale=locale,
            text_language=text.language,
            text_version=text.version,
            wants_updates=signer.wants_updates,
            via=signer.via,
        ),
        now=now,
        vault=at.vault,
        mail_domain=at.mail_domain,
    )
    return done


@blueprint.get(f"{PREFIX}/appeals/<slug>/sign")
def form(slug: str) -> ResponseReturnValue:
    """Somebody came back to the form's address (a reload, a shared link): on to the page."""
    published(slug)
    return redirect(url_for("pages.appeal", slug=slug), 302)


def _again(appeal: AppealView, answers: Answers) -> ResponseReturnValue:
    page = _page(appeal)
    page |= {"form": answers.values, "errors": answers.errors, "suggestion": answers.suggestion}
    return render_template("public/appeal.html", **page), 422


def _over(appeal: AppealView) -> ResponseReturnValue:
    """The deadline has passed in the supporter's section, though perhaps not in another."""
    rows = list_rows(other_appeals(appeal), current_locale(), runtime().clock())
    notice = gettext("The deadline has passed in your country.")
    page = _page(appeal) | {"is_taking": False, "notice": notice, "other_rows": rows}
    return render_template("public/appeal.html", **page), 422


def _page(appeal: AppealView) -> dict[str, object]:
    return appeal_page(appeal, snapshots().counts(appeal), runtime().clock(), current_locale())
