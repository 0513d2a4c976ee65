"""A signature's states, and the tags that say where it came from."""

from __future__ import annotations

import re
from enum import StrEnum

VIA_LENGTH = 40

# Which wording of the consent sentence was shown: a new wording gets a new value, each consent record keeps its own.
# 2: also asks whether the name may be handed over.
CONSENT_WORDING = 2


class SignatureState(StrEnum):
    """pending → confirmed → withdrawn or invalidated; only confirmed ones count."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"


def initials(name: str) -> str:
    """The first letter of each word with a point: `J.-P. M.` for `Jean-Pierre Martin`."""
    words = ("-".join(f"{part[0]}." for part in word.split("-") if part) for word in name.split())
    return " ".join(word for word in words if word)


def clean_via(text: str | None) -> str | None:
    """A source tag such as `stall-lyon` in lower case, or `None` where it is anything else: it is never an error."""
    tag = (text or "").strip().lower()
    return tag if re.fullmatch(rf"[a-z0-9][a-z0-9_-]{{0,{VIA_LENGTH - 1}}}", tag) else None
