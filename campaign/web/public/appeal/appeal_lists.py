"""Appeals by country and by section, and as machines read them: feed, sitemap, robots.txt."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.country import COUNTRIES, country_name
from campaign.domain.sections.site_page import SitePage
from campaign.platform.runtime import runtime
from campaign.queries.counting.counts import SectionCounts
from campaign.queries.counting.ended_appeals import ended_appeals
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.alternates import alternates
from campaign.web.http.locale import PREFIX, absolute, current_locale
from campaign.web.public.appeal.ended_appeals import ended_list_version, ended_rows
from campaign.web.public.appeal.pages import HTML, list_rows, list_version
from campaign.web.public.appeal.progress import section_label

_ATOM = "application/atom+xml; charset=utf-8"
_XML = "application/xml; charset=utf-8"
_ROBOTS = """User-agent: *
Disallow: /*/s/
Disallow: /*/m/
Disallow: /*/u/
Disallow: /staff/
Sitemap: {}
"""
blueprint = Blueprint("appeal_lists", __name__)


@blueprint.get(f"{PREFIX}/countries/<country>")
def by_country(country: str) -> ResponseReturnValue:
    """The appeals about that country (ISO 3166-1 alpha-2 in lower case): all that are open, the newest that ended."""
    code = country.upper()
    if code not in COUNTRIES or country != country.lower():
        abort(404)
    locale, now = current_locale(), runtime().clock()
    listed = [one for one in data_cache().open() if one.appeal.country == code]
    page = data_cache().ended(1, code)
    past = page.appeals if page is not None else ()

    def render() -> str:
        title, rows, ended = country_name(code, locale), list_rows(listed, locale, now), ended_rows(past, locale)
        return render_template("public/appeal/list.html", title=title, rows=rows, ended=ended, section=None)

    version = list_version(listed, now), ended_list_version(past)
    return page_cache().answer(("country", country, locale), version, render, kind=HTML)


@blueprint.get(f"{PREFIX}/sections")
def sections() -> ResponseReturnValue:
    """Every section with its contact: whom to ask what can still be done."""
    locale = current_locale()
    found = data_cache().sections()

    def render() -> str:
        named = sorted(((section_label(one.code, locale), one) for one in found), key=lambda row: row[0])
        return render_template("public/appeal/sections.html", sections=named)

    return page_cache().answer(("sections", locale), found, render, kind=HTML)


@blueprint.get(f"{PREFIX}/sections/<code>")
def by_section(code: str) -> ResponseReturnValue:
    """What one section's supporters have done for each open appeal."""
    section = next((one for one in data_cache().sections() if one.code == code), None)
    if section is None:
        abort(404)
    locale, now = current_locale(), runtime().clock()
    listed = data_cache().open()
    ours = {}
    for one in listed:
        counted = data_cache().counts(one.appeal).by_section.get(code, SectionCounts())
        ours[one.appeal.id] = counted.total, counted.entered

    def render() -> str:
        rows = [
            row | dict(zip(("ours", "ours_entered"), ours[row["appeal"].id], strict=True))
            for row in list_rows(listed, locale, now)
        ]
        rows.sort(key=lambda row: -row["ours"])
        title = section_label(code, locale)
        return render_template("public/appeal/list.html", title=title, rows=rows, section=section)

    version = (list_version(listed, now), tuple(ours.items()), section)
    return page_cache().answer(("section", code, locale), version, render, kind=HTML)


@blueprint.get(f"{PREFIX}/feed.atom")
def feed() -> Response:
    """The open appeals for feed readers, the newest first (RFC 4287)."""
    locale, now = current_locale(), runtime().clock()
    listed = data_cache().open()

    def render() -> str:
        rows = [row for row in list_rows(listed, locale, now) if row["appeal"].opened_at]
        rows.sort(key=lambda row: row["appeal"].opened_at, reverse=True)
        updated = rows[0]["appeal"].opened_at if rows else now
        return render_template("public/appeal/feed.xml", rows=rows, updated=updated, title=gettext("Open appeals"))

    version = tuple((one.appeal.id, one.appeal.revision) for one in listed)
    return page_cache().answer(("feed", locale), version, render, kind=_ATOM)


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """Every page that a search engine should know, with its languages."""
    listed, found = data_cache().open(), data_cache().sections()

    def render() -> str:
        shown = [one.appeal for one in listed] + list(ended_appeals())
        countries = {appeal.country.lower() for appeal in shown if appeal.country}
        named: list[tuple[str, dict[str, Any]]] = [("pages.index", {}), ("appeal_lists.sections", {})]
        named += [("ended_appeals.index", {})]
        named += [(f"legal_pages.{page.value}", {}) for page in SitePage]
        named += [("appeal_lists.by_section", {"code": one.code}) for one in found]
        named += [("appeal_lists.by_country", {"country": code}) for code in sorted(countries)]
        named += [("progress.show", {"slug": one.appeal.slug}) for one in listed]
        entries = [alternates(partial(_path, endpoint, values)) for endpoint, values in named]
        entries += [alternates(partial(_path, "pages.appeal", {"slug": one.slug}), one) for one in shown]
        return render_template("public/appeal/sitemap.xml", entries=entries)

    shown = tuple((one.appeal.slug, one.appeal.country, one.appeal.revision) for one in listed)
    return page_cache().answer("sitemap", (shown, data_cache().ended_version(), found), render, kind=_XML)


def _path(endpoint: str, values: dict[str, Any], locale: str) -> str:
    return url_for(endpoint, locale=locale, **values)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """What search engines leave alone: pages behind mailed links and the staff's."""
    body = _ROBOTS.format(absolute(url_for("appeal_lists.sitemap")))
    return page_cache().answer("robots", 0, lambda: body, kind="text/plain; charset=utf-8")
