"""Error messages for the input of staff, by field and error code; some codes have one message for all fields."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

_FAULTS: dict[str | tuple[str, str], Any] = {
    "missing": lazy_gettext("This must not be empty."),
    "too-long": lazy_gettext("This is too long. Please shorten it."),
    "too-many": lazy_gettext("These are too many."),
    "unreadable": lazy_gettext("We could not read this. Please type it again."),
    "unknown": lazy_gettext("Please choose from the list."),
    ("name", "missing"): lazy_gettext("Please write a role or a name, in one language at least."),
    ("name", "no-name"): lazy_gettext("This must not be empty."),
    ("emails", "not-an-address"): lazy_gettext("One of these is no e-mail address. Please write one a line."),
    ("faxes", "no-number"): lazy_gettext("One of these is no number. Please write one a line, such as +33 1 23 45 67."),
    ("phones", "no-number"): lazy_gettext(
        "One of these is no number. Please write one a line, such as +33 1 23 45 67."
    ),
    ("social", "no-account"): lazy_gettext("Please write one account a line, such as: twitter: @example"),
    ("slug", "not-a-slug"): lazy_gettext(
        "Use the letters a to z, digits, and single hyphens between them; at most 80 characters."
    ),
    ("slug", "taken"): lazy_gettext("Another appeal has this name already."),
    ("code", "no-code"): lazy_gettext("This is no code: two small letters, and perhaps a hyphen and the language."),
    ("code", "taken"): lazy_gettext("There is a section of this code already."),
    ("countries", "claimed"): lazy_gettext("Another section takes these already for readers of the same language."),
    ("contact", "not-an-address"): lazy_gettext(
        "This does not look like an e-mail address. It needs an @ and a domain."
    ),
    ("reply_to", "not-an-address"): lazy_gettext(
        "This does not look like an e-mail address. It needs an @ and a domain."
    ),
    ("time_zone", "no-zone"): lazy_gettext("There is no such time zone. Please choose from the list."),
    ("tile", "no-tile"): lazy_gettext("Please write both numbers, from 0 to 40, or neither."),
    ("tile", "taken"): lazy_gettext("Another section stands there already."),
    ("position", "no-number"): lazy_gettext("Please write a whole number, in digits only."),
    ("goal", "no-number"): lazy_gettext("Please write a whole number, in digits only."),
    ("goal", "out-of-range"): lazy_gettext("The goal must be 1 at least, and not more than 100 million."),
    ("deadline", "no-date"): lazy_gettext("This is no date."),
    ("deadline", "past"): lazy_gettext("This day has passed. To end the appeal, close it instead."),
    ("deadline", "too-far"): lazy_gettext("This day is more than ten years away."),
    ("deadline", "missing"): lazy_gettext("An open appeal needs a last day."),
    ("until", "too-early"): lazy_gettext("Please choose a day that is still to come and after the deadline."),
    ("until", "no-date"): lazy_gettext("Please choose a day."),
    ("follows", "circle"): lazy_gettext("That appeal follows this one: they cannot follow each other."),
    ("doubt", "not-ticked"): lazy_gettext("Tick each doubt about this target first."),
    ("lines", "missing"): lazy_gettext("Choose at least one line."),
    ("to", "missing"): lazy_gettext("Choose a field."),
    ("to", "no-contact"): lazy_gettext("This line has no such address or number. Move it to another field, or edit the "
                                       "target."),
    ("document", "missing"): lazy_gettext("Please choose a file, or paste its text."),
    ("document", "empty"): lazy_gettext("This file is empty."),
    ("document", "too-large"): lazy_gettext(
        "This file is too large (2 MB at most), or small and yet endless to read. Please choose its text instead."
    ),
    ("document", "not-supported"): lazy_gettext(
        "This kind of file cannot be read. Please save it as DOCX, PDF or plain text, or paste its text."
    ),
    ("document", "unreadable"): lazy_gettext("This file is damaged or cut off. Please save it anew."),
    ("document", "encrypted"): lazy_gettext("This file needs a password. Please save it without one."),
    ("document", "no-text"): lazy_gettext("This document holds pictures of pages and no text. "
                                          "Please find the original."),
    ("document", "no-urgent-action"): lazy_gettext("This document reads well, but it asks nobody to act: is it an "
                                                   "Urgent Action?"),
    ("document", "several-urgent-actions"): lazy_gettext("This document holds several Urgent Actions. Please give each "
                                                         "a file of its own."),
    ("document", "ended"): lazy_gettext("This appeal has ended: it takes no more documents."),
}  # fmt: skip


def error_text(field: str, code: str) -> Any:
    """Return the error message of a field for the error code."""
    return _FAULTS.get((field, code)) or _FAULTS[code]


def error_texts(codes: dict[str, str]) -> dict[str, Any]:
    """Return the error message of each field, from the error codes by field."""
    return {field: error_text(field, code) for field, code in codes.items()}
