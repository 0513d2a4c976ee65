"""A key for each row, of which one can be erased without touching the others.

A batch has one random seed. Each seed makes two, and those two each, down to the keys of 256 rows (a tree of Goldreich,
Goldwasser and Micali, 1986). Erasing a key removes every seed that leads to it and keeps those beside its way, so that
ten million rows need some ten megabytes of seeds.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass

from campaign.domain.errors import CipherError

DEPTH = 8
SLOTS = 1 << DEPTH
_SEED_LENGTH = 16
_NODE_LENGTH = 2 + _SEED_LENGTH
# A seed's level, 0 being the whole batch, and its number on that level.
Node = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """One row's key: where it comes from, and the key itself, of 16 bytes."""

    batch: int
    number: int
    key: bytes


class KeyTree:
    """The keys of one batch of rows, from the seeds that are left of it."""

    def __init__(self, seeds: dict[Node, bytes]) -> None:
        self._seeds = seeds

    @classmethod
    def fresh(cls) -> KeyTree:
        """Return a batch of which no key is erased."""
        return cls({(0, 0): os.urandom(_SEED_LENGTH)})

    @classmethod
    def unpack(cls, data: bytes) -> KeyTree:
        """Return what `pack` packed."""
        nodes = [data[at : at + _NODE_LENGTH] for at in range(0, len(data), _NODE_LENGTH)]
        return cls({(node[0], node[1]): node[2:] for node in nodes})

    def pack(self) -> bytes:
        """Return the seeds as bytes, to be sealed."""
        return b"".join(bytes(node) + seed for node, seed in sorted(self._seeds.items()))

    @property
    def is_empty(self) -> bool:
        """Return whether every key is erased."""
        return not self._seeds

    def key(self, number: int) -> bytes:
        """Return the key of a slot. Raises CipherError where it was erased."""
        for level in range(DEPTH + 1):
            seed = self._seeds.get((level, number >> (DEPTH - level)))
            if seed is not None:
                for below in range(level + 1, DEPTH + 1):
                    seed = _child(seed, (number >> (DEPTH - below)) & 1)
                return seed
        raise CipherError("the row's key was erased")

    def without(self, numbers: Iterable[int]) -> KeyTree:
        """Return the batch without the keys of those slots; what is erased already stays so."""
        seeds = dict(self._seeds)
        for number in numbers:
            _erase(seeds, number)
        return KeyTree(seeds)


def _erase(seeds: dict[Node, bytes], number: int) -> None:
    for level in range(DEPTH + 1):
        seed = seeds.pop((level, number >> (DEPTH - level)), None)
        if seed is None:
            continue
        for below in range(level + 1, DEPTH + 1):
            on_the_way = number >> (DEPTH - below)
            beside = on_the_way ^ 1
            seeds[below, beside] = _child(seed, beside & 1)
            seed = _child(seed, on_the_way & 1)
        return


def _child(seed: bytes, side: int) -> bytes:
    return hmac.digest(seed, bytes([side]), "sha256")[:_SEED_LENGTH]
