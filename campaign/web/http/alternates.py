"""The languages of a page for search engines: hreflang links and the canonical address.

A language is listed only if the page has its main text in it. A page whose appeal is not translated shows it in another
language; its canonical address is the page in that other language
(https://developers.google.com/search/docs/specialty/international).
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request, url_for

from campaign.config import LOCALES
from campaign.queries.appeals.appeal import AppealView
from campaign.web.http.locale import DEFAULT_LOCALE, absolute_url, current_locale, same_page

OTHER_LANGUAGES = "x-default"


def init_app(app: Flask) -> None:
    """Give the templates `alternates` and `canonical`; both take the appeal whose text the page shows, or None."""

    @app.context_processor
    def _template_values() -> dict[str, object]:
        def canonical(appeal: AppealView | None) -> str:
            return absolute_url(_path_by_locale(appeal)(locale_of_text(current_locale(), appeal)))

        def links(appeal: AppealView | None) -> dict[str, str]:
            return alternates(_path_by_locale(appeal), appeal)

        return {"canonical": canonical, "alternates": links}


def locale_of_text(locale: str, appeal: AppealView | None) -> str:
    """Return the language of the text that readers in `locale` see; English if no page is in that language."""
    language = locale if appeal is None else appeal.text_in(locale).language
    return language if language in LOCALES else DEFAULT_LOCALE


def alternates(path_in: Callable[[str], str], appeal: AppealView | None = None) -> dict[str, str]:
    """Return absolute addresses by hreflang, including `x-default`; `path_in` returns a page's path in a locale."""
    addresses = {
        locale: absolute_url(path_in(locale)) for locale in LOCALES if appeal is None or locale in appeal.texts
    }
    # Other languages get the appeal's first language.
    default = path_in(locale_of_text("" if appeal else DEFAULT_LOCALE, appeal))
    # The list of appeals has an address that chooses by the browser's languages.
    return addresses | {
        OTHER_LANGUAGES: absolute_url(url_for("pages.root") if default == f"/{DEFAULT_LOCALE}/" else default)
    }


def _path_by_locale(appeal: AppealView | None) -> Callable[[str], str]:
    """Return a function from locale to the path of this page."""
    # A form with errors is shown at the address it was sent to, which is not the page's own.
    if appeal is not None and request.endpoint != "take_action.act_unsigned":
        return lambda locale: url_for("pages.appeal", slug=appeal.slug, locale=locale)
    return same_page
