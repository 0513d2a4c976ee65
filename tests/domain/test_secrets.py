"""Tokens, encryption and the blind index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaign.domain.address import parse_address
from campaign.domain.cipher import Cipher, Vault
from campaign.domain.errors import CipherError, ExpiredTokenError, TokenError
from campaign.domain.token import Purpose, Tokens

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOKENS = Tokens("k" * 40)


def test_a_token_opens_for_its_own_purpose_only() -> None:
    token = TOKENS.make(Purpose.CONFIRM, 7, NOW)
    assert TOKENS.read(Purpose.CONFIRM, token, NOW) == 7
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.MANAGE, token, NOW)
    with pytest.raises(TokenError):
        Tokens("x" * 40).read(Purpose.CONFIRM, token, NOW)


@pytest.mark.parametrize(("purpose", "signed"), [
    (Purpose.CONFIRM, "Xd5pvRFZX7LvaUiCINcoSUQ9sr0sFN4qsU8jRjf626c"),
    (Purpose.MANAGE, "eM-8-Ly-WV1AFopDggg4tGaRttZ1W4rD-8j9rbl0iX0"),
    (Purpose.UNSUBSCRIBE, "h1PRcsJZ86wc6CeEr9c0CRnShlO-FuyFEzPvZYmJ6iE"),
])  # fmt: skip
def test_the_links_in_old_mails_stay_as_they_were_made(purpose: Purpose, signed: str) -> None:
    # HMAC-SHA-256; a change of how links are signed would end all that lie in mailboxes, also those to leave.
    tokens, made = Tokens("a secret of the tests, long enough"), datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert tokens.make(purpose, 42, made) == f"WzQyLDE3Nzc4MDk2MDBd.{signed}"


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-1], lambda t: t + "x", lambda t: "x" + t, lambda _: "", lambda _: "é\x00" * 9]
)
def test_a_damaged_token_is_refused(damage: object) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.CONFIRM, damage(TOKENS.make(Purpose.CONFIRM, 7, NOW)), NOW)  # type: ignore[operator]


def test_confirm_expires_after_seven_days_and_manage_never() -> None:
    week = timedelta(days=7)
    token = TOKENS.make(Purpose.CONFIRM, 7, NOW)
    assert TOKENS.read(Purpose.CONFIRM, token, NOW + week - timedelta(seconds=1)) == 7
    with pytest.raises(ExpiredTokenError) as expired:
        TOKENS.read(Purpose.CONFIRM, token, NOW + week)
    assert expired.value.subject == 7
    assert TOKENS.read(Purpose.MANAGE, TOKENS.make(Purpose.MANAGE, 7, NOW), NOW + 999 * week) == 7


def test_an_older_data_key_still_opens_and_the_newest_seals() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = Cipher((old,)).seal("Jeanne", "name")
    assert Cipher((new, old)).open(sealed, "name") == "Jeanne"
    with pytest.raises(CipherError):
        Cipher((old,)).open(Cipher((new, old)).seal("Jeanne", "name"), "name")


def test_sealed_data_cannot_be_changed_or_moved() -> None:
    cipher = Cipher((b"o" * 32,))
    sealed = cipher.seal("Jeanne", "name")
    assert b"Jeanne" not in sealed
    assert cipher.seal("Jeanne", "name") != sealed
    for broken, purpose in ((sealed[:-1] + b"\x00", "name"), (sealed, "email"), (b"", "name")):
        with pytest.raises(CipherError):
            cipher.open(broken, purpose)


def test_the_index_key_stays_when_the_data_key_rotates() -> None:
    address = parse_address("a@mail.example")
    one, other = Vault((b"o" * 32,), b"i" * 32), Vault((b"n" * 32, b"o" * 32), b"i" * 32)
    assert one.address_digest(address) == other.address_digest(address)
    assert one.address_digest(address) != one.mailbox_digest(address)
