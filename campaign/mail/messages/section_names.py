"""Names of the sections, in mails, on pages and in lists handed over."""

from __future__ import annotations

from flask_babel import force_locale, gettext

from campaign.domain.country import section_name
from campaign.domain.sections.section import INTERNATIONAL


def section_title(code: str, fallback: str, locale: str) -> str:
    """Return the section's name in that language, or `fallback` where there is none."""
    if code != INTERNATIONAL:
        return section_name(code, fallback, locale)
    with force_locale(locale):
        return str(gettext("International"))
