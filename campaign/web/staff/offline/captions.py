"""Error messages and column names of the pages for bulk entries and paper sheets."""

from __future__ import annotations

from flask_babel import lazy_gettext

from campaign.domain.offline.paper_sheet import CellError
from campaign.web.forms import INPUT_ERRORS

FAULTS = {
    ("quantity", "missing"): lazy_gettext("How many were there?"),
    ("quantity", "not-a-number"): lazy_gettext("Please write a whole number, without a point or comma."),
    ("quantity", "too-small"): lazy_gettext("At least one. To take something back, undo its entry below."),
    ("quantity", "too-large"): lazy_gettext("More than a million in one entry cannot be right."),
    ("channel", "unknown"): lazy_gettext("Please choose what was done."),
    ("day", "missing"): lazy_gettext("On which day was it?"),
    ("day", "not-a-date"): lazy_gettext("This is no day of the calendar. Please write it as year-month-day."),
    ("day", "future"): lazy_gettext("This day is yet to come."),
    ("day", "too-early"): lazy_gettext("The appeal was not open yet on that day."),
    ("day", "too-late"): lazy_gettext("The appeal had been stopped by that day."),
    ("place", "too-long"): lazy_gettext("This place is too long: 200 characters at most."),
    ("country", "unknown"): lazy_gettext("Please choose a country of the list."),
    ("language", "unknown"): lazy_gettext("Please choose a language of the list."),
    ("note", "too-long"): lazy_gettext("This note is too long: 1000 characters at most."),
}


COLUMN_NAMES = {
    "name": lazy_gettext("Name"),
    "email": lazy_gettext("E-mail"),
    "country": lazy_gettext("Country"),
    "consent": lazy_gettext("May be mailed"),
    "row": lazy_gettext("Whole line"),
}
# Errors of a whole file; `detail` is a line or a column, `most` the largest number of rows.
FILE_FAULTS = {
    "empty": lazy_gettext("There is no row in it."),
    "too-large": lazy_gettext("This file is too large: one megabyte at most. Please send it in parts."),
    "too-many-rows": lazy_gettext("Too many rows: %(most)s at most. Please send it in parts."),
    "spreadsheet": lazy_gettext("This is a spreadsheet program’s own file. Please save it as CSV and send that."),
    "binary": lazy_gettext("This is no text file. Please save the table as CSV and send that."),
    "not-utf8": lazy_gettext("This file is not in UTF-8 (line %(detail)s). Please save it as “CSV UTF-8”."),
    "columns": lazy_gettext(
        "The first line must name the columns: name (or first name and last name), email, country and consent, each "
        "once. Please look at “%(detail)s”."
    ),
    "half-name": lazy_gettext(
        "A part of the name would be left out. Please look at “%(detail)s”: call the columns first name and last name, "
        "or write the whole name in one column called name."
    ),
    "address-column": lazy_gettext("There are e-mail addresses below “%(detail)s”. Please call this column email."),
    "quotes": lazy_gettext("The quotation marks do not close (line %(detail)s)."),
}
_ROW_FAULTS = {
    "formula": lazy_gettext("This looks like a formula. Please write plain text."),
    "too-long": lazy_gettext("This is too long."),
    "repeated": lazy_gettext("The same address stands in line %(detail)s."),
    "likely": lazy_gettext("Could it be %(detail)s?"),
    "ending": lazy_gettext("No address ends in “.%(detail)s”. Is it right?"),
    "international": lazy_gettext("Many mail servers cannot carry letters such as é or я before the @. Is it right?"),
    "cells": lazy_gettext("This line has more cells than the first one."),
}
_UNKNOWN = {
    "country": lazy_gettext("There is no country of this name. Please write its name or its two letters."),
    "consent": lazy_gettext("Please write y or n."),
}


def row_fault(fault: CellError) -> str:
    """Return the error message of a cell in the reader's language."""
    if fault.code in _ROW_FAULTS:
        return str(_ROW_FAULTS[fault.code]) % {"detail": fault.detail}
    if fault.code == "unknown":
        return str(_UNKNOWN[fault.column])
    return str(INPUT_ERRORS[fault.column, fault.code])
