"""The marks that begin an item of a list, as every word processor writes them."""

from __future__ import annotations

from functools import cache

from babel import Locale

from campaign.document.text.normalise import key, words


def is_bullet(text: str) -> bool:
    """Whether a line is an item of a list."""
    bare = text.lstrip()
    return bare[:1] in "-•·▪►–—\uf0b7\uf0a7‣●○■□✓➢" or bare[:2] in {"* ", "o ", "+ "} or _is_numbered(bare)


def _is_numbered(bare: str) -> bool:
    head = bare[:4].partition(".")[0] if "." in bare[:4] else bare[:4].partition(")")[0]
    rest = bare[len(head) :]
    if not head.isdigit() or len(head) > 2 or rest[:2] not in {". ", ") ", ".\t", ")\t"}:
        return False
    # A line may begin with a German date: `24. Januar`.
    following = words(rest[2:42], 1)
    return not (rest[0] == "." and following and following[0].text in _german_months())


@cache
def _german_months() -> frozenset[str]:
    # Where a day is written with a dot: `24. Januar`.
    return frozenset(key(name) for name in Locale.parse("de").months["format"]["wide"].values())
