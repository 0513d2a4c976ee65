"""The marks that begin an item of a list, as every word processor writes them."""

from __future__ import annotations


def is_bullet(text: str) -> bool:
    """Whether a line is an item of a list."""
    bare = text.lstrip()
    return bare[:1] in "-•·▪►–—\uf0b7\uf0a7‣●○■□✓➢" or bare[:2] in {"* ", "o ", "+ "} or _is_numbered(bare)


def _is_numbered(bare: str) -> bool:
    head = bare[:4].partition(".")[0] if "." in bare[:4] else bare[:4].partition(")")[0]
    return head.isdigit() and len(head) <= 2 and bare[len(head) : len(head) + 2] in {". ", ") ", ".\t", ")\t"}
