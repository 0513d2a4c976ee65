"""Keys of rows: each slot has its own, and erasing one leaves the others as they were."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.row_key import SLOTS, KeyTree
from campaign.domain.privacy.sealed_place import at_row_key, at_signature

PLACE = at_signature(1, b"a" * 32, b"k" * 16)


def test_each_slot_has_its_own_key() -> None:
    tree = KeyTree.fresh()
    assert len({tree.key(number) for number in range(SLOTS)}) == SLOTS
    assert {len(tree.key(number)) for number in range(SLOTS)} == {16}
    assert KeyTree.fresh().key(0) != tree.key(0)


def test_erasing_deletes_only_the_given_keys_in_any_order() -> None:
    random_source = random.Random(7)  # noqa: S311  no secret
    tree = KeyTree.fresh()
    whole = {number: tree.key(number) for number in range(SLOTS)}
    left = set(whole)
    while left:
        gone = set(random_source.sample(sorted(left), min(len(left), random_source.choice((1, 2, 50)))))
        tree, left = KeyTree.unpack(tree.without(gone).pack()), left - gone
        assert {number: tree.key(number) for number in left} == {number: whole[number] for number in left}
        for number in set(whole) - left:
            with pytest.raises(CipherError):
                tree.key(number)
    assert tree.is_empty


def test_remaining_seeds_do_not_yield_an_erased_key() -> None:
    tree = KeyTree.fresh()
    erased = tree.key(77)
    assert erased not in tree.without([77]).pack()
    assert len(tree.without([77]).pack()) == 8 * 18
    assert tree.without([77]).without([77]).pack() == tree.without([77]).pack()


def test_a_value_needs_the_data_key_and_the_rows_key() -> None:
    seeds: dict[int, bytes] = {}
    vault = Vault((b"d" * 32,), b"i" * 32, seeds.get)
    tree = KeyTree.fresh()
    seeds[5] = vault.seal_seeds(tree, at_row_key(5))
    vault.row_keys.begin_batch("signed", 5, tree, date(2026, 3, 1))
    slot = vault.row_keys.take_key("signed")
    sealed = vault.seal_name("Ana", PLACE, slot)
    assert vault.slot_of(sealed) == (5, 0)
    assert vault.open_name(sealed, PLACE) == "Ana"
    with pytest.raises(CipherError, match="not among"):
        Vault((b"x" * 32,), b"i" * 32, seeds.get).open_name(sealed, PLACE)
    rotated = Vault((b"n" * 32, b"d" * 32), b"i" * 32, seeds.get)
    again = rotated.reseal(sealed, PLACE, "name")
    assert (again[:4], rotated.slot_of(again)) == (rotated.newest_key, (5, 0))
    assert rotated.open_name(again, PLACE) == "Ana"
    seeds[5] = vault.seal_seeds(tree.without([0]), at_row_key(5))
    for one in (sealed, again):
        with pytest.raises(CipherError, match="erased"):
            Vault((b"n" * 32, b"d" * 32), b"i" * 32, seeds.get).open_name(one, PLACE)
    del seeds[5]
    with pytest.raises(CipherError, match="not in the database"):
        Vault((b"d" * 32,), b"i" * 32, seeds.get).open_name(sealed, PLACE)


def test_a_batch_ends_after_its_last_slot_and_can_be_dropped() -> None:
    vault = Vault((b"d" * 32,), b"i" * 32)
    keys, day = vault.row_keys, date(2026, 3, 1)
    with pytest.raises(CipherError):
        keys.take_key("signed")
    keys.begin_batch("signed", 1, KeyTree.fresh(), day)
    assert (keys.remaining("signed"), keys.remaining("waiting"), keys.batch_date("signed")) == (SLOTS, 0, day)
    assert [keys.take_key("signed").number for _ in range(SLOTS)] == list(range(SLOTS))
    with pytest.raises(CipherError):
        keys.take_key("signed")
    keys.begin_batch("signed", 2, KeyTree.fresh(), day)
    keys.drop_batches()
    assert keys.remaining("signed") == 0


def test_no_thread_uses_a_key_that_another_has_reserved() -> None:
    seeds: dict[int, bytes] = {}
    vault = Vault((b"d" * 32,), b"i" * 32, seeds.get)
    vault.row_keys.begin_batch("waiting", 5, KeyTree.fresh(), date(2026, 3, 1))
    for _ in range(SLOTS - 1):
        vault.row_keys.take_key("waiting")
    assert vault.row_keys.remaining("waiting") == 1

    def use_key() -> tuple[int, int]:
        if not vault.row_keys.remaining("waiting"):
            vault.row_keys.begin_batch("waiting", 6, KeyTree.fresh(), date(2026, 3, 1))
        slot = vault.row_keys.take_key("waiting")
        return slot.batch, slot.number

    with ThreadPoolExecutor(1) as other:
        assert other.submit(use_key).result() == (6, 0)
    assert use_key() == (5, SLOTS - 1)
