"""Appeals by country and by section, and lists for programs: feed, sitemap, robots.txt."""

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
from campaign.web.http.locale import LOCALE_PREFIX, absolute_url, current_locale
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


@blueprint.get(f"{LOCALE_PREFIX}/countries/<country>")
def by_country(country: str) -> ResponseReturnValue:
    """Show the appeals about a country: all open ones and the newest that ended.

    The country is an ISO 3166-1 alpha-2 code in lower case; 404 for any other.
    """
    code = country.upper()
    if code not in COUNTRIES or country != country.lower():
        abort(404)
    locale, now = current_locale(), runtime().clock()
    open_appeals = [listed for listed in data_cache().open_appeals() if listed.appeal.country == code]
    page = data_cache().ended_page(1, code)
    newest_ended = page.appeals if page is not None else ()

    def render() -> str:
        return render_template(
            "public/appeal/list.html",
            title=country_name(code, locale),
            rows=list_rows(open_appeals, locale, now),
            ended=ended_rows(newest_ended, locale),
            section=None,
        )

    version = list_version(open_appeals, now), ended_list_version(newest_ended)
    return page_cache().answer(("country", country, locale), version, render, content_type=HTML)


@blueprint.get(f"{LOCALE_PREFIX}/sections")
def sections() -> ResponseReturnValue:
    """Show every section with its contact."""
    locale = current_locale()
    section_views = data_cache().sections()

    def render() -> str:
        labelled = sorted(
            ((section_label(section.code, locale), section) for section in section_views), key=lambda row: row[0]
        )
        return render_template("public/appeal/sections.html", sections=labelled)

    return page_cache().answer(("sections", locale), section_views, render, content_type=HTML)


@blueprint.get(f"{LOCALE_PREFIX}/sections/<code>")
def by_section(code: str) -> ResponseReturnValue:
    """Show the actions of one section's supporters for each open appeal."""
    section = next((view for view in data_cache().sections() if view.code == code), None)
    if section is None:
        abort(404)
    locale, now = current_locale(), runtime().clock()
    open_appeals = data_cache().open_appeals()
    counts_by_appeal = {}
    for listed in open_appeals:
        section_counts = data_cache().counts(listed.appeal).by_section.get(code, SectionCounts())
        counts_by_appeal[listed.appeal.id] = section_counts.total, section_counts.entered

    def render() -> str:
        rows = [
            row | dict(zip(("section_actions", "section_entered"), counts_by_appeal[row["appeal"].id], strict=True))
            for row in list_rows(open_appeals, locale, now)
        ]
        rows.sort(key=lambda row: -row["section_actions"])
        title = section_label(code, locale)
        return render_template("public/appeal/list.html", title=title, rows=rows, section=section)

    version = (list_version(open_appeals, now), tuple(counts_by_appeal.items()), section)
    return page_cache().answer(("section", code, locale), version, render, content_type=HTML)


@blueprint.get(f"{LOCALE_PREFIX}/feed.atom")
def feed() -> Response:
    """Return the open appeals as an Atom feed, the newest first (RFC 4287)."""
    locale, now = current_locale(), runtime().clock()
    open_appeals = data_cache().open_appeals()

    def render() -> str:
        rows = [row for row in list_rows(open_appeals, locale, now) if row["appeal"].opened_at]
        rows.sort(key=lambda row: row["appeal"].opened_at, reverse=True)
        updated = rows[0]["appeal"].opened_at if rows else now
        return render_template("public/appeal/feed.xml", rows=rows, updated=updated, title=gettext("Open appeals"))

    version = tuple((listed.appeal.id, listed.appeal.revision) for listed in open_appeals)
    return page_cache().answer(("feed", locale), version, render, content_type=_ATOM)


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """Return the sitemap for search engines: every public page, with its languages."""
    open_appeals, section_views = data_cache().open_appeals(), data_cache().sections()

    def render() -> str:
        appeals = [listed.appeal for listed in open_appeals] + list(ended_appeals())
        countries = {appeal.country.lower() for appeal in appeals if appeal.country}
        pages: list[tuple[str, dict[str, Any]]] = [("pages.index", {}), ("appeal_lists.sections", {})]
        pages += [("ended_appeals.index", {})]
        pages += [(f"legal_pages.{page.value}", {}) for page in SitePage]
        pages += [("appeal_lists.by_section", {"code": section.code}) for section in section_views]
        pages += [("appeal_lists.by_country", {"country": code}) for code in sorted(countries)]
        pages += [("progress.show", {"slug": listed.appeal.slug}) for listed in open_appeals]
        entries = [alternates(partial(_path, endpoint, values)) for endpoint, values in pages]
        entries += [alternates(partial(_path, "pages.appeal", {"slug": appeal.slug}), appeal) for appeal in appeals]
        return render_template("public/appeal/sitemap.xml", entries=entries)

    listed_versions = tuple(
        (listed.appeal.slug, listed.appeal.country, listed.appeal.revision) for listed in open_appeals
    )
    return page_cache().answer(
        "sitemap", (listed_versions, data_cache().ended_version(), section_views), render, content_type=_XML
    )


def _path(endpoint: str, values: dict[str, Any], locale: str) -> str:
    return url_for(endpoint, locale=locale, **values)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Return robots.txt, which closes the pages behind mailed links and those of staff to search engines."""
    body = _ROBOTS.format(absolute_url(url_for("appeal_lists.sitemap")))
    return page_cache().answer("robots", 0, lambda: body, content_type="text/plain; charset=utf-8")
