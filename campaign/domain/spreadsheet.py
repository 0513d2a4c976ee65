"""Cells that no spreadsheet program takes for a formula, and that can be read back exactly."""

from __future__ import annotations

# What spreadsheet programs take for the beginning of a formula, or skip before one (OWASP, CSV injection); the
# full-width forms are read as their narrow ones in Japanese and Chinese editions.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARK = "'"


def harmless(text: str) -> str:
    """The text as a cell: what would be computed gets an apostrophe before it, and so does what begins with one.

    So an apostrophe at the beginning always is one that was put there, and `plain` takes exactly it away.
    """
    return _MARK + text if text.startswith((*_FORMULA, _MARK)) else text


def plain(cell: str) -> str:
    """What `harmless` was given."""
    return cell.removeprefix(_MARK)
