"""Tokens, encryption and the blind index."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import URLSafeSerializer

from campaign.domain.errors import CipherError, ExpiredTokenError, TokenError
from campaign.domain.privacy.cipher import Cipher, Vault
from campaign.domain.privacy.sealed_place import at_sheet_row, at_signature
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.token import Purpose, Tokens, new_link_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = at_signature(1, b"a" * 32, b"k" * 16)
LINK_KEY = b"l" * 16
TOKENS = Tokens(("k" * 40,))


def test_a_token_opens_for_its_own_purpose_only() -> None:
    token = TOKENS.make(Purpose.CONFIRM, 7, NOW, LINK_KEY)
    assert TOKENS.read(Purpose.CONFIRM, token, NOW).row_id == 7
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.MANAGE, token, NOW)
    with pytest.raises(TokenError):
        Tokens(("x" * 40,)).read(Purpose.CONFIRM, token, NOW)


def test_a_token_opens_the_row_with_its_link_key_only() -> None:
    link = TOKENS.read(Purpose.CONFIRM, TOKENS.make(Purpose.CONFIRM, 7, NOW, LINK_KEY, b"Ana"), NOW)
    assert link.opens(LINK_KEY)
    assert not link.opens(new_link_key())
    assert not link.opens(b"")
    assert link.shows(LINK_KEY, b"Ana")
    assert not link.shows(LINK_KEY, b"Bob")
    assert not link.shows(new_link_key(), b"Ana")
    bare = TOKENS.read(Purpose.CONFIRM, TOKENS.make(Purpose.CONFIRM, 7, NOW, LINK_KEY), NOW)
    assert not bare.shows(LINK_KEY, b"")
    assert not bare.shows(LINK_KEY, b"Ana")


@pytest.mark.parametrize(("purpose", "signed"), [
    (Purpose.CONFIRM, "Qm-oY-Gqw1m8u5BsaDdI5m1gyHNpYQus51qCZvSF_IQ"),
    (Purpose.MANAGE, "HcX3SnTYPIpy5qU4yRFbyQlqDxDZ8NYyvgXIrwXz3Wg"),
    (Purpose.UNSUBSCRIBE, "2Ufj-fjnFWtWFHYbzEjxifHCDN__ilv6KOC2dFh4Rmo"),
])  # fmt: skip
def test_links_in_old_mails_stay_valid(purpose: Purpose, signed: str) -> None:
    # HMAC-SHA-256. Another way to sign would invalidate every link in a mailbox, also those for unsubscribing.
    tokens, made = Tokens(("a secret of the tests, long enough",)), datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert (
        tokens.make(purpose, 42, made, LINK_KEY) == f"WzQyLDE3Nzc4MDk2MDAsIlo3WlBUTVJVNmpGZnRLNkliX0p0bEEiXQ.{signed}"
    )


@pytest.mark.parametrize("purpose", list(Purpose))
def test_links_of_an_older_secret_key_work_until_it_is_removed(purpose: Purpose) -> None:
    old, new = "o" * 40, "n" * 40
    token = Tokens((old,)).make(purpose, 7, NOW, LINK_KEY)
    assert Tokens((new, old)).read(purpose, token, NOW).opens(LINK_KEY)
    assert Tokens((new, old)).make(purpose, 7, NOW, LINK_KEY) == Tokens((new,)).make(purpose, 7, NOW, LINK_KEY)
    with pytest.raises(TokenError):
        Tokens((new,)).read(purpose, token, NOW)


def test_a_link_from_before_there_were_link_keys_has_expired() -> None:
    signed = URLSafeSerializer(
        "k" * 40,
        salt="tocsin unsubscribe",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    with pytest.raises(ExpiredTokenError):
        TOKENS.read(Purpose.UNSUBSCRIBE, signed.dumps([42, int(NOW.timestamp())]), NOW)


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t, lambda _: "", lambda _: "é\x00" * 9]
)
def test_a_damaged_token_is_refused(damage: object) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.CONFIRM, damage(TOKENS.make(Purpose.CONFIRM, 7, NOW, LINK_KEY)), NOW)  # type: ignore[operator]


@pytest.mark.parametrize(("purpose", "days"), [(Purpose.CONFIRM, 7), (Purpose.MANAGE, 31)])
def test_links_expire_except_those_for_unsubscribing(purpose: Purpose, days: int) -> None:
    lifetime = timedelta(days=days)
    token = TOKENS.make(purpose, 7, NOW, LINK_KEY)
    assert TOKENS.read(purpose, token, NOW + lifetime - timedelta(seconds=1)).row_id == 7
    with pytest.raises(ExpiredTokenError) as expired:
        TOKENS.read(purpose, token, NOW + lifetime)
    assert expired.value.row_id == 7
    leaving = TOKENS.make(Purpose.UNSUBSCRIBE, 7, NOW, LINK_KEY)
    assert TOKENS.read(Purpose.UNSUBSCRIBE, leaving, NOW + 999 * lifetime).row_id == 7


def test_an_older_data_key_still_opens_and_the_newest_seals() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = Cipher((old,)).seal(b"Jeanne", PLACE, "name")
    assert Cipher((new, old)).open(sealed, PLACE, "name") == b"Jeanne"
    with pytest.raises(CipherError):
        Cipher((old,)).open(Cipher((new, old)).seal(b"Jeanne", PLACE, "name"), PLACE, "name")


def test_sealed_data_cannot_be_changed_or_moved() -> None:
    cipher = Cipher((b"o" * 32,))
    sealed = cipher.seal(b"Jeanne", PLACE, "name")
    assert b"Jeanne" not in sealed
    assert cipher.seal(b"Jeanne", PLACE, "name") != sealed
    other_appeal, other_person = at_signature(2, b"a" * 32, b"k" * 16), at_signature(1, b"b" * 32, b"k" * 16)
    other_link, other_table = at_signature(1, b"a" * 32, b"l" * 16), at_sheet_row
    for broken, place, column in (
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), PLACE, "name"),
        (sealed[:4] + b"\x09" + sealed[5:], PLACE, "name"),
        (sealed, PLACE, "email"),
        (sealed, other_appeal, "name"),
        (sealed, other_person, "name"),
        (sealed, other_link, "name"),
        (sealed, other_table(1, b"a" * 32), "name"),
        (sealed[:8], PLACE, "name"),
        (b"", PLACE, "name"),
    ):
        with pytest.raises(CipherError):
            cipher.open(broken, place, column)


@pytest.mark.parametrize("size", [0, 1, 100, 124, 125, 5000, 65532, 65533, 200_000])
def test_a_sealed_value_reveals_only_its_size_class(size: int) -> None:
    cipher = Cipher((b"o" * 32,))
    sealed = cipher.seal(b"x" * size, PLACE, "name")
    assert cipher.open(sealed, PLACE, "name") == b"x" * size
    padded = len(sealed) - (4 + 1 + 12 + 16)
    assert padded >= 128
    assert padded % 65536 == 0 or padded & (padded - 1) == 0
    assert padded < 2 * max(128, size + 4)


def test_an_address_has_a_different_digest_for_each_appeal_and_use() -> None:
    vault, address = Vault((b"o" * 32,), b"i" * 32), parse_address("a@mail.example")
    first, second = vault.address_digests((1, 2), address)
    assert first == vault.address_digest(1, parse_address("A@mail.example"))
    left = [vault.waiting_digest(first), vault.tombstone_digest(first), vault.journal_digest(first)]
    assert (
        len({first, second, vault.limit_digest("mailbox", address.mailbox), vault.suppression_digest(address), *left})
        == 7
    )


def test_the_index_key_stays_when_the_data_key_rotates() -> None:
    address = parse_address("a@mail.example")
    one, other = Vault((b"o" * 32,), b"i" * 32), Vault((b"n" * 32, b"o" * 32), b"i" * 32)
    assert one.address_digest(7, address) == other.address_digest(7, address)
    assert one.address_digest(7, address) != one.suppression_digest(address)
