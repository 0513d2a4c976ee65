"""Recognition of list items by the marks that word processors write."""

from __future__ import annotations

from functools import cache

from babel import Locale

from campaign.document.text.normalise import normalised, words


def is_bullet(text: str) -> bool:
    """Return whether a line is an item of a list."""
    bare = text.lstrip()
    return bare[:1] in "-•·▪►–—\uf0b7\uf0a7‣●○■□✓➢" or bare[:2] in {"* ", "o ", "+ "} or _is_numbered(bare)


def _is_numbered(bare: str) -> bool:
    head = bare[:4].partition(".")[0] if "." in bare[:4] else bare[:4].partition(")")[0]
    rest = bare[len(head) :]
    if not head.isdigit() or len(head) > 2 or rest[:2] not in {". ", ") ", ".\t", ")\t"}:
        return False
    # A German date is no list item: `24. Januar`.
    following = words(rest[2:42], 1)
    return not (rest[0] == "." and following and following[0].text in _german_months())


@cache
def _german_months() -> frozenset[str]:
    # German writes a dot behind the day: `24. Januar`.
    return frozenset(normalised(name) for name in Locale.parse("de").months["format"]["wide"].values())
