"""The base of all staff forms: with Flask-WTF's CSRF token, without which no input is accepted."""

from __future__ import annotations

from flask_wtf import FlaskForm


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Base class of all staff forms: adds the CSRF token."""
