"""The funnel of signing: how far people come by mail provider and source, and how long confirming takes.

Views of the page are the stage before signing, if they are counted (TOCSIN_PAGE_VIEWS).
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.counting.funnel import OTHER_PROVIDERS, OTHER_SOURCES, FunnelStage
from campaign.domain.counting.small_cells import FEW
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.counting.funnel import Funnel, StageCount, funnel, told
from campaign.web.http.locale import current_locale
from campaign.web.pictures.chart import bar_chart
from campaign.web.staff.counting.appeal_counts import PICTURE
from campaign.web.staff.handover import spreadsheet
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import needs, scope

blueprint = Blueprint("funnel", __name__, url_prefix="/appeals/<slug>/funnel")
_MOST_BARS = 15


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Return the page."""
    appeal = published_appeal(slug)
    section, found = _section(), _funnel(slug)
    return render_template(
        "staff/counting/funnel.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        found=found,
        waits=_waits(found),
        passed=_steps(found),
        has_views=_has_views(),
        words=_words,
        few=FEW,
        names=section_names(),
        chosen=section,
        asked={"section": section} if section else {},
        may_choose=scope().may(Permission.COORDINATE),
    )


@blueprint.get("/<any(providers, waits, sources):table>.svg")
@needs(Permission.SEE_COUNTS)
def chart(slug: str, table: str) -> Response:
    """Return a table of the page as a chart."""
    found = _funnel(slug)
    if table == "waits":
        labels, series = [words for words, _ in _waits(found)], [("", [number for _, number in _waits(found)])]
    else:
        rows = _rows(found, table)[:_MOST_BARS]
        labels = [_words(one.value) for one in rows]
        series = [
            (gettext("Signed"), [one.signed for one in rows]),
            (gettext("Confirmed"), [one.confirmed for one in rows]),
        ]
    return Response(bar_chart(labels, series, runtime().settings.theme), headers=PICTURE)


@blueprint.get("/<any(stages, providers, waits, sources):table>.<any(csv, xlsx):kind>")
@needs(Permission.SEE_COUNTS)
def take_away(slug: str, table: str, kind: str) -> Response:
    """Return a table of the page as a file."""
    found, name = _funnel(slug), f"{slug}-{table}-{runtime().clock():%Y-%m-%d}"
    if table == "waits":
        return spreadsheet.answer(
            kind, name, ["step", "quantity"], [[step, number or None] for step, number in found.waits.items()]
        )
    if table == "stages":
        return spreadsheet.answer(
            kind,
            name,
            ["step", "quantity", "last_7_days"],
            [[step, *_cells(step, numbers)] for step, _, *numbers in _steps(found)],
        )
    head = [table.removesuffix("s"), "signed", "confirmed", "signed_last_7_days", "confirmed_last_7_days"]
    rows: list[list[spreadsheet.Cell]] = [
        [one.value, one.signed, one.confirmed or None, one.recent_signed, one.recent_confirmed or None]
        for one in _rows(found, table)
    ]
    if table == "sources" and _has_views():
        head[1:1] = ["viewed"]
        head.append("viewed_last_7_days")
        rows = [[row[0], one.viewed, *row[1:], one.recent_viewed] for row, one in zip(rows, found.sources, strict=True)]
    return spreadsheet.answer(kind, name, head, rows)


def _funnel(slug: str) -> Funnel:
    appeal, now = published_appeal(slug), runtime().clock()
    return told(funnel(appeal.id, scope(), section=_section(), now=now, has_views=_has_views()))


def _has_views() -> bool:
    return runtime().settings.page_views


def _steps(found: Funnel) -> list[tuple[str, str, int, int]]:
    """Return the stages from page view to count: stage, label, number, recent number."""
    whole = found.whole
    steps = [
        (FunnelStage.SIGNED.value, gettext("Signed"), whole.signed, whole.recent_signed),
        ("confirmed", gettext("Confirmed"), whole.confirmed, whole.recent_confirmed),
    ]
    viewed = (FunnelStage.VIEWED.value, gettext("Viewed"), whole.viewed, whole.recent_viewed)
    return [viewed, *steps] if _has_views() else steps


def _rows(found: Funnel, table: str) -> tuple[StageCount, ...]:
    return found.providers if table == "providers" else found.sources


def _cells(step: str, numbers: list[int]) -> list[spreadsheet.Cell]:
    """Return a row of the steps as a file has it; confirmations that are not told are empty."""
    return [number or None if step == "confirmed" else number for number in numbers]


def _section() -> str | None:
    """Return the section in the address; None, for all sections, if it is unknown or missing."""
    asked = request.args.get("section")
    return asked if asked in section_names() else None


def _words(value: str) -> str:
    """Return a provider's name or a source as the page shows it."""
    return gettext("all others") if value in {OTHER_PROVIDERS, OTHER_SOURCES} else value


def _waits(found: Funnel) -> list[tuple[str, int]]:
    words = {
        FunnelStage.WITHIN_5_MINUTES: gettext("within 5 minutes"),
        FunnelStage.WITHIN_HOUR: gettext("within an hour"),
        FunnelStage.WITHIN_DAY: gettext("within a day"),
        FunnelStage.WITHIN_3_DAYS: gettext("within 3 days"),
        FunnelStage.LATER: gettext("later"),
    }
    return [(words[step], number) for step, number in found.waits.items()]
