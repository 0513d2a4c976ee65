"""The counts of one appeal by day, channel, section and evidence, as tables, charts and files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import Counts, DayCounts, SectionCounts
from campaign.queries.counting.staff_counts import (
    CountFilter,
    appeal_summary,
    history,
    hourly_since,
    related_appeals,
    totals,
)
from campaign.queries.sections.section import list_sections
from campaign.web.http.locale import current_locale
from campaign.web.pictures.chart import daily_chart
from campaign.web.pictures.tile_map import map_size, tile_map
from campaign.web.public.site.assets import IMAGE_POLICY
from campaign.web.staff.counting.dashboard import card_values
from campaign.web.staff.handover import spreadsheet
from campaign.web.staff.published_appeal import published_appeal
from campaign.web.staff.sections.section_names import own_section, section_names
from campaign.web.staff.staff.access import needs, scope

blueprint = Blueprint("appeal", __name__, url_prefix="/appeals/<slug>")
# The headers of every chart.
SVG_HEADERS = {"Content-Type": "image/svg+xml; charset=utf-8", "Content-Security-Policy": IMAGE_POLICY}


@blueprint.get("")
@needs(Permission.SEE_COUNTS)
def show(slug: str) -> ResponseReturnValue:
    """Show the appeal's counts."""
    appeal, count_filter = published_appeal(slug), _read_filter()
    summary = appeal_summary(appeal, scope(), time_zone=own_section().time_zone, now=runtime().clock())
    sums, names = totals(appeal.id, count_filter), section_names()
    return render_template(
        "staff/counting/appeal_counts.html",
        **card_values(summary),
        count_filter=count_filter,
        filter_args={key: value for key, value in request.args.items() if value},
        section_names=names,
        channels=[channel.value for channel in Channel if any(key[1] == channel for key in sums)],
        all_channels=[channel.value for channel in Channel],
        evidences=[evidence.value for evidence in Evidence],
        by_channel=_sums_by_channel(sums),
        sections=_rank_sections(sums, names),
        total=sum(sums.values()),
        days=_counts_by_day(appeal, count_filter),
        hourly_since=max(hourly_since(), appeal.opened_at or hourly_since()),
        map_size=map_size(list_sections()),
        related=related_appeals(appeal),
        is_open=appeal.state == AppealState.OPEN,
    )


@blueprint.get("/days.svg")
@needs(Permission.SEE_COUNTS)
def chart(slug: str) -> Response:
    """Return the actions by day as a chart."""
    appeal, count_filter = published_appeal(slug), _read_filter()
    now = runtime().clock()
    drawn = daily_chart(
        _counts_by_day(appeal, count_filter), appeal.opened_at, now, current_locale(), runtime().settings.theme
    )
    return Response(drawn, headers=SVG_HEADERS)


@blueprint.get("/sections.svg")
@needs(Permission.SEE_COUNTS)
def section_map(slug: str) -> Response:
    """Return the sections as a map."""
    appeal, count_filter = published_appeal(slug), replace(_read_filter(), section=None)
    by_channel: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (section, channel, _), quantity in totals(appeal.id, count_filter).items():
        by_channel[section][channel] += quantity
    by_section = {code: SectionCounts(sum(by_kind.values()), dict(by_kind)) for code, by_kind in by_channel.items()}
    counts = Counts(total=0, signatures=0, by_evidence={}, by_channel={}, by_section=by_section)
    return Response(tile_map(list_sections(), counts, runtime().settings.theme, current_locale()), headers=SVG_HEADERS)


@blueprint.get("/<any(days, hours, sections, channels):table>.<any(csv, xlsx):kind>")
@needs(Permission.SEE_COUNTS)
def download(slug: str, table: str, kind: str) -> Response:
    """Return a table of the page as a file."""
    appeal, count_filter = published_appeal(slug), _read_filter()
    name = f"{appeal.slug}-{table}-{runtime().clock():%Y-%m-%d}"
    sums = ("sections", "channels")
    head, rows = (_sum_table if table in sums else _history_table)(appeal, count_filter, table)
    return spreadsheet.file_response(kind, name, head, rows)


def _history_table(
    appeal: AppealView, count_filter: CountFilter, table: str
) -> tuple[list[str], list[list[spreadsheet.Cell]]]:
    """Return the column names and the rows of the counts by day or by hour."""
    lines = history(appeal.id, count_filter, by_day=table == "days")
    names = section_names()
    rows: list[list[spreadsheet.Cell]] = [
        [
            line.at.date().isoformat() if table == "days" else line.at.strftime("%Y-%m-%d %H:%M"),
            line.section,
            names.get(line.section, line.section),
            line.channel,
            line.evidence,
            line.quantity,
        ]
        for line in lines
    ]
    return ["day" if table == "days" else "hour_utc", "section", "name", "channel", "evidence", "quantity"], rows


def _sum_table(
    appeal: AppealView, count_filter: CountFilter, table: str
) -> tuple[list[str], list[list[spreadsheet.Cell]]]:
    """Return the column names and the rows of the counts by channel or by section."""
    sums, names = totals(appeal.id, count_filter), section_names()
    if table == "channels":
        by_channel = _sums_by_channel(sums)
        head = ["channel", *(evidence.value for evidence in Evidence), "total"]
        return head, [
            [channel, *(by_kind.get(evidence, 0) for evidence in Evidence), sum(by_kind.values())]
            for channel, by_kind in by_channel.items()
        ]
    rows: list[list[spreadsheet.Cell]] = [
        [rank, code, name, total, round(share * 100, 2)]
        for rank, code, name, total, share in _rank_sections(sums, names)
    ]
    return ["rank", "section", "name", "total", "share_percent"], rows


def _read_filter() -> CountFilter:
    """Return the filter in the address, without invalid dates and unknown sections and channels."""
    section, channel = request.args.get("section"), request.args.get("channel")
    return CountFilter(
        since=_read_date(request.args.get("since")),
        until=_read_date(request.args.get("until")),
        section=section if section in section_names() else None,
        channel=channel if channel in set(Channel) else None,
    )


def _read_date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _counts_by_day(appeal: AppealView, count_filter: CountFilter) -> tuple[DayCounts, ...]:
    by_day: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in history(appeal.id, count_filter):
        by_day[line.at.date()][line.channel] += line.quantity
    return tuple(DayCounts(day, dict(by_kind)) for day, by_kind in sorted(by_day.items()))


def _sums_by_channel(sums: dict[tuple[str, str, str], int]) -> dict[str, dict[str, int]]:
    """Return the sums by channel and evidence, in the order of the channels."""
    by_channel: dict[str, dict[str, int]] = {}
    for channel in Channel:
        by_kind: dict[str, int] = defaultdict(int)
        for (_, way, evidence), quantity in sums.items():
            if way == channel:
                by_kind[evidence] += quantity
        if by_kind:
            by_channel[channel.value] = dict(by_kind)
    return by_channel


def _rank_sections(
    sums: dict[tuple[str, str, str], int], names: dict[str, str]
) -> list[tuple[int, str, str, int, float]]:
    """Return rank, code, name, total and share from 0 to 1 of each section; equal totals share a rank."""
    by_section: dict[str, int] = defaultdict(int)
    for (section, _, _), quantity in sums.items():
        by_section[section] += quantity
    whole = sum(by_section.values()) or 1
    ordered = sorted(by_section.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        (1 + sum(other > total for _, other in ordered), code, names.get(code, code), total, total / whole)
        for code, total in ordered
    ]
