"""The states of a signature, the initials of a name, and the source tag of a signature."""

from __future__ import annotations

import re
from enum import StrEnum

VIA_LENGTH = 40

# The number of the current wording of the consent. A new wording gets a new number, and each consent stores the number
# of its wording. Number 2 also asks whether the name may be handed over.
CONSENT_WORDING = 2


class SignatureState(StrEnum):
    """The states of a signature: pending → confirmed → withdrawn or invalidated. Only confirmed signatures count."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"


def initials(name: str) -> str:
    """Return the first letter of each word, with a full stop: `J.-P. M.` for `Jean-Pierre Martin`."""
    words = ("-".join(f"{part[0]}." for part in word.split("-") if part) for word in name.split())
    return " ".join(word for word in words if word)


def clean_via(text: str | None) -> str | None:
    """Return a source tag such as `stall-lyon` in lower case; None for any other text, without an error."""
    tag = (text or "").strip().lower()
    return tag if re.fullmatch(rf"[a-z0-9][a-z0-9_-]{{0,{VIA_LENGTH - 1}}}", tag) else None
