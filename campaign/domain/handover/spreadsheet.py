"""Escaping of cells, so that no spreadsheet program evaluates them as a formula, and reading them back exactly."""

from __future__ import annotations

import re

# Characters that begin a formula in spreadsheet programs, or are skipped before one (OWASP, CSV injection). Japanese
# and Chinese editions read the full-width forms as their narrow ones.
_FORMULA = r"=+\-@\t\r\n＝＋－＠"
# Every place where a program may see the start of a cell. European editions split at semicolons, even if the file uses
# commas; quotes then do not protect a cell, and each tab, semicolon or line end within it starts another one.
_CELL_START = r"(?:\A|(?<=[;\t\r\n]))"
_UNESCAPED = re.compile(f"{_CELL_START}(?=[{_FORMULA}'])")
_ESCAPED = re.compile(f"{_CELL_START}'")


def escape_cell(text: str) -> str:
    """Return the text with an apostrophe added before each formula or apostrophe at the start of a cell.

    Every apostrophe at the start of a cell was therefore added here, and `unescape_cell` removes exactly those.
    """
    return _UNESCAPED.sub("'", text)


def unescape_cell(cell: str) -> str:
    """Return the text from which `escape_cell` made the cell."""
    return _ESCAPED.sub("", cell)
