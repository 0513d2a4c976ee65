"""Texts for other channels: the cover of a fax, a script for a call, a post.

They are in the letter's language, not the page's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from babel.dates import format_date
from flask_babel import force_locale, gettext

from campaign.config import LOCALES
from campaign.letter.letter_pdf import PAGES, FaxCover
from campaign.letter.plain_text import Letter
from campaign.queries.appeals.appeal import TargetView, TextView

# The limit of X. A link counts as 23 characters (developer documentation, counting characters).
_POST_LENGTH = 280
_LINK_LENGTH = 23


def fax_cover(target: TargetView, letter: Letter, dated: date) -> FaxCover:
    """Return the cover of the fax: recipient, sender, subject and the number of pages."""
    with _in_language(letter.language):
        rows = [
            (gettext("To"), ", ".join(part for part in (target.role, target.name) if part)),
            (gettext("Fax number"), " / ".join(target.faxes)),
            (gettext("From"), letter.name),
            (gettext("Date"), format_date(dated, "long", locale=letter.language)),
            (gettext("Subject"), letter.subject),
            (gettext("Pages"), PAGES),
        ]
        return FaxCover(gettext("Fax"), tuple(row for row in rows if row[1]))


def phone_script(text: TextView, letter: Letter | None, name: str) -> tuple[str, ...]:
    """Return the sentences to say on the telephone; the demand is the letter's last paragraph."""
    with _in_language(text.language):
        case_name = " / ".join(person.name for person in text.people) or text.headline
        introduction = (
            gettext("Good day. My name is %(name)s.", name=name) if name else gettext("Good day. My name is …")
        )
        demands = letter.paragraphs[-1:] if letter else text.talking_points
        return (
            introduction,
            gettext("I am calling about this case: %(case)s.", case=case_name),
            *demands,
            gettext("Please pass this on. Thank you for listening."),
        )


def social_post(text: TextView, handle: str, link: str) -> str:
    """Return a post with the account, the case and the link to the appeal, within 280 characters."""
    max_length = _POST_LENGTH - len(handle) - _LINK_LENGTH - 2
    headline = " ".join(text.headline.split())
    if len(headline) > max_length:
        headline = headline[: max_length - 1].rsplit(" ", 1)[0] + "…"
    return f"{handle} {headline} {link}".strip()


@contextmanager
def _in_language(language: str) -> Iterator[None]:
    with force_locale(language if language in LOCALES else "en"):
        yield
