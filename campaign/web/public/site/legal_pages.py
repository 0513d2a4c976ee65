"""The pages that the law requires: privacy notice (GDPR art. 13), imprint, accessibility statement.

Facts about every installation are in the templates. The responsible organisation comes from the theme; its own texts
come from staff, else from the theme.
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
from campaign.web.http.locale import PREFIX, current_locale
from campaign.web.public.appeal.pages import HTML

blueprint = Blueprint("legal_pages", __name__)


@blueprint.get(f"{PREFIX}/privacy")
def privacy() -> ResponseReturnValue:
    """Show the privacy notice: which data, why, how long, who sees it, and a person's rights."""
    return _page(SitePage.PRIVACY)


@blueprint.get(f"{PREFIX}/imprint")
def imprint() -> ResponseReturnValue:
    """Show who runs the site."""
    return _page(SitePage.IMPRINT)


@blueprint.get(f"{PREFIX}/accessibility")
def accessibility() -> ResponseReturnValue:
    """Show how accessible the pages are, and whom to tell about a problem."""
    return _page(SitePage.ACCESSIBILITY)


def own_words(page: SitePage, locale: str) -> tuple[str, str] | None:
    """Return the organisation's text and its language: the given one, else English, else any.

    Staff's text comes before the theme's. None without a text.
    """
    staff_texts, theme_texts = data_cache().site_texts(), runtime().settings.theme.texts
    for language in (locale, "en", *LOCALES):
        body = staff_texts.get((page.value, language)) or theme_texts.get((page.value, language))
        if body:
            return language, body
    return None


def _page(page: SitePage) -> ResponseReturnValue:
    locale = current_locale()
    own, settings = own_words(page, locale), runtime().settings
    return page_cache().answer(
        (page, locale),
        own,
        lambda: render_template(
            f"public/site/{page}.html",
            own=own,
            facts=settings.theme.facts,
            kept=_kept_days(),
            counts_views=settings.page_views,
        ),
        content_type=HTML,
    )


def _kept_days() -> dict[str, int]:
    """Return for how many days each kind of data is stored, from the same values that the hourly job uses."""
    after = runtime().settings.retention_days
    return {
        "unconfirmed": retention.UNCONFIRMED.days,
        "after": after,
        "told": retention.AFTER_OUTCOME.days,
        "updates": max(after, retention.UPDATES_AT_MOST.days),
        "erased": retention.TOMBSTONES.days,
        "mails": retention.MAILS.days,
        "networks": retention.NETWORKS.days,
    }
