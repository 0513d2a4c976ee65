"""The language of the staff pages: the account's; before the log-in, the browser's."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, has_request_context, request
from flask_babel import Babel

from campaign.config import LOCALES
from campaign.mail.messages.role_names import ROLE_NAMES
from campaign.web.http.locale import DEFAULT_LOCALE, current_locale, template_context


def init_app(app: Flask, babel: Babel) -> None:
    """Choose the language before any text is made."""
    babel.init_app(app, locale_selector=select_locale)

    @app.before_request
    def _choose() -> None:
        # For views that name countries and sections before anything is translated.
        select_locale()

    @app.context_processor
    def _words() -> dict[str, Any]:
        return {**template_context(select_locale()), "role_names": ROLE_NAMES, "me": g.get("_login_user")}


def select_locale() -> str:
    """Return the language of the current request."""
    if "locale" not in g:
        # Only what the guard has loaded: a page that says the database is away must not ask it.
        staff = g.get("_login_user")
        if staff is not None and staff.is_authenticated:
            g.locale = staff.locale
        elif has_request_context():
            g.locale = request.accept_languages.best_match(LOCALES) or DEFAULT_LOCALE
    return current_locale()
