"""The site's own pages, whose texts the organisation writes."""

from __future__ import annotations

from enum import StrEnum

# The maximum length of a page's text.
MAX_CHARACTERS = 50_000


class SitePage(StrEnum):
    """The pages whose text staff can write."""

    IMPRINT = "imprint"
    PRIVACY = "privacy"
    ACCESSIBILITY = "accessibility"
