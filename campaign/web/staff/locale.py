"""The language of the staff pages: the account's language; before the log-in, the browser's; and names of languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from babel import Locale
from flask import Flask, g, has_request_context, request
from flask_babel import Babel

from campaign.config import LOCALES
from campaign.domain.typed_text import is_language
from campaign.mail.messages.role_names import ROLE_NAMES
from campaign.web.http.locale import DEFAULT_LOCALE, current_locale, template_context


def init_app(app: Flask, babel: Babel) -> None:
    """Choose the language of a request before its view runs, and pass it to the templates."""
    babel.init_app(app, locale_selector=select_locale)

    @app.before_request
    def _choose() -> None:
        # For views that name countries and sections before anything is translated.
        select_locale()

    @app.context_processor
    def _template_values() -> dict[str, Any]:
        return {**template_context(select_locale()), "role_names": ROLE_NAMES, "me": g.get("_login_user")}


def select_locale() -> str:
    """Return the language of the current request."""
    if "locale" not in g:
        # Use only an account that the access check has loaded: the error page must not query an unreachable database.
        staff = g.get("_login_user")
        if staff is not None and staff.is_authenticated:
            g.locale = staff.locale
        elif has_request_context():
            g.locale = request.accept_languages.best_match(LOCALES) or DEFAULT_LOCALE
    return current_locale()


@lru_cache(maxsize=16)
def text_languages(locale: str) -> tuple[tuple[str, str], ...]:
    """Return code and name, in the language `locale`, of every language that an appeal's text may have, by name."""
    named = [(code, str(name)) for code, name in Locale(locale).languages.items() if is_language(code)]
    return tuple(sorted(named, key=lambda pair: pair[1].casefold()))
