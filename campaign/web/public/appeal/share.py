"""What brings others to an appeal: the card that networks show, links without trackers, posters with a QR code."""

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
from campaign.web.http.locale import PREFIX, absolute, current_locale, number, short_date
from campaign.web.pictures.typeset import BusyError, card_png, poster_pdf
from campaign.web.public.appeal.pages import published, takes_signatures
from campaign.web.public.appeal.progress import section_label

_MINUTES = "public, max-age=600"
_SUMMARY = 400
# What an Urgent Action sets in bold in its summary is what must happen.
_DEMAND = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_RETRY_SECONDS = 5
blueprint = Blueprint("share", __name__)


@blueprint.get(f"{PREFIX}/appeals/<slug>/card.png", endpoint="card")
def card_(slug: str) -> ResponseReturnValue:
    """Headline and progress, set anew only where a whole per cent or a day has passed."""
    appeal = published(slug)
    now, locale = runtime().clock(), current_locale()
    signatures = _rounded(data_cache().counts(appeal).signatures)
    done = progress(signatures, appeal.goal, appeal.opened_at, appeal.deadline, now)
    text, settings = appeal.text_in(locale), runtime().settings

    def render() -> bytes:
        words = _words(appeal, locale) | {
            "share": done.signatures,
            "time": done.time,
            "signatures": ngettext(
                "%(count)s signature of %(goal)s",
                "%(count)s signatures of %(goal)s",
                signatures,
                count=number(signatures),
                goal=number(appeal.goal),
            ),
        }
        try:
            return card_png(words, text.language, settings.theme, settings.fonts)
        except BusyError as error:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS) from error

    version = (appeal.revision, signatures, now.date())
    return page_cache().answer(("card", slug, locale), version, render, kind="image/png", control=_MINUTES)


@blueprint.get(f"{PREFIX}/appeals/<slug>/poster/<section>.pdf", endpoint="poster")
@limiter.limit("20 per minute")
def poster_(slug: str, section: str) -> ResponseReturnValue:
    """A4 for one section; its code leads to the appeal with a source tag (`?via=`, else `poster-<section>`)."""
    appeal = published(slug)
    found = _poster_section(appeal, section)
    if found is None:
        abort(404)
    locale, settings = current_locale(), runtime().settings
    tag = clean_via(request.args.get("via")) or f"poster-{section}"
    address = absolute(url_for("pages.appeal", slug=slug)) + f"?via={tag}"
    text = appeal.text_in(locale)
    words = _poster_words(appeal, found, locale)
    if not _is_shown(words):
        advice = gettext("This server has no font that shows every sign of it (TOCSIN_FONTS).")
        return render_template("public/error.html", title=gettext("No poster in this language"), advice=advice), 404

    def render() -> bytes:
        try:
            return poster_pdf(words, address, text.language, settings.theme, settings.fonts)
        except BusyError as error:
            raise ServiceUnavailable(retry_after=_RETRY_SECONDS) from error

    # Only the standard poster is worth keeping: tags of one's own are as many as there are stalls.
    key = ("poster", slug, section if "via" not in request.args else "", locale)
    version = (appeal.revision, address, settings.theme.name)
    return page_cache().answer(key, version, render, kind="application/pdf", control=_MINUTES)


def has_poster(appeal: AppealView, section: str, locale: str) -> bool:
    """Whether there is a poster to link: nothing is, where no font shows what would stand on it."""
    found = _poster_section(appeal, section)
    return found is not None and _is_shown(_poster_words(appeal, found, locale))


@blueprint.app_context_processor
def _sharing() -> dict[str, Any]:
    locale = current_locale()
    return {
        "has_poster": lambda appeal, section: has_poster(appeal, section, locale),
        "share_links": lambda appeal: share_links(appeal, locale),
        "structured": lambda appeal, signatures: structured(appeal, signatures, locale),
        "described": lambda appeal: described(appeal, locale),
    }


