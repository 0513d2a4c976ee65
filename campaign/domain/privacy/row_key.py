"""A key for each row; each can be erased without changing the others.

A batch has one random seed, from which two are derived, from each of them two more, and so on down to the keys of 256
rows (a tree of Goldreich, Goldwasser and Micali, 1986). Erasing a key removes every seed on the path to it, and stores
the siblings of that path, so that ten million rows need some ten megabytes of seeds.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from campaign.domain.errors import CipherError, ErasedKeyError

DEPTH = 8
SLOTS = 1 << DEPTH
_SEED_LENGTH = 16
_NODE_LENGTH = 2 + _SEED_LENGTH
# The number of batches, of 256 keys each, that stay in memory; others are read again when needed.
_BATCHES_KEPT = 1024
# A seed's level, 0 being the whole batch, and its number on that level.
Node = tuple[int, int]


@dataclass(frozen=True, slots=True)
class KeySlot:
    """A row's key of 16 bytes, with its batch and its number in it."""

    batch: int
    number: int
    key: bytes


class KeyTree:
    """The keys of one batch of rows, derived from its remaining seeds."""

    def __init__(self, seeds: dict[Node, bytes]) -> None:
        self._seeds = seeds

    @classmethod
    def fresh(cls) -> KeyTree:
        """Return a batch of which no key is erased."""
        return cls({(0, 0): os.urandom(_SEED_LENGTH)})

    @classmethod
    def unpack(cls, data: bytes) -> KeyTree:
        """Return the tree from the bytes that `pack` returned."""
        nodes = [data[at : at + _NODE_LENGTH] for at in range(0, len(data), _NODE_LENGTH)]
        return cls({(node[0], node[1]): node[2:] for node in nodes})

    def pack(self) -> bytes:
        """Return the seeds as bytes, which must be encrypted."""
        return b"".join(bytes(node) + seed for node, seed in sorted(self._seeds.items()))

    @property
    def is_empty(self) -> bool:
        """Return whether every key is erased."""
        return not self._seeds

    def key(self, number: int) -> bytes:
        """Return the key of a slot. Raises ErasedKeyError where it was erased."""
        for level in range(DEPTH + 1):
            seed = self._seeds.get((level, number >> (DEPTH - level)))
            if seed is not None:
                for below in range(level + 1, DEPTH + 1):
                    seed = _child(seed, (number >> (DEPTH - below)) & 1)
                return seed
        raise ErasedKeyError("the row's key was erased")

    def without(self, numbers: Iterable[int]) -> KeyTree:
        """Return the batch without the keys of those slots; keys erased before stay erased."""
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
            on_path = number >> (DEPTH - below)
            sibling = on_path ^ 1
            seeds[below, sibling] = _child(seed, sibling & 1)
            seed = _child(seed, on_path & 1)
        return


def _child(seed: bytes, side: int) -> bytes:
    return hmac.digest(seed, bytes([side]), "sha256")[:_SEED_LENGTH]


@dataclass(slots=True)
class _Own:
    batch: int
    tree: KeyTree
    begun_on: date
    taken: int = 0


class _Batches(threading.local):
    """A thread's own batches by use. With shared ones, another thread could take the last key after this one saw it."""

    def __init__(self) -> None:
        self.by_use: dict[str, _Own] = {}


class RowKeys:
    """The keys of rows in memory: new ones from each thread's own batches, one for each use, and those used lately."""

    def __init__(self, read: Callable[[int], KeyTree]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._own = _Batches()
        self._opened: OrderedDict[int, KeyTree] = OrderedDict()

    def left(self, use: str) -> int:
        """Return the number of keys left in the thread's own batch for that use."""
        own = self._own.by_use.get(use)
        return 0 if own is None else SLOTS - own.taken

    def take(self, use: str) -> KeySlot:
        """Return the next key of the thread's own batch for that use. Raises CipherError where none is left."""
        own = self._own.by_use.get(use)
        if own is None or own.taken >= SLOTS:
            raise CipherError("no key is at hand for a row that is to be written")
        number, own.taken = own.taken, own.taken + 1
        return KeySlot(own.batch, number, own.tree.key(number))

    def begun_on(self, use: str) -> date | None:
        """Return the day on which the thread's own batch for that use was stored; None without a batch."""
        own = self._own.by_use.get(use)
        return None if own is None else own.begun_on

    def begin(self, use: str, batch: int, tree: KeyTree, on: date) -> None:
        """Take the next keys for that use from a batch that has just been stored."""
        self._own.by_use[use] = _Own(batch, tree, on)

    def drop(self) -> None:
        """Take no more keys from the thread's own batches, because the database does not have one of them."""
        self._own.by_use.clear()

    def slot(self, batch: int, number: int) -> KeySlot:
        """Return the key of a row. Raises ErasedKeyError where it was erased."""
        with self._lock:
            tree = self._opened.get(batch)
        if tree is None:
            tree = self._read(batch)
            with self._lock:
                self._opened[batch] = tree
                while len(self._opened) > _BATCHES_KEPT:
                    self._opened.popitem(last=False)
        return KeySlot(batch, number, tree.key(number))

    def forget(self, batch: int) -> None:
        """Remove the batch from memory, so that it is read again after keys were erased."""
        with self._lock:
            self._opened.pop(batch, None)
