"""The list of ended appeals, each with its outcome and final count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from campaign.document.text.markup import to_plain
from campaign.queries.counting.ended_appeals import EndedAppeal
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML
from campaign.web.public.appeal.share import shorten

_OUTCOME_LENGTH = 280  # characters
blueprint = Blueprint("ended_appeals", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/ended")
@blueprint.get(f"{LOCALE_PREFIX}/ended/<int:number>")
def index(number: int = 1) -> ResponseReturnValue:
    """Show the ended appeals, the newest end first, in pages of fifty; 404 behind the last page."""
    page = data_cache().ended_page(number)
    if page is None:
        abort(404)
    locale = current_locale()
    return page_cache().answer(
        ("ended", number, locale),
        (ended_list_version(page.appeals), page.pages),
        lambda: render_template("public/appeal/ended.html", page=page, rows=ended_rows(page.appeals, locale)),
        content_type=HTML,
    )


def ended_rows(appeals: Iterable[EndedAppeal], locale: str) -> list[dict[str, Any]]:
    """Return the row of each ended appeal; its `outcome` is the language and the beginning of the text, or None."""
    rows = []
    for ended in appeals:
        outcome = ended.appeal.outcome_in(locale)
        rows.append(
            {
                "appeal": ended.appeal,
                "text": ended.appeal.text_in(locale),
                "signatures": ended.counts.signatures,
                "other_actions": ended.counts.total - ended.counts.signatures,
                "entered": ended.counts.by_evidence["bulk"],
                "outcome": (outcome[0], shorten(to_plain(outcome[1]), _OUTCOME_LENGTH)) if outcome else None,
            }
        )
    return rows


def ended_list_version(appeals: Iterable[EndedAppeal]) -> Any:
    """Return a value that changes whenever the list does."""
    return tuple((ended.appeal.id, ended.appeal.revision, ended.counts.cells) for ended in appeals)
