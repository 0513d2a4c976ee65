"""Recognition of list items by the marks that word processors write."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from campaign.document.text.normalise import normalised, words

_ROMAN = re.compile(r"(?:i{1,3}|iv|v|vi{1,3})[.)]\s")  # `ii. ` in the lists of the Observatory


def is_bullet(text: str) -> bool:
    """Return whether a line is an item of a list."""
    stripped = text.lstrip()
    return (
        stripped[:1] in "-•·▪►–—\uf0b7\uf0a7‣●○■□✓➢"
        or stripped[:2] in {"* ", "o ", "+ "}
        or _is_numbered(stripped)
        or (_ROMAN.match(stripped) is not None)
    )


def _is_numbered(stripped: str) -> bool:
    """Return whether a line begins with a number of one or two digits and a dot or bracket, as in `1. ` or `2) `."""
    number = stripped[:4].partition(".")[0] if "." in stripped[:4] else stripped[:4].partition(")")[0]
    rest = stripped[len(number) :]
    if not number.isdigit() or len(number) > 2 or rest[:2] not in {". ", ") ", ".\t", ")\t"}:
        return False
    # German writes a dot after the day: `24. Januar` is a date, not a list item.
    following = words(rest[2:42], 1)
    return not (rest[0] == "." and following and following[0].text in _german_months())


@cache
def _german_months() -> frozenset[str]:
    return frozenset(normalised(name) for name in Locale.parse("de").months["format"]["wide"].values())
