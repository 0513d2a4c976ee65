"""The languages of a page for search engines: hreflang links and the canonical address.

A language is named only if the page has its main text in it. A page that shows an appeal in another language for want
of a translation points to the page of that language
(https://developers.google.com/search/docs/specialty/international).
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request, url_for

from campaign.config import LOCALES
from campaign.queries.appeals.appeal import AppealView
from campaign.web.http.locale import DEFAULT, absolute, current_locale, same_page

OTHER_LANGUAGES = "x-default"


def init_app(app: Flask) -> None:
    """Give the templates `alternates` and `canonical`; both take the appeal whose text the page shows, or None."""

    @app.context_processor
    def _of_this_page() -> dict[str, object]:
        def canonical(appeal: AppealView | None) -> str:
            return absolute(_path_by_locale(appeal)(locale_of_text(current_locale(), appeal)))

        def named(appeal: AppealView | None) -> dict[str, str]:
            return alternates(_path_by_locale(appeal), appeal)

        return {"canonical": canonical, "alternates": named}


def locale_of_text(locale: str, appeal: AppealView | None) -> str:
    """Return the locale in which the text read in `locale` is written; English if no page is in that language."""
    language = locale if appeal is None else appeal.text_in(locale).language
    return language if language in LOCALES else DEFAULT


def alternates(path: Callable[[str], str], appeal: AppealView | None = None) -> dict[str, str]:
    """Return absolute addresses by hreflang, including `x-default`; `path` returns a page's path by locale."""
    addresses = {locale: absolute(path(locale)) for locale in LOCALES if appeal is None or locale in appeal.texts}
    # Other languages get the appeal's first language.
    default = path(locale_of_text("" if appeal else DEFAULT, appeal))
    # The list of appeals has an address that chooses by the browser's languages.
    return addresses | {OTHER_LANGUAGES: absolute(url_for("pages.root") if default == f"/{DEFAULT}/" else default)}


def _path_by_locale(appeal: AppealView | None) -> Callable[[str], str]:
    """Return a function from locale to the path of this page."""
    # A form with errors is shown at the address it was sent to, which is not the page's own.
    if appeal is not None and request.endpoint != "take_action.act_unsigned":
        return lambda locale: url_for("pages.appeal", slug=appeal.slug, locale=locale)
    return same_page
