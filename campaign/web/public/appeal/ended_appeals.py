"""The list of appeals that have ended: what became of each, and its final count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from campaign.document.text.markup import to_plain
from campaign.queries.counting.ended_appeals import EndedAppeal
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML
from campaign.web.public.appeal.share import shortened

_OUTCOME_LENGTH = 280
blueprint = Blueprint("ended_appeals", __name__)


@blueprint.get(f"{PREFIX}/ended")
@blueprint.get(f"{PREFIX}/ended/<int:number>")
def index(number: int = 1) -> ResponseReturnValue:
    """The ended appeals, the newest end first, by pages of fifty."""
    page = data_cache().ended(number)
    if page is None:
        abort(404)
    locale = current_locale()
    return page_cache().answer(
        ("ended", number, locale),
        (ended_list_version(page.appeals), page.pages),
        lambda: render_template("public/appeal/ended.html", page=page, rows=ended_rows(page.appeals, locale)),
        kind=HTML,
    )


def ended_rows(ended: Iterable[EndedAppeal], locale: str) -> list[dict[str, Any]]:
    """Return what a list of ended appeals shows of each; the outcome's first words, with its language, or None."""
    rows = []
    for one in ended:
        told = one.appeal.outcome_in(locale)
        rows.append(
            {
                "appeal": one.appeal,
                "text": one.appeal.text_in(locale),
                "signatures": one.counts.signatures,
                "others": one.counts.total - one.counts.signatures,
                "entered": one.counts.by_evidence["bulk"],
                "outcome": (told[0], shortened(to_plain(told[1]), _OUTCOME_LENGTH)) if told else None,
            }
        )
    return rows


def ended_list_version(ended: Iterable[EndedAppeal]) -> Any:
    """Return something that changes whenever such a list does."""
    return tuple((one.appeal.id, one.appeal.revision, one.counts.cells) for one in ended)
