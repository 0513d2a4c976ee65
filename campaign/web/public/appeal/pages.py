"""The list of appeals and the page of one: the same for everybody in one language, so kept rendered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from campaign.document.text.markup import to_html
from campaign.domain.appeals.appeal import AppealState, days_left, is_in_time, progress
from campaign.domain.country import country_name, country_names
from campaign.letter.plain_text import address_lines
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import Counts
from campaign.web.caching.data_cache import ListedOpenAppeal, data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import PREFIX, bind_punctuation, current_locale, preferred_locale
from campaign.web.public.appeal.continuation import after

_MOST_OTHERS = 3
HTML = "text/html; charset=utf-8"
blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def root() -> ResponseReturnValue:
    """To the list in the language that the browser asks for."""
    response = redirect(url_for("pages.index", locale=preferred_locale()), 302)
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get(f"{PREFIX}/")
def index() -> ResponseReturnValue:
    """The open appeals with their progress."""
    listed = data_cache().open()
    locale, now = current_locale(), runtime().clock()

    def render() -> str:
        countries = {one.appeal.country for one in listed if one.appeal.country}
        named = sorted((country_name(code, locale), code.lower()) for code in countries)
        return render_template("public/appeal/index.html", rows=list_rows(listed, locale, now), countries=named)

    return page_cache().answer(("index", locale), list_version(listed, now), render, kind=HTML)


@blueprint.get(f"{PREFIX}/appeals/<slug>")
def appeal(slug: str) -> ResponseReturnValue:
    """The case, the letter, the form, the progress."""
    found = published(slug)
    counts = data_cache().counts(found)
    now, locale = runtime().clock(), current_locale()
    others = () if takes_signatures(found, now) else list_version(other_appeals(found), now)
    return page_cache().answer(
        ("appeal", slug, locale),
        (version_of(found, counts, now), others),
        lambda: render_template("public/appeal/appeal.html", **appeal_page(found, counts, now, locale), is_view=True),
        kind=HTML,
    )


@blueprint.get(f"{PREFIX}/appeals/<slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """After signing: what happens now, and what to do where no mail comes. The same whoever signed."""
    found = published(slug)
    locale = current_locale()
    return page_cache().answer(
        ("thanks", slug, locale),
        found.revision,
        lambda: render_template("public/appeal/thanks.html", appeal=found, text=found.text_in(locale)),
        kind=HTML,
    )


def published(slug: str) -> AppealView:
    """The appeal, unless it is unknown or still a draft: then 404."""
    found = data_cache().appeal(slug)
    if found is None or found.state == AppealState.DRAFT or not found.texts:
        abort(404)
    return found


def version_of(appeal: AppealView, counts: Counts, now: datetime) -> Any:
    """Changes whenever the page does: with the text, a count, or the hour (days left, time passed, the end)."""
    return appeal.revision, counts.cells, now.date(), now.hour


def takes_signatures(appeal: AppealView, now: datetime) -> bool:
    """Whether there is any section whose day has not ended; the POST decides for the supporter's own."""
    if not appeal.is_open:
        return False
    taking = data_cache().taking_part(appeal)
    return any(is_in_time(appeal.deadline, one.last_zone(appeal.deadline), now) for one in taking)


def other_appeals(appeal: AppealView) -> tuple[ListedOpenAppeal, ...]:
    """What else is open, where this one is over: the same country first, then the nearest deadline."""
    others = [one for one in data_cache().open() if one.appeal.id != appeal.id]
    return tuple(sorted(others, key=lambda one: one.appeal.country != appeal.country)[:_MOST_OTHERS])


def list_rows(listed: Iterable[ListedOpenAppeal], locale: str, now: datetime) -> list[dict[str, Any]]:
    """What a list of appeals shows of each."""
    return [
        {
            "appeal": one.appeal,
            "text": one.appeal.text_in(locale),
            "signatures": one.signatures,
            "days_left": days_left(one.appeal.deadline, now.date(), is_open=one.appeal.is_open),
        }
        for one in listed
    ]


def list_version(listed: Iterable[ListedOpenAppeal], now: datetime) -> Any:
    """Changes whenever such a list does."""
    return tuple((one.appeal.id, one.appeal.revision, one.signatures) for one in listed), now.date()


def appeal_page(appeal: AppealView, counts: Counts, now: datetime, locale: str) -> dict[str, Any]:
    """What the appeal's template shows."""
    text = appeal.text_in(locale)
    is_taking = takes_signatures(appeal, now)
    return {
        "appeal": appeal,
        "text": text,
        "summary": bind_punctuation(Markup(to_html(text.summary)), text.language),  # noqa: S704  passed the allow-list
        "background": bind_punctuation(Markup(to_html(text.background)), text.language),  # noqa: S704
        "targets": [(target, address_lines(target)) for target in appeal.targets_in(text.language)],
        "counts": counts,
        "others": counts.total - counts.signatures,
        "sections_acting": len(counts.by_section),
        "progress": progress(counts.signatures, appeal.goal, appeal.opened_at, appeal.deadline, now),
        "days_left": days_left(appeal.deadline, now.date(), is_open=appeal.is_open),
        "today": now.date(),
        "is_taking": is_taking,
        "counts_views": runtime().settings.page_views,
        "other_rows": [] if is_taking else list_rows(other_appeals(appeal), locale, now),
        "outcome": appeal.outcome_in(locale),
        "after": after(appeal, now, locale),
        "is_other_language": text.language != locale,
        "countries": country_names(locale),
        "form": {},
        "errors": {},
        "question": None,
        "challenge": None,
    }
