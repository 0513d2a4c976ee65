"""Slugs: the names of appeals in addresses and commands."""

from __future__ import annotations

import re
import unicodedata

from campaign.domain.errors import InputError

SLUG_LENGTH = 80
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def checked_slug(text: str) -> str:
    """The slug as it is. Raises InputError where it cannot stand in an address."""
    if len(text) > SLUG_LENGTH or not _SLUG.fullmatch(text):
        raise InputError(
            "slug", "not-a-slug", f"{text!r} is no slug: use a-z, 0-9 and single hyphens, up to {SLUG_LENGTH}"
        )
    return text


def slugify(*parts: str) -> str:
    """A slug from names in the Latin script; empty where nothing of them can be kept."""
    text = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:SLUG_LENGTH].strip("-")
