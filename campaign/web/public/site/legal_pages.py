"""The pages that the law requires: privacy notice (GDPR art. 13), imprint, accessibility statement.

The templates state what is true of every installation. Name and addresses of the organisation come from the theme. Its
own texts are those that staff wrote, else those of the theme.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from campaign.config import LOCALES
from campaign.domain.privacy import retention
from campaign.domain.sections.site_page import SitePage
from campaign.platform.runtime import runtime
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML

blueprint = Blueprint("legal_pages", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/privacy")
def privacy() -> ResponseReturnValue:
    """Show the privacy notice: data, purposes, periods, recipients, and a person's rights."""
    return _page(SitePage.PRIVACY)


@blueprint.get(f"{LOCALE_PREFIX}/imprint")
def imprint() -> ResponseReturnValue:
    """Show the organisation that runs the site."""
    return _page(SitePage.IMPRINT)


@blueprint.get(f"{LOCALE_PREFIX}/accessibility")
def accessibility() -> ResponseReturnValue:
    """Show the accessibility statement, and the address for reporting a barrier."""
    return _page(SitePage.ACCESSIBILITY)


def own_text(page: SitePage, locale: str) -> tuple[str, str] | None:
    """Return a text's language and the text that the organisation adds to the page; None without one.

    It is in the given language, else in English, else in any. In each language, the text that staff wrote comes before
    that of the theme.
    """
    staff_texts, theme_texts = data_cache().site_texts(), runtime().settings.theme.texts
    for language in (locale, "en", *LOCALES):
        body = staff_texts.get((page.value, language)) or theme_texts.get((page.value, language))
        if body:
            return language, body
    return None


def _page(page: SitePage) -> ResponseReturnValue:
    """Return the page from the cache; it is rendered anew when the organisation changes its text."""
    locale = current_locale()
    own, settings = own_text(page, locale), runtime().settings
    return page_cache().answer(
        (page, locale),
        own,
        lambda: render_template(
            f"public/site/{page}.html",
            own=own,
            facts=settings.theme.facts,
            retention_days=_retention_days(),
            counts_views=settings.page_views,
        ),
        content_type=HTML,
    )


def _retention_days() -> dict[str, int]:
    """Return for how many days each kind of data is stored; the hourly job deletes by the same values."""
    after_end = runtime().settings.retention_days
    return {
        "unconfirmed": retention.UNCONFIRMED.days,
        "after_end": after_end,
        "after_outcome": retention.AFTER_OUTCOME.days,
        "updates": max(after_end, retention.UPDATES_AT_MOST.days),
        "tombstones": retention.TOMBSTONES.days,
        "mails": retention.MAILS.days,
        "networks": retention.NETWORKS.days,
    }
