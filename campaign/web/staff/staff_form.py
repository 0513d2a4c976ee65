"""A form of the staff room: it carries Flask-WTF's token, without which nothing is taken."""

from __future__ import annotations

from flask_wtf import FlaskForm


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What all forms of ours there are."""
