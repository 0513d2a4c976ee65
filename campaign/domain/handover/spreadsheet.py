"""Cells that no spreadsheet program takes for a formula, and that can be read back exactly."""

from __future__ import annotations

import re

# What spreadsheet programs take for the beginning of a formula, or skip before one (OWASP, CSV injection); the
# full-width forms are read as their narrow ones in Japanese and Chinese editions.
_FORMULA = r"=+\-@\t\r\n＝＋－＠"
# Where a cell begins. In half of Europe it is the semicolon that parts cells, whatever the file says; then a quote in
# the middle of a line means nothing, and a tab, a semicolon or a line's end in a cell begins another one.
_BEGIN = r"(?:\A|(?<=[;\t\r\n]))"
_COMPUTED = re.compile(f"{_BEGIN}(?=[{_FORMULA}'])")
_MARKED = re.compile(f"{_BEGIN}'")


def harmless(text: str) -> str:
    """The text as a cell: what would be computed gets an apostrophe before it, and so does an apostrophe there.

    So an apostrophe where a cell may begin always is one that was put there, and `plain` takes exactly it away.
    """
    return _COMPUTED.sub("'", text)


def plain(cell: str) -> str:
    """What `harmless` was given."""
    return _MARKED.sub("", cell)
