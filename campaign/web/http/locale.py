"""The page's language, which is part of its address. It is never in a cookie, and only `/` reads Accept-Language."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from babel import Locale, negotiate_locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from flask import Flask, g, request, url_for
from flask_babel import Babel, gettext
from markupsafe import Markup

from campaign.config import LOCALES
from campaign.document.text.markup import to_html
from campaign.domain import country
from campaign.domain.counting.channel import Channel
from campaign.platform.runtime import runtime

DEFAULT_LOCALE = "en"
LOCALE_PREFIX = f"/<any({', '.join(LOCALES)}):locale>"


def current_locale() -> str:
    """Return the locale of the current request."""
    locale: str = g.get("locale", DEFAULT_LOCALE)
    return locale


def preferred_locale(*languages: str, default: str = DEFAULT_LOCALE) -> str:
    """Return the locale that fits the given languages best, then the browser's languages; else `default`."""
    candidates = [language.replace("-", "_") for language in (*languages, *request.accept_languages.values())]
    return negotiate_locale(candidates, LOCALES) or default


def init_app(app: Flask, babel: Babel) -> None:
    """Remove the locale from the routes' arguments and give it to Babel and the templates."""
    babel.init_app(app, locale_selector=current_locale)

    @app.url_value_preprocessor
    def _pull_locale(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values and "locale" in values:
            g.locale = values.pop("locale")
        else:
            first = request.path.partition("/")[2].partition("/")[0]
            if first in LOCALES:
                g.locale = first

    @app.url_defaults
    def _add_locale(endpoint: str, values: dict[str, Any]) -> None:
        if "locale" not in values and app.url_map.is_endpoint_expecting(endpoint, "locale"):
            values["locale"] = current_locale()

    @app.context_processor
    def _template_values() -> dict[str, Any]:
        return {**template_context(current_locale()), "same_page": same_page, "absolute_url": absolute_url}


def template_context(locale: str) -> dict[str, Any]:
    """Return the functions and values that every template gets, for the given locale."""
    return {
        "locale": locale,
        "locales": [(code, Locale(code).get_language_name(code) or code) for code in LOCALES],
        "direction": Locale(locale).text_direction,
        "comma": "، " if locale == "ar" else ", ",
        "number": number,
        "percent": lambda value: format_percent(value / 100, locale=locale),
        "long_date": lambda value: format_date(value, "long", locale=locale),
        "short_date": short_date,
        "country_name": lambda code: country.country_name(code, locale),
        "names_of_countries": lambda codes: format_list(
            [country.country_name(code, locale) for code in codes], "or", locale
        ),
        "language_name": lambda code: country.language_name(code, locale),
        "markdown": lambda text: Markup(to_html(text)),  # noqa: S704  passed the allow-list
        "bind_punctuation": bind_punctuation,
        # The channel's label in tables of counts, and the label for the supporter who acts.
        "channel_name": lambda channel: gettext(Channel(channel).rules.counted),
        "act_name": lambda channel: gettext(Channel(channel).rules.done),
        "direction_of": lambda language: Locale(language).text_direction,
    }


# French sets a space before these signs and inside its quotation marks. A line must not break there.
_FRENCH_SPACE = re.compile(r"(?<=«) (?=\S)| (?=[;:!?»%])")


def bind_punctuation(text: str, language: str) -> str:
    """Return the text with non-breaking spaces where its language sets a space before punctuation."""
    if language != "fr":
        return text
    bound_text = _FRENCH_SPACE.sub("\u00a0", text)
    return Markup(bound_text) if isinstance(text, Markup) else bound_text  # noqa: S704  it was safe before, and only spaces changed


def number(value: int) -> str:
    """Return the number as the page's language writes it (CLDR)."""
    return format_decimal(value, locale=current_locale())


def short_date(day: date | None) -> str:
    """Return the date as the page's language writes it (CLDR)."""
    return format_date(day, "medium", locale=current_locale())


def absolute_url(path: str) -> str:
    """Return the absolute address of a path of this site.

    The host is that of the settings: pages are cached, so a Host header that one client chose must not be in them.
    """
    return runtime().settings.base_url + path


def same_page(locale: str) -> str:
    """Return the address of the current page in another language; the list if the page has no language."""
    endpoint, values = request.endpoint, request.view_args
    if endpoint is None or values is None or not request.path.startswith(f"/{current_locale()}/"):
        return url_for("pages.index", locale=locale)
    return url_for(endpoint, **{**values, "locale": locale})
