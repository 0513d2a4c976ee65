"""Escaping of cells, so that no spreadsheet program evaluates them as a formula, and reading them back exactly."""

from __future__ import annotations

import re

# Characters that begin a formula in spreadsheet programs, or are skipped before one (OWASP, CSV injection). Japanese
# and Chinese editions read the full-width forms as their narrow ones.
_FORMULA = r"=+\-@\t\r\n＝＋－＠"
# The start of a cell. In half of Europe the semicolon separates cells, whatever the file declares; then a quote in the
# middle of a line has no meaning, and a tab, a semicolon or a line's end within a cell starts another one.
_BEGIN = r"(?:\A|(?<=[;\t\r\n]))"
_COMPUTED = re.compile(f"{_BEGIN}(?=[{_FORMULA}'])")
_MARKED = re.compile(f"{_BEGIN}'")


def escape_cell(text: str) -> str:
    """Return the text as a cell: an apostrophe precedes a formula, and also an apostrophe at the start of a cell.

    So an apostrophe at the start of a cell is always one that was added, and `unescape_cell` removes exactly that.
    """
    return _COMPUTED.sub("'", text)


def unescape_cell(cell: str) -> str:
    """Return the text that `escape_cell` was given."""
    return _MARKED.sub("", cell)