def share_links(appeal: AppealView, locale: str) -> list[tuple[str, str]]:
    """(name, address) of the ways to tell others: plain links, which nobody sees before they are followed."""
    headline = appeal.text_in(locale).headline
    page = absolute(url_for("pages.appeal", slug=appeal.slug, locale=locale))

    def told(tag: str) -> tuple[str, str]:
        return quote(f"{page}?via={tag}", safe=""), quote(f"{headline} {page}?via={tag}", safe="")

    return [
        (gettext("E-mail"), f"mailto:?subject={quote(headline, safe='')}&body={told('mail')[0]}"),
        ("WhatsApp", f"https://wa.me/?text={told('whatsapp')[1]}"),
        ("Telegram", f"https://t.me/share/url?url={told('telegram')[0]}&text={quote(headline, safe='')}"),
        ("Mastodon", f"https://share.joinmastodon.org/#text={told('mastodon')[1]}"),
        ("Bluesky", f"https://bsky.app/intent/compose?text={told('bluesky')[1]}"),
        ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={told('facebook')[0]}"),
    ]


def structured(appeal: AppealView, signatures: int, locale: str) -> dict[str, Any]:
    """The appeal in the words of schema.org, for search engines."""
    text, theme = appeal.text_in(locale), runtime().settings.theme
    page = absolute(url_for("pages.appeal", slug=appeal.slug, locale=locale))
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": text.headline,
        "inLanguage": text.language,
        "url": page,
        "image": absolute(url_for("share.card", slug=appeal.slug, locale=locale)),
        "publisher": {"@type": "Organization", "name": theme.name, "url": theme.website or absolute("/")},
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/EndorseAction",
            "userInteractionCount": signatures,
        },
    }
    if appeal.opened_at is not None:
        said["datePublished"] = appeal.opened_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if appeal.deadline is not None:
        said["expires"] = appeal.deadline.isoformat()
    return said


def described(appeal: AppealView, locale: str) -> str:
    """The case in one or two lines, as search engines and networks show it."""
    return shortened(to_plain(appeal.text_in(locale).summary), 200)


def in_short(summary: str) -> tuple[str, str]:
    """A summary's beginning without its demand, and the demand: what it sets in bold."""
    said = shortened(to_plain(_DEMAND.sub("", summary)))
    return said, shortened(" ".join(to_plain(part) for part in _DEMAND.findall(summary)))


def _poster_section(appeal: AppealView, code: str) -> SectionView | None:
    """The section, while the appeal takes the signatures that its poster asks for."""
    found = next((one for one in data_cache().sections() if one.code == code), None)
    return found if takes_signatures(appeal, runtime().clock()) else None


def _poster_words(appeal: AppealView, section: SectionView, locale: str) -> dict[str, Any]:
    summary, demand = in_short(appeal.text_in(locale).summary)
    return _words(appeal, locale) | {
        "summary": summary,
        "demand": demand,
        "call": gettext("Sign. It takes 20 seconds."),
        "section": f"{section_label(section.code, locale)} · {section.contact}",
    }


def _is_shown(words: dict[str, Any]) -> bool:
    return is_printable("".join(str(word) for word in words.values()), runtime().settings.fonts)


def _words(appeal: AppealView, locale: str) -> dict[str, Any]:
    text = appeal.text_in(locale)
    is_open = appeal.state == AppealState.OPEN and appeal.deadline is not None
    return {
        "kicker": country_name(appeal.country, locale),
        "name": runtime().settings.theme.name,
        "headline": text.headline,
        "until": gettext("until %(date)s", date=short_date(appeal.deadline)) if is_open else "",
    }


def _rounded(signatures: int) -> int:
    """Down to two digits that matter: a card is a picture, not a counter, and is set anew a hundred times at most."""
    unit: int = 10 ** max(0, len(str(signatures)) - 2)
    return signatures // unit * unit


def shortened(text: str, most: int = _SUMMARY) -> str:
    """Whole words, in one paragraph."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0].rstrip(",;:.") + "…"
