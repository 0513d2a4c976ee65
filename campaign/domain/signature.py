"""A signature's states, and what counts as a name."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from campaign.domain.errors import InputError

NAME_LENGTH = 200
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


# Directional overrides and isolates can turn the rest of a line around; Persian and Indic names need the joiners
# U+200C and U+200D, so those two stay.
_UNWANTED_FORMAT = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0x200E, 0x200F)} | {
    "\u00ad",
    "\u2060",
    "\ufeff",
}
# The name is printed in a mail to an address that anybody may type: it must not carry a link to click.
_LINK = re.compile(r"://|\bwww\.|@|\b[a-z0-9-]+\.(?:com|net|org|ru|info|xyz|top|io|biz)\b", re.IGNORECASE)


def clean_name(text: str) -> str:
    """The name as it will be printed: NFC, single spaces, no control or direction characters.

    Raises InputError (`missing`, `unreadable`, `too-long`, `no-letters`, `link`).
    """
    if "\ufffd" in text:  # what decoding leaves of bytes that were no UTF-8
        raise InputError("name", "unreadable", "the name was not sent as UTF-8")
    kept = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text[: NAME_LENGTH * 20])
        if character.isspace()
        or not (unicodedata.category(character) in {"Cc", "Cs", "Cn", "Co"} or character in _UNWANTED_FORMAT)
    )
    name = " ".join(kept.split())
    if not name:
        raise InputError("name", "missing", "the name is empty")
    if len(name) > NAME_LENGTH:
        raise InputError("name", "too-long", f"the name is longer than {NAME_LENGTH} characters")
    if not any(unicodedata.category(character).startswith("L") for character in name):
        raise InputError("name", "no-letters", "the name holds no letter")
    if _LINK.search(name):
        raise InputError("name", "link", "the name holds a link or an address")
    return name


def name_key(name: str) -> str:
    """Equal for two names that differ in capitals, accents and spaces only."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(one for one in decomposed if not unicodedata.combining(one)).split())


def initials(name: str) -> str:
    """The first letter of each word with a point: `J.-P. M.` for `Jean-Pierre Martin`."""
    words = ("-".join(f"{part[0]}." for part in word.split("-") if part) for word in name.split())
    return " ".join(word for word in words if word)


def clean_via(text: str | None) -> str | None:
    """A source tag such as `stall-lyon` in lower case, or `None` where it is anything else: it is never an error."""
    tag = (text or "").strip().lower()
    return tag if re.fullmatch(rf"[a-z0-9][a-z0-9_-]{{0,{VIA_LENGTH - 1}}}", tag) else None
