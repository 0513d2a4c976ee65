"""The progress page: counts by section, channel and day, with a map and a chart, refreshed while it is open."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.counting.channel import Channel
from campaign.mail.messages.section_names import section_title
from campaign.platform.runtime import runtime
from campaign.queries.counting.counts import daily_counts
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.pictures.chart import daily_chart
from campaign.web.pictures.tile_map import map_size, tile_map
from campaign.web.public.appeal.pages import HTML, appeal_page_context, page_version, published_appeal_or_404
from campaign.web.public.site.assets import IMAGE_POLICY

_SVG = "image/svg+xml; charset=utf-8"
_IMAGE_HEADERS = (("Content-Security-Policy", IMAGE_POLICY),)
blueprint = Blueprint("progress", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/progress")
def show(slug: str) -> ResponseReturnValue:
    """Show the counts by section, channel and day."""
    appeal = published_appeal_or_404(slug)
    counts = data_cache().counts(appeal)
    now, locale = runtime().clock(), current_locale()

    def render() -> str:
        rows = sorted(
            ((code, section_label(code, locale), section_counts) for code, section_counts in counts.by_section.items()),
            key=lambda row: (-row[2].total, row[1]),
        )
        day_counts = daily_counts(appeal.id)
        return render_template(
            "public/appeal/progress.html",
            **appeal_page_context(appeal, counts, now, locale),
            rows=rows,
            channels=[channel.value for channel in Channel if channel in counts.by_channel],
            days=day_counts,
            # It is part of the pictures' addresses, so that a browser does not show an old picture from its cache.
            counts_digest=hashlib.sha256(repr((counts.cells, day_counts)).encode()).hexdigest()[:12],
            map_size=map_size(data_cache().sections()),
        )

    return page_cache().answer(("progress", slug, locale), page_version(appeal, counts, now), render, content_type=HTML)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/progress.svg")
def chart(slug: str) -> Response:
    """Return the actions by day as an SVG picture."""
    appeal = published_appeal_or_404(slug)
    counts = data_cache().counts(appeal)
    now, locale = runtime().clock(), current_locale()
    return page_cache().answer(
        ("chart", slug, locale),
        page_version(appeal, counts, now),
        lambda: daily_chart(daily_counts(appeal.id), appeal.opened_at, now, locale, runtime().settings.theme),
        content_type=_SVG,
        headers=_IMAGE_HEADERS,
    )


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/map.svg")
def tiles(slug: str) -> Response:
    """Return the sections with their actions as an SVG picture."""
    appeal = published_appeal_or_404(slug)
    counts = data_cache().counts(appeal)
    now, locale = runtime().clock(), current_locale()
    return page_cache().answer(
        ("map", slug, locale),
        page_version(appeal, counts, now),
        lambda: tile_map(data_cache().sections(), counts, runtime().settings.theme, locale),
        content_type=_SVG,
        headers=_IMAGE_HEADERS,
    )


def section_label(code: str, locale: str) -> str:
    """Return the section's name in the reader's language."""
    names = {section.code: section.name for section in data_cache().sections()}
    return section_title(code, names.get(code, code), locale)
