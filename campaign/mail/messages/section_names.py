"""What the sections are called, in mails, on pages and in what is handed over."""

from __future__ import annotations

from flask_babel import force_locale, gettext

from campaign.domain.country import section_name
from campaign.domain.sections.section import INTERNATIONAL


def section_title(code: str, fallback: str, locale: str) -> str:
    """The section's name in that language; `fallback` where there is none."""
    if code != INTERNATIONAL:
        return section_name(code, fallback, locale)
    with force_locale(locale):
        return str(gettext("International"))
