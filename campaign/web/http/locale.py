"""The page's language: it stands in the address, never in a cookie; only `/` looks at Accept-Language."""

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

DEFAULT = "en"
PREFIX = f"/<any({', '.join(LOCALES)}):locale>"


def current_locale() -> str:
    """The locale of the request at hand."""
    locale: str = g.get("locale", DEFAULT)
    return locale


def preferred_locale(*asked: str, otherwise: str = DEFAULT) -> str:
    """Return the locale that fits best what is asked for, then what the browser asks for; else `otherwise`."""
    wanted = [language.replace("-", "_") for language in (*asked, *request.accept_languages.values())]
    return negotiate_locale(wanted, LOCALES) or otherwise


def init_app(app: Flask, babel: Babel) -> None:
    """Takes the locale out of the address and gives it to Babel and the templates."""
    babel.init_app(app, locale_selector=current_locale)

    @app.url_value_preprocessor
    def _take(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values and "locale" in values:
            g.locale = values.pop("locale")
        else:
            first = request.path.partition("/")[2].partition("/")[0]
            if first in LOCALES:
                g.locale = first

    @app.url_defaults
    def _put(endpoint: str, values: dict[str, Any]) -> None:
        if "locale" not in values and app.url_map.is_endpoint_expecting(endpoint, "locale"):
            values["locale"] = current_locale()

    @app.context_processor
    def _words() -> dict[str, Any]:
        return {**words(current_locale()), "here": here, "absolute": absolute}


def words(locale: str) -> dict[str, Any]:
    """What every template can say in that language."""
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
        "bound": bound,
        # A channel as tables of counts name it, and as the supporter who acts reads it.
        "channel_name": lambda channel: gettext(Channel(channel).rules.counted),
        "act_name": lambda channel: gettext(Channel(channel).rules.done),
        "direction_of": lambda language: Locale(language).text_direction,
    }


# French puts a space before these signs, and inside its quotation marks, that no line may end at.
_FRENCH_SPACE = re.compile(r"(?<=«) (?=\S)| (?=[;:!?»%])")


def bound(text: str, language: str) -> str:
    """A text as its language sets it on a page: no line begins with a sign that belongs to the word before."""
    if language != "fr":
        return text
    set_ = _FRENCH_SPACE.sub("\u00a0", text)
    return Markup(set_) if isinstance(text, Markup) else set_  # noqa: S704  it was safe before, and holds no more now


def number(value: int) -> str:
    """The number as the page's language writes it (CLDR)."""
    return format_decimal(value, locale=current_locale())


def short_date(day: date | None) -> str:
    """The date as the page's language writes it (CLDR)."""
    return format_date(day, "medium", locale=current_locale())


def absolute(path: str) -> str:
    """The whole address of one of our paths, without the Host header: anybody can send any, and pages are kept."""
    return runtime().settings.base_url + path


def here(locale: str) -> str:
    """The address of the page at hand in another language; the list where the page has no language."""
    endpoint, values = request.endpoint, request.view_args
    if endpoint is None or values is None or not request.path.startswith(f"/{current_locale()}/"):
        return url_for("pages.index", locale=locale)
    return url_for(endpoint, **{**values, "locale": locale})
