"""Slugs: the names of appeals in URLs and commands."""

from __future__ import annotations

import re
import unicodedata

from campaign.domain.errors import InputError

SLUG_LENGTH = 80
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def is_slug(text: str) -> bool:
    """Return whether the text has the form of a slug; other texts need not be looked up."""
    return len(text) <= SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def checked_slug(text: str) -> str:
    """Return the text unchanged if it has the form of a slug; otherwise raise InputError."""
    if not is_slug(text):
        raise InputError(
            "slug", "not-a-slug", f"{text!r} is no slug: use a-z, 0-9 and single hyphens, up to {SLUG_LENGTH}"
        )
    return text


def slugify(*parts: str) -> str:
    """Return a slug made of names in the Latin script; empty if no character can be used."""
    text = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:SLUG_LENGTH].strip("-")
