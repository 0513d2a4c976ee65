"""The names of sections in the reader's language."""

from __future__ import annotations

from dataclasses import replace

from campaign.mail.messages.section_names import section_title
from campaign.queries.sections.section import SectionView, list_sections
from campaign.web.http.locale import current_locale
from campaign.web.staff.staff.access import scope


def section_names() -> dict[str, str]:
    """Return the names of the sections by code."""
    return {section.code: section_title(section.code, section.name, current_locale()) for section in list_sections()}


def own_section() -> SectionView:
    """Return the section of the logged-in person."""
    section = next(section for section in list_sections() if section.code == scope().section)
    return replace(section, name=section_title(section.code, section.name, current_locale()))
