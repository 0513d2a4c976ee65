"""A key for each row, which can be erased without changing the keys of other rows.

A batch has one random seed, from which two seeds are derived, from each of them two more, and so on down to the keys of
256 rows (the tree of Goldreich, Goldwasser and Micali, 1986). Erasing a key removes every seed on the path to it and
stores the siblings along that path. Ten million rows need some ten megabytes of seeds.
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
_SEED_BYTES = 16
_NODE_BYTES = 2 + _SEED_BYTES
# The number of batches, of 256 keys each, in memory. Others are read again when needed.
_MAX_CACHED_BATCHES = 1024
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
        """Return a new random batch, of which no key is erased."""
        return cls({(0, 0): os.urandom(_SEED_BYTES)})

    @classmethod
    def unpack(cls, data: bytes) -> KeyTree:
        """Return the tree from the bytes that `pack` returned."""
        nodes = [data[offset : offset + _NODE_BYTES] for offset in range(0, len(data), _NODE_BYTES)]
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
                for lower_level in range(level + 1, DEPTH + 1):
                    seed = _child(seed, (number >> (DEPTH - lower_level)) & 1)
                return seed
        raise ErasedKeyError("the row's key was erased")

    def without(self, numbers: Iterable[int]) -> KeyTree:
        """Return the batch without the keys of those slots; keys erased before stay erased."""
        seeds = dict(self._seeds)
        for number in numbers:
            _erase(seeds, number)
        return KeyTree(seeds)


def _erase(seeds: dict[Node, bytes], number: int) -> None:
    """Remove the seed from which the key is derived, and add those from which its other keys are."""
    for level in range(DEPTH + 1):
        seed = seeds.pop((level, number >> (DEPTH - level)), None)
        if seed is None:
            continue
        for lower_level in range(level + 1, DEPTH + 1):
            on_path = number >> (DEPTH - lower_level)
            sibling = on_path ^ 1
            seeds[lower_level, sibling] = _child(seed, sibling & 1)
            seed = _child(seed, on_path & 1)
        return


def _child(seed: bytes, side: int) -> bytes:
    return hmac.digest(seed, bytes([side]), "sha256")[:_SEED_BYTES]


@dataclass(slots=True)
class _OwnBatch:
    """A batch from which one thread takes its new keys, with the day on which it was stored."""

    batch: int
    tree: KeyTree
    stored_on: date
    used: int = 0


class _Batches(threading.local):
    """A thread's own batches by use. With shared ones, another thread could take a key that this one has reserved."""

    def __init__(self) -> None:
        self.by_use: dict[str, _OwnBatch] = {}


class RowKeys:
    """The keys of rows in memory: new ones from each thread's own batches, and those of recently used batches."""

    def __init__(self, load_tree: Callable[[int], KeyTree]) -> None:
        self._load_tree = load_tree
        self._lock = threading.Lock()
        self._own_batches = _Batches()
        self._cached_trees: OrderedDict[int, KeyTree] = OrderedDict()

    def remaining(self, use: str) -> int:
        """Return the number of unused keys in the thread's own batch for that use."""
        own_batch = self._own_batches.by_use.get(use)
        return 0 if own_batch is None else SLOTS - own_batch.used

    def take_key(self, use: str) -> KeySlot:
        """Return the next key of the thread's own batch for that use. Raises CipherError where none remains."""
        own_batch = self._own_batches.by_use.get(use)
        if own_batch is None or own_batch.used >= SLOTS:
            raise CipherError("no key is reserved for a row that is to be written")
        number, own_batch.used = own_batch.used, own_batch.used + 1
        return KeySlot(own_batch.batch, number, own_batch.tree.key(number))

    def batch_date(self, use: str) -> date | None:
        """Return the day on which the thread's own batch for that use was stored; None without a batch."""
        own_batch = self._own_batches.by_use.get(use)
        return None if own_batch is None else own_batch.stored_on

    def begin_batch(self, use: str, batch: int, tree: KeyTree, on: date) -> None:
        """Use a batch that has just been stored for the next keys of that use."""
        self._own_batches.by_use[use] = _OwnBatch(batch, tree, on)

    def drop_batches(self) -> None:
        """Stop using the thread's own batches, because one of them is not in the database."""
        self._own_batches.by_use.clear()

    def slot(self, batch: int, number: int) -> KeySlot:
        """Return the key of a row. Raises ErasedKeyError where it was erased."""
        with self._lock:
            tree = self._cached_trees.get(batch)
        if tree is None:
            tree = self._load_tree(batch)
            with self._lock:
                self._cached_trees[batch] = tree
                while len(self._cached_trees) > _MAX_CACHED_BATCHES:
                    self._cached_trees.popitem(last=False)
        return KeySlot(batch, number, tree.key(number))

    def evict(self, batch: int) -> None:
        """Remove the batch from memory, so that it is read again after keys were erased."""
        with self._lock:
            self._cached_trees.pop(batch, None)
