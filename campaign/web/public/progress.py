"""The progress page: counts by section, channel and day, with a chart."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.action import Channel
from campaign.domain.country import section_name
from campaign.domain.section import INTERNATIONAL
from campaign.extensions.runtime import runtime
from campaign.queries.counts import days
from campaign.web.caching import pages
from campaign.web.chart import by_day
from campaign.web.locale import PREFIX, current_locale
from campaign.web.public.pages import HTML, appeal_page, published, version_of
from campaign.web.snapshot import snapshots

blueprint = Blueprint("progress", __name__)
# The chart's own style stands inside it; as an image it can do nothing else.
_IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@blueprint.get(f"{PREFIX}/appeals/<slug>/progress")
def show(slug: str) -> ResponseReturnValue:
    """Counts by section, channel and day."""
    appeal = published(slug)
    counts = snapshots().counts(appeal)
    now, locale = runtime().clock(), current_locale()

    def render() -> str:
        names = {section.code: section.name for section in snapshots().sections()}
        rows = sorted(
            ((_name(code, names, locale), one) for code, one in counts.by_section.items()),
            key=lambda row: (-row[1].total, row[0]),
        )
        return render_template(
            "public/progress.html",
            **appeal_page(appeal, counts, now, locale),
            rows=rows,
            channels=[channel.value for channel in Channel if channel in counts.by_channel],
            days=days(appeal.id),
        )

    return pages().answer(("progress", slug, locale), version_of(appeal, counts, now), render, kind=HTML)


@blueprint.get(f"{PREFIX}/appeals/<slug>/progress.svg")
def chart(slug: str) -> Response:
    """Actions by day, as a picture of its own."""
    appeal = published(slug)
    counts = snapshots().counts(appeal)
    now, locale = runtime().clock(), current_locale()
    return pages().answer(
        ("chart", slug, locale),
        version_of(appeal, counts, now),
        lambda: by_day(days(appeal.id), appeal.opened_at, now, locale, gettext("Actions by day")),
        kind="image/svg+xml; charset=utf-8",
        instead=(("Content-Security-Policy", _IMAGE_POLICY),),
    )


def _name(code: str, names: dict[str, str], locale: str) -> str:
    fallback = gettext("International") if code == INTERNATIONAL else names.get(code, code)
    return section_name(code, fallback, locale)
