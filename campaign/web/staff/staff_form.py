"""The base of all staff forms, and reading a number that a form or an address contains."""

from __future__ import annotations

from flask_wtf import FlaskForm


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Base class of all staff forms: adds the CSRF token."""


def read_number(text: str) -> int | None:
    """Return the id or revision in the text; None if the text is not a whole number of at most 17 digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
