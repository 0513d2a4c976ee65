"""Sharing of an appeal: the card that social networks show, links without trackers, posters with a QR code."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from werkzeug.exceptions import ServiceUnavailable

from campaign.document.text.markup import to_plain
from campaign.domain.appeals.appeal import AppealState, progress
from campaign.domain.country import country_name
from campaign.domain.signing.signature import clean_via
from campaign.letter.letter_pdf import is_printable
from campaign.platform import limiter
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import SectionView
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.locale import LOCALE_PREFIX, absolute_url, current_locale, number, short_date
from campaign.web.pictures.typeset import BusyError, card_png, poster_pdf
from campaign.web.public.appeal.pages import is_signable_anywhere, published_appeal_or_404
from campaign.web.public.appeal.progress import section_label

_TEN_MINUTES = "public, max-age=600"
_MAX_SUMMARY = 400  # characters
# An Urgent Action has its demand in bold in the summary.
_DEMAND = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_RETRY_SECONDS = 5
blueprint = Blueprint("share", __name__)


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/card.png")
def card(slug: str) -> ResponseReturnValue:
    """Return a PNG with headline and progress; it is drawn again only when its rounded number or the day changes."""
    appeal = published_appeal_or_404(slug)
    now, locale = runtime().clock(), current_locale()
    signatures = _round_down(data_cache().counts(appeal).signatures)
    shown_progress = progress(signatures, appeal.goal, appeal.opened_at, appeal.deadline, now)
    text, settings = appeal.text_in(locale), runtime().settings

    def render() -> bytes:
        texts = _card_texts(appeal, locale) | {
            "share": shown_progress.signatures,
            "time": shown_progress.time,
            "signatures": ngettext(
                "%(count)s signature of %(goal)s",
                "%(count)s signatures of %(goal)s",
                signatures,
                count=number(signatures),
                goal=number(appeal.goal),
            ),
        }
        try:
            return card_png(texts, text.language, settings.theme, settings.fonts)
        except BusyError as error:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS) from error

    version = (appeal.revision, signatures, now.date())
    return page_cache().answer(
        ("card", slug, locale), version, render, content_type="image/png", cache_control=_TEN_MINUTES
    )


@blueprint.get(f"{LOCALE_PREFIX}/appeals/<slug>/poster/<section>.pdf")
@limiter.limit("20 per minute")
def poster(slug: str, section: str) -> ResponseReturnValue:
    """Return a poster in A4 for one section as PDF, with a QR code to the appeal.

    The code's address has a source tag: `?via=`, else `poster-<section>`. 404 if no font can show the text.
    """
    appeal = published_appeal_or_404(slug)
    section_view = _poster_section(appeal, section)
    if section_view is None:
        abort(404)
    locale, settings = current_locale(), runtime().settings
    tag = clean_via(request.args.get("via")) or f"poster-{section}"
    address = absolute_url(url_for("pages.appeal", slug=slug)) + f"?via={tag}"
    text = appeal.text_in(locale)
    texts = _poster_texts(appeal, section_view, locale)
    if not _are_printable(texts):
        advice = gettext("This server has no font that shows every sign of it (TOCSIN_FONTS).")
        return render_template("public/error.html", title=gettext("No poster in this language"), advice=advice), 404

    def render() -> bytes:
        try:
            return poster_pdf(texts, address, text.language, settings.theme, settings.fonts)
        except BusyError as error:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS) from error

    # One key for all posters with a tag of their own: there may be too many of them for the cache.
    key = ("poster", slug, section if "via" not in request.args else "", locale)
    version = (appeal.revision, address, settings.theme.name)
    return page_cache().answer(key, version, render, content_type="application/pdf", cache_control=_TEN_MINUTES)


def has_poster(appeal: AppealView, section: str, locale: str) -> bool:
    """Return whether the section has a poster: there is none if no font can show its text."""
    section_view = _poster_section(appeal, section)
    return section_view is not None and _are_printable(_poster_texts(appeal, section_view, locale))


@blueprint.app_context_processor
def _template_values() -> dict[str, Any]:
    locale = current_locale()
    return {
        "has_poster": lambda appeal, section: has_poster(appeal, section, locale),
        "share_links": lambda appeal: share_links(appeal, locale),
        "structured_data": lambda appeal, signatures: structured_data(appeal, signatures, locale),
        "page_description": lambda appeal: description(appeal, locale),
    }


def share_links(appeal: AppealView, locale: str) -> list[tuple[str, str]]:
    """Return name and address of each way to share, as plain links: a page that shows them contacts no network."""
    headline = appeal.text_in(locale).headline
    page = absolute_url(url_for("pages.appeal", slug=appeal.slug, locale=locale))

    def encoded(tag: str) -> tuple[str, str]:
        return quote(f"{page}?via={tag}", safe=""), quote(f"{headline} {page}?via={tag}", safe="")

    return [
        (gettext("E-mail"), f"mailto:?subject={quote(headline, safe='')}&body={encoded('mail')[0]}"),
        ("WhatsApp", f"https://wa.me/?text={encoded('whatsapp')[1]}"),
        ("Telegram", f"https://t.me/share/url?url={encoded('telegram')[0]}&text={quote(headline, safe='')}"),
        ("Mastodon", f"https://share.joinmastodon.org/#text={encoded('mastodon')[1]}"),
        ("Bluesky", f"https://bsky.app/intent/compose?text={encoded('bluesky')[1]}"),
        ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={encoded('facebook')[0]}"),
    ]


def structured_data(appeal: AppealView, signatures: int, locale: str) -> dict[str, Any]:
    """Return the appeal in the vocabulary of schema.org, for search engines."""
    text, theme = appeal.text_in(locale), runtime().settings.theme
    page = absolute_url(url_for("pages.appeal", slug=appeal.slug, locale=locale))
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": text.headline,
        "inLanguage": text.language,
        "url": page,
        "image": absolute_url(url_for("share.card", slug=appeal.slug, locale=locale)),
        "publisher": {"@type": "Organization", "name": theme.name, "url": theme.website or absolute_url("/")},
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/EndorseAction",
            "userInteractionCount": signatures,
        },
    }
    if appeal.opened_at is not None:
        data["datePublished"] = appeal.opened_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if appeal.deadline is not None:
        data["expires"] = appeal.deadline.isoformat()
    return data


def description(appeal: AppealView, locale: str) -> str:
    """Return the case in one or two lines, for search engines and social networks."""
    return shorten(to_plain(appeal.text_in(locale).summary), 200)


def split_summary(summary: str) -> tuple[str, str]:
    """Return the beginning of a summary without its demand, and the demand, which is in bold."""
    beginning = shorten(to_plain(_DEMAND.sub("", summary)))
    return beginning, shorten(" ".join(to_plain(part) for part in _DEMAND.findall(summary)))


def _poster_section(appeal: AppealView, code: str) -> SectionView | None:
    """Return the section with that code; None if there is none, or if no section takes signatures of the appeal now."""
    section = next((section_view for section_view in data_cache().sections() if section_view.code == code), None)
    return section if is_signable_anywhere(appeal, runtime().clock()) else None


def _poster_texts(appeal: AppealView, section: SectionView, locale: str) -> dict[str, Any]:
    """Return the texts of the poster, by the names that its template uses."""
    summary, demand = split_summary(appeal.text_in(locale).summary)
    return _card_texts(appeal, locale) | {
        "summary": summary,
        "demand": demand,
        "call": gettext("Sign. It takes 20 seconds."),
        "section": f"{section_label(section.code, locale)} · {section.contact}",
    }


def _are_printable(texts: dict[str, Any]) -> bool:
    """Return whether the fonts can show all of the texts."""
    return is_printable("".join(str(text) for text in texts.values()), runtime().settings.fonts)


def _card_texts(appeal: AppealView, locale: str) -> dict[str, Any]:
    """Return the texts that card and poster have in common, by the names that their templates use."""
    text = appeal.text_in(locale)
    is_open = appeal.state == AppealState.OPEN and appeal.deadline is not None
    return {
        "kicker": country_name(appeal.country, locale),
        "name": runtime().settings.theme.name,
        "headline": text.headline,
        "until": gettext("until %(date)s", date=short_date(appeal.deadline)) if is_open else "",
    }


def _round_down(signatures: int) -> int:
    """Return the number rounded down to two significant digits, so that a card is not drawn for every signature."""
    unit: int = 10 ** max(0, len(str(signatures)) - 2)
    return signatures // unit * unit


def shorten(text: str, limit: int = _MAX_SUMMARY) -> str:
    """Return the text as one paragraph, cut at a word to at most `limit` characters and an ellipsis."""
    paragraph = " ".join(text.split())
    return paragraph if len(paragraph) <= limit else paragraph[:limit].rsplit(" ", 1)[0].rstrip(",;:.") + "…"
