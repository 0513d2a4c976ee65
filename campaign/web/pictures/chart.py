"""Charts as SVG pictures without scripts, legible on light and dark pages and on paper."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pygal
from babel.dates import format_skeleton
from flask_babel import gettext
from pygal.style import Style

from campaign.queries.counting.counts import DayCounts
from campaign.theme import Theme

_MAX_DAYS = 400
_LABEL_COLOUR = "#807a6e"


def daily_chart(
    days: tuple[DayCounts, ...], opened_at: datetime | None, now: datetime, locale: str, theme: Theme
) -> bytes:
    """Return a bar chart of all actions by day (UTC) as SVG.

    It shows each day from the opening or the first action to today, but at most the last 400 days.
    """
    totals = {day.day: day.total for day in days}
    first_day = min([*totals, opened_at.date() if opened_at else now.date()])
    first_day = max(first_day, now.date() - timedelta(days=_MAX_DAYS))
    shown_days = _days_between(first_day, max([now.date(), *totals]))
    chart = pygal.Bar(
        style=_style(theme),
        js=[],
        width=1000,
        height=320,
        margin=8,
        show_legend=False,
        show_minor_y_labels=False,
        show_minor_x_labels=False,
        y_labels_major_count=4,
        x_labels_major_count=6,
        truncate_label=-1,
        range=(0, max([4, *totals.values()])),
        formatter=lambda value: f"{value:.0f}",
        no_data_text=gettext("Nothing yet."),
        disable_xml_declaration=False,
        pretty_print=False,
    )
    chart.x_labels = [format_skeleton("MMMd", day, locale=locale) for day in shown_days]
    chart.add("", [totals.get(day, 0) for day in shown_days])
    rendered: bytes = chart.render()
    return rendered


def bar_chart(labels: list[str], series: list[tuple[str, list[int]]], theme: Theme) -> bytes:
    """Return a bar chart as SVG: for each label one bar of each series, side by side.

    Several series, each a name and its numbers, get a legend with their names.
    """
    style = _style(theme)
    style.colors = (_LABEL_COLOUR, "#b08a2e", theme.light["signal"]) if len(series) > 1 else style.colors
    chart = pygal.Bar(
        style=style,
        js=[],
        width=1000,
        height=320,
        margin=8,
        show_legend=len(series) > 1,
        legend_at_bottom=True,
        legend_at_bottom_columns=3,
        show_minor_y_labels=False,
        y_labels_major_count=4,
        x_label_rotation=-25 if len(labels) > 6 else 0,
        truncate_label=24,
        range=(0, max([4, *(number for _, numbers in series for number in numbers)])),
        formatter=lambda value: f"{value:.0f}",
        no_data_text=gettext("Nothing yet."),
        disable_xml_declaration=False,
        pretty_print=False,
    )
    chart.x_labels = labels
    for name, numbers in series:
        chart.add(name, numbers)
    rendered: bytes = chart.render()
    return rendered


def _style(theme: Theme) -> Style:
    """Return the style, whose medium tones are legible on light and dark pages."""
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=_LABEL_COLOUR,
        foreground_strong=_LABEL_COLOUR,
        foreground_subtle="#88888855",
        guide_stroke_dasharray="0",
        major_guide_stroke_dasharray="0",
        colors=(theme.light["signal"],),
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
    )


def _days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
