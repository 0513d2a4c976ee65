"""What a page tells search engines of its other languages: hreflang, and the address that stands for it.

A language is named only where the page has its main text in it; a page that shows an appeal in another language for
want of a text points to the page of that language (https://developers.google.com/search/docs/specialty/international).
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request, url_for

from campaign.config import LOCALES
from campaign.queries.appeals.appeal import AppealView
from campaign.web.http.locale import DEFAULT, absolute, current_locale, here

ELSE = "x-default"


def init_app(app: Flask) -> None:
    """Gives the templates `alternates` and `canonical`; both take the appeal whose text the page shows, if any."""

    @app.context_processor
    def _of_this_page() -> dict[str, object]:
        def canonical(appeal: AppealView | None) -> str:
            return absolute(_place(appeal)(home(current_locale(), appeal)))

        def named(appeal: AppealView | None) -> dict[str, str]:
            return alternates(_place(appeal), appeal)

        return {"canonical": canonical, "alternates": named}


def home(locale: str, appeal: AppealView | None) -> str:
    """Return the locale whose page has what is read in `locale`; where no page speaks the text's language, English."""
    language = locale if appeal is None else appeal.text_in(locale).language
    return language if language in LOCALES else DEFAULT


def alternates(place: Callable[[str], str], appeal: AppealView | None = None) -> dict[str, str]:
    """Whole addresses by hreflang, among them that for all other languages; `place` gives a page's path by locale."""
    found = {locale: absolute(place(locale)) for locale in LOCALES if appeal is None or locale in appeal.texts}
    # For all other languages: the appeal's first.
    default = place(home("" if appeal else DEFAULT, appeal))
    # The list has an address that chooses by what the browser asks for.
    return found | {ELSE: absolute(url_for("pages.root") if default == f"/{DEFAULT}/" else default)}


def _place(appeal: AppealView | None) -> Callable[[str], str]:
    # A form with errors is shown at the address it was sent to; its page is the appeal's.
    if appeal is not None and request.endpoint != "take_action.act_unsigned":
        return lambda locale: url_for("pages.appeal", slug=appeal.slug, locale=locale)
    return here
