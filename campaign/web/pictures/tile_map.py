"""A map of the sections as tiles, placed roughly by geography: an SVG without scripts, with colours for dark mode."""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.sax.saxutils import escape

from babel.numbers import format_compact_decimal

from campaign.domain.sections.section import INTERNATIONAL
from campaign.queries.counting.counts import Counts
from campaign.queries.sections.section import SectionView
from campaign.theme import Theme

_SIDE, _GAP, _SHADES = 60, 4, 4  # pixels, pixels, shades
_STYLE = (
    "text{{font:600 15px system-ui,sans-serif;text-anchor:middle;fill:{soft}}}.n{{font-weight:800;font-size:17px}}"
    "rect{{fill:{line};fill-opacity:.45}}.l1 rect{{fill:{signal};fill-opacity:.18}}"
    ".l2 rect{{fill:{signal};fill-opacity:.34}}.l1 text,.l2 text{{fill:{ink}}}"
    ".l3 rect{{fill:{signal};fill-opacity:.9}}.l4 rect{{fill:{signal};fill-opacity:1}}"
    ".l3 text,.l4 text{{fill:{on_signal}}}"
)


def tile_map(sections: Iterable[SectionView], counts: Counts, theme: Theme, locale: str) -> bytes:
    """Return the map as SVG: a tile for each section with its code and number of actions.

    The shades grow with the logarithm of the number, up to the greatest one.
    """
    places = [(section, section.tile) for section in sections if section.tile is not None]
    width, height = map_size(section for section, _ in places)
    greatest_total = max((section_counts.total for section_counts in counts.by_section.values()), default=0)
    tiles = []
    for section, (column, row) in places:
        section_counts = counts.by_section.get(section.code)
        total = section_counts.total if section_counts else 0
        tiles.append(_tile(section.code, total, _shade(total, greatest_total), column, row, locale))
    style = _STYLE.format(**theme.light)
    dark = _STYLE.format(**theme.dark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{style}@media(prefers-color-scheme:dark){{{dark}}}</style>{''.join(tiles)}</svg>"
    ).encode()


def map_size(sections: Iterable[SectionView]) -> tuple[int, int]:
    """Return width and height of the map in pixels, with which the page reserves its space."""
    tiles = [section.tile for section in sections if section.tile is not None]
    columns = max((column for column, _ in tiles), default=0) + 1
    rows = max((row for _, row in tiles), default=0) + 1
    return columns * _SIDE + _GAP, rows * _SIDE + _GAP


def _shade(total: int, greatest_total: int) -> int:
    """Return the shade of a tile: 0 without actions, else 1 to 4."""
    if total <= 0:
        return 0
    return max(1, math.ceil(_SHADES * math.log1p(total) / math.log1p(greatest_total)))


def _tile(code: str, total: int, shade: int, column: int, row: int, locale: str) -> str:
    """Return one tile as SVG, with the section's code and, unless it is 0, its number of actions."""
    x, y = column * _SIDE + _GAP, row * _SIDE + _GAP
    side = _SIDE - _GAP
    middle = x + side / 2
    number = format_compact_decimal(total, locale=locale, fraction_digits=0)
    label = "…" if code == INTERNATIONAL else code.upper()
    text = f'<text class="n" x="{middle}" y="{y + 45}">{escape(number)}</text>' if total else ""
    return (
        f'<g class="l{shade}"><rect x="{x}" y="{y}" width="{side}" height="{side}" rx="3"/>'
        f'<text x="{middle}" y="{y + (24 if total else 34)}">{escape(label)}</text>{text}</g>'
    )
