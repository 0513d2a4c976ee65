"""The funnel of signing: viewed, signed and confirmed by mail provider and source, and how long confirming takes.

Page views are the first stage if they are counted (TOCSIN_PAGE_VIEWS).
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from campaign.domain.counting.funnel import OTHER_PROVIDERS, OTHER_SOURCES, FunnelStage
from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.counting.funnel import Funnel, FunnelRow, funnel, rounded_funnel
from campaign.web.http.locale import current_locale
from campaign.web.pictures.chart import bar_chart
from campaign.web.staff.counting.appeal_counts import SVG_HEADERS
from campaign.web.staff.handover import spreadsheet
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import section_names
from campaign.web.staff.staff.access import needs, scope

blueprint = Blueprint("funnel", __name__, url_prefix="/appeals/<slug>/funnel")
_MAX_BARS = 15


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Show the funnel."""
    appeal = published_appeal(slug)
    section, counts = _chosen_section(), _load_funnel(slug)
    return render_template(
        "staff/counting/funnel.html",
        appeal=appeal,
        text=appeal.text_in(current_locale()),
        counts=counts,
        waits=_waits(counts),
        stages=_stages(counts),
        has_views=_has_views(),
        source_name=_source_name,
        few=SMALLEST_SHOWN,
        section_names=section_names(),
        chosen_section=section,
        filter_args={"section": section} if section else {},
        may_choose=scope().may(Permission.COORDINATE),
    )


@blueprint.get("/<any(providers, waits, sources):table>.svg")
@needs(Permission.SEE_COUNTS)
def chart(slug: str, table: str) -> Response:
    """Return a table of the page as a chart."""
    counts = _load_funnel(slug)
    if table == "waits":
        labels, series = [words for words, _ in _waits(counts)], [("", [number for _, number in _waits(counts)])]
    else:
        rows = _stage_counts(counts, table)[:_MAX_BARS]
        labels = [_source_name(row.value) for row in rows]
        series = [
            (gettext("Signed"), [row.signed for row in rows]),
            (gettext("Confirmed"), [row.confirmed for row in rows]),
        ]
    return Response(bar_chart(labels, series, runtime().settings.theme), headers=SVG_HEADERS)


@blueprint.get("/<any(stages, providers, waits, sources):table>.<any(csv, xlsx):kind>")
@needs(Permission.SEE_COUNTS)
def download(slug: str, table: str, kind: str) -> Response:
    """Return a table of the page as a file."""
    counts, name = _load_funnel(slug), f"{slug}-{table}-{runtime().clock():%Y-%m-%d}"
    if table == "waits":
        return spreadsheet.file_response(
            kind, name, ["step", "quantity"], [[step, number or None] for step, number in counts.waits.items()]
        )
    if table == "stages":
        return spreadsheet.file_response(
            kind,
            name,
            ["step", "quantity", "last_7_days"],
            [[step, *_stage_cells(step, numbers)] for step, _, *numbers in _stages(counts)],
        )
    head = [table.removesuffix("s"), "signed", "confirmed", "signed_last_7_days", "confirmed_last_7_days"]
    rows: list[list[spreadsheet.Cell]] = [
        [row.value, row.signed, row.confirmed or None, row.recent_signed, row.recent_confirmed or None]
        for row in _stage_counts(counts, table)
    ]
    if table == "sources" and _has_views():
        head[1:1] = ["viewed"]
        head.append("viewed_last_7_days")
        rows = [
            [cells[0], source.viewed, *cells[1:], source.recent_viewed]
            for cells, source in zip(rows, counts.sources, strict=True)
        ]
    return spreadsheet.file_response(kind, name, head, rows)


def _load_funnel(slug: str) -> Funnel:
    appeal, now = published_appeal(slug), runtime().clock()
    return rounded_funnel(funnel(appeal.id, scope(), section=_chosen_section(), now=now, has_views=_has_views()))


def _has_views() -> bool:
    return runtime().settings.page_views


def _stages(counts: Funnel) -> list[tuple[str, str, int, int]]:
    """Return the stages in order, each with its name, label, number and number of the last 7 days."""
    total = counts.total
    stages = [
        (FunnelStage.SIGNED.value, gettext("Signed"), total.signed, total.recent_signed),
        ("confirmed", gettext("Confirmed"), total.confirmed, total.recent_confirmed),
    ]
    viewed = (FunnelStage.VIEWED.value, gettext("Viewed"), total.viewed, total.recent_viewed)
    return [viewed, *stages] if _has_views() else stages


def _stage_counts(counts: Funnel, table: str) -> tuple[FunnelRow, ...]:
    return counts.providers if table == "providers" else counts.sources


def _stage_cells(stage: str, numbers: list[int]) -> list[spreadsheet.Cell]:
    """Return the numbers of a stage for a file; a suppressed number of confirmations is an empty cell."""
    return [number or None if stage == "confirmed" else number for number in numbers]


def _chosen_section() -> str | None:
    """Return the section in the address; None, which stands for all sections, if it is unknown or missing."""
    code = request.args.get("section")
    return code if code in section_names() else None


def _source_name(value: str) -> str:
    """Return the label of a provider or source."""
    return gettext("all others") if value in {OTHER_PROVIDERS, OTHER_SOURCES} else value


def _waits(counts: Funnel) -> list[tuple[str, int]]:
    """Return the times between signing and confirming, each with its label and number."""
    words = {
        FunnelStage.WITHIN_5_MINUTES: gettext("within 5 minutes"),
        FunnelStage.WITHIN_HOUR: gettext("within an hour"),
        FunnelStage.WITHIN_DAY: gettext("within a day"),
        FunnelStage.WITHIN_3_DAYS: gettext("within 3 days"),
        FunnelStage.LATER: gettext("later"),
    }
    return [(words[step], number) for step, number in counts.waits.items()]
