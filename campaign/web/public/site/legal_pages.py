"""What the law asks a site to say: privacy notice (GDPR art. 13), imprint, accessibility statement.

What is true of every Tocsin stands in the templates; who answers for this one comes from the theme, and the
organisation's own words from staff, or else from the theme.
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
    """What is held, why, how long, who sees it, and what a person can ask for."""
    return _page(SitePage.PRIVACY)


@blueprint.get(f"{PREFIX}/imprint")
def imprint() -> ResponseReturnValue:
    """Who runs the site."""
    return _page(SitePage.IMPRINT)


@blueprint.get(f"{PREFIX}/accessibility")
def accessibility() -> ResponseReturnValue:
    """How far the pages can be used by everybody, and whom to tell where they cannot."""
    return _page(SitePage.ACCESSIBILITY)


def own_words(page: SitePage, locale: str) -> tuple[str, str] | None:
    """The organisation's words and their language: this one, else English, else any; staff's before the theme's."""
    written, themed = data_cache().site_texts(), runtime().settings.theme.texts
    for language in (locale, "en", *LOCALES):
        body = written.get((page.value, language)) or themed.get((page.value, language))
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
        kind=HTML,
    )


def _kept_days() -> dict[str, int]:
    """For how many days each kind of data is held: what the notice says is what the hourly job does."""
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
