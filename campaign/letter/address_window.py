"""The place of the address on the sheet, so that it is visible in the window of a country's usual envelopes.

Lengths are in millimetres from the left and top edge of the sheet. Each area is the part that stays visible wherever
the sheet slips in its envelope, less a small margin.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetArea:
    """A rectangle on the sheet."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """A sheet: its size, its window, its folds, and the place of the date line.

    `spare` is the height above the window's area that a long address may use.
    """

    code: str
    width: float
    height: float
    window: SheetArea
    body: float
    folds: tuple[float, ...]
    spare: float = 0


# DIN 5008:2020, form B: the address zone is 85 × 45 mm, 20 mm from the left and 45 mm from the top; its lower 27.3 mm
# (six lines from 62.7 mm on) hold the address, in line with the letter's text at 25 mm. Window of DIN 680: 90 × 45 mm.
DIN = SheetLayout("din", 210, 297, SheetArea(25, 62.7, 78, 27), 98.5, (105, 210), spare=16)
# Swiss envelope C5/6 (229 × 114 mm) with its window on the right: 100 × 45 mm, 12 mm from the right, 20 mm from below.
# The sheet slips 19 mm sideways and 9 mm in height. SN 010130 lets the address stand on this side.
SWISS = SheetLayout("swiss", 210, 297, SheetArea(118, 50, 78, 28), 98.5, (105, 210))
# US #10 (9½ × 4⅛ in) with its window 7/8 in from the left and ½ in from below, 4½ × 1⅛ in; a sheet folded in three
# rests on the envelope's lower edge. USPS asks for 1/8 in of air around the address (DMM 202, 5.0).
US = SheetLayout("us", 215.9, 279.4, SheetArea(25.4, 55.2, 83, 22), 98.5, (93.1, 186.2))

# Countries with Letter paper (CLDR, territories whose paper size is US-Letter), and those with windows on the right.
_LETTER_PAPER = frozenset(["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"])
_RIGHT_WINDOW = frozenset(["CH", "LI"])


def layout_for(country: str | None) -> SheetLayout:
    """Return the layout for a sender in that country (ISO 3166-1 alpha-2): DIN unless another is usual there."""
    if country in _LETTER_PAPER:
        return US
    return SWISS if country in _RIGHT_WINDOW else DIN
