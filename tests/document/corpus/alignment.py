"""The pairs of right and read targets: in the order of the document, by the words that they share."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

Target = dict[str, Any]


def align_targets(expected: list[Target], got: list[Target]) -> list[tuple[Target | None, Target | None]]:
    """Return the pairs with the most shared words that keep both orders; what has no partner is paired with None."""
    shared = [[_shared_words(one, other) for other in got] for one in expected]
    best = [[0] * (len(got) + 1) for _ in range(len(expected) + 1)]
    for row in range(len(expected) - 1, -1, -1):
        for column in range(len(got) - 1, -1, -1):
            paired = shared[row][column] + best[row + 1][column + 1] if shared[row][column] else 0
            best[row][column] = max(paired, best[row + 1][column], best[row][column + 1])
    pairs: list[tuple[Target | None, Target | None]] = []
    row = column = 0
    while row < len(expected) or column < len(got):
        if row == len(expected):
            pairs.append((None, got[column]))
            column += 1
        elif column == len(got) or best[row][column] == best[row + 1][column]:
            pairs.append((expected[row], None))
            row += 1
        elif best[row][column] == best[row][column + 1]:
            pairs.append((None, got[column]))
            column += 1
        else:
            pairs.append((expected[row], got[column]))
            row, column = row + 1, column + 1
    return pairs


def _shared_words(one: Target, other: Target) -> int:
    """Return how many words two targets have in common."""
    return (_words(one) & _words(other)).total()


def _words(target: Target) -> Counter[str]:
    texts = [target.get("role") or "", target.get("name") or "", target.get("salutation") or ""]
    for part in ("address", "emails", "faxes", "phones"):
        texts += target.get(part) or []
    texts += (target.get("social") or {}).values()
    return Counter(re.findall(r"\w+", " ".join(texts).casefold()))
