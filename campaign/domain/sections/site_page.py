"""The site's own pages, whose words are the organisation's."""

from __future__ import annotations

from enum import StrEnum

# A page, not a book.
MOST_CHARACTERS = 50_000


class SitePage(StrEnum):
    """Where staff can say something in their own words."""

    IMPRINT = "imprint"
    PRIVACY = "privacy"
    ACCESSIBILITY = "accessibility"
