"""The list of appeals and the page of one appeal; readers of one language get the same rendered page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from campaign.document.text.markup import to_html
from campaign.domain.appeals.appeal import days_left, progress
from campaign.domain.country import country_name, country_names
from campaign.letter.plain_text import address_lines
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import Counts
from campaign.services.signing.sign_appeal import is_signable
from campaign.web.caching.data_cache import ListedOpenAppeal, data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, bind_punctuation, current_locale, preferred_locale
from campaign.web.public.appeal.continuation import continuation_notice

_MAX_OTHER_APPEALS = 3
HTML = "text/html; charset=utf-8"
blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def root() -> ResponseReturnValue:
    """Redirect to the list in the browser's language."""
    response = redirect(url_for("pages.index", locale=preferred_locale()), 302)
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get(f"{LOCALE_PREFIX}/")
def index() -> ResponseReturnValue:
    """Show the open appeals with their progress."""
    open_appeals = data_cache().open_appeals()
    locale, now = current_locale(), runtime().clock()

    def render() -> str:
        countries = {listed.appeal.country for listed in open_appeals if listed.appeal.country}
        country_links = sorted((country_name(code, locale), code.lower()) for code in countries)
        return render_template(
            "public/appeal/index.html", rows=list_rows(open_appeals, locale, now), countries=country_links
        )

    return page_cache().answer(("index", locale), list_version(open_appeals, now), render, content_type=HTML)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>")
def appeal(slug: str) -> ResponseReturnValue:
    """Show the case, the letter, the form and the progress."""
    view = published_appeal_or_404(slug)
    counts = data_cache().counts(view)
    now, locale = runtime().clock(), current_locale()
    others_version = () if is_signable_anywhere(view, now) else list_version(other_appeals(view), now)
    return page_cache().answer(
        ("appeal", slug, locale),
        (page_version(view, counts, now), others_version),
        lambda: render_template(
            "public/appeal/appeal.html", **appeal_page_context(view, counts, now, locale), is_view=True
        ),
        content_type=HTML,
    )


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """Show the next step after signing, and advice if no mail comes; the page is the same for every signer."""
    view = published_appeal_or_404(slug)
    locale = current_locale()
    return page_cache().answer(
        ("thanks", slug, locale),
        view.revision,
        lambda: render_template("public/appeal/thanks.html", appeal=view, text=view.text_in(locale)),
        content_type=HTML,
    )


def published_appeal_or_404(slug: str) -> AppealView:
    """Return the appeal; 404 if it is unknown or still a draft."""
    appeal = data_cache().published_appeal(slug)
    if appeal is None:
        abort(404)
    return appeal


def page_version(appeal: AppealView, counts: Counts, now: datetime) -> Any:
    """Return a value that changes whenever the page does: with text, counts or the hour, which may end the appeal."""
    return appeal.revision, counts.cells, now.date(), now.hour


def is_signable_anywhere(appeal: AppealView, now: datetime) -> bool:
    """Return whether the appeal can be signed in at least one section.

    The page is the same for all readers; the service decides for the supporter's own section when the form arrives.
    """
    return is_signable(appeal, sections=data_cache().sections(), now=now)


def other_appeals(appeal: AppealView) -> tuple[ListedOpenAppeal, ...]:
    """Return other open appeals for the page of an ended one: the same country first, then the nearest deadline."""
    others = [listed for listed in data_cache().open_appeals() if listed.appeal.id != appeal.id]
    return tuple(sorted(others, key=lambda listed: listed.appeal.country != appeal.country)[:_MAX_OTHER_APPEALS])


def list_rows(appeals: Iterable[ListedOpenAppeal], locale: str, now: datetime) -> list[dict[str, Any]]:
    """Return the row of each appeal in a list."""
    return [
        {
            "appeal": listed.appeal,
            "text": listed.appeal.text_in(locale),
            "signatures": listed.signatures,
            "days_left": days_left(listed.appeal.deadline, now.date(), is_open=listed.appeal.is_open),
        }
        for listed in appeals
    ]


def list_version(appeals: Iterable[ListedOpenAppeal], now: datetime) -> Any:
    """Return a value that changes whenever the list does."""
    return tuple((listed.appeal.id, listed.appeal.revision, listed.signatures) for listed in appeals), now.date()


def appeal_page_context(appeal: AppealView, counts: Counts, now: datetime, locale: str) -> dict[str, Any]:
    """Return the values for the appeal's template."""
    text = appeal.text_in(locale)
    is_signable_now = is_signable_anywhere(appeal, now)
    return {
        "appeal": appeal,
        "text": text,
        "summary": bind_punctuation(Markup(to_html(text.summary)), text.language),  # noqa: S704  passed the allow-list
        "background": bind_punctuation(Markup(to_html(text.background)), text.language),  # noqa: S704
        "targets": [(target, address_lines(target)) for target in appeal.targets_in(text.language)],
        "counts": counts,
        "other_actions": counts.total - counts.signatures,
        "section_count": len(counts.by_section),
        "progress": progress(counts.signatures, appeal.goal, appeal.opened_at, appeal.deadline, now),
        "days_left": days_left(appeal.deadline, now.date(), is_open=appeal.is_open),
        "today": now.date(),
        "is_signable": is_signable_now,
        "counts_views": runtime().settings.page_views,
        "other_rows": [] if is_signable_now else list_rows(other_appeals(appeal), locale, now),
        "outcome": appeal.outcome_in(locale),
        "continuation": continuation_notice(appeal, now, locale),
        "is_other_language": text.language != locale,
        "countries": country_names(locale),
        "form": {},
        "errors": {},
        "question": None,
        "challenge": None,
    }
