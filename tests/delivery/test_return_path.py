"""Return paths: each belongs to one mail, and none can be guessed."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.domain.delivery.return_path import ReturnPaths
from campaign.domain.errors import TokenError

SECRET = "a secret for tests, long enough to be taken"
RETURN_PATHS = ReturnPaths((SECRET,), "bounces.tocsin.example")


MESSAGE = "<0123@tocsin.example>"


@given(st.integers(1, 2**63 - 1))
def test_a_return_path_names_its_mail_in_every_spelling(mail_id: int) -> None:
    path = RETURN_PATHS.make(mail_id, MESSAGE)
    assert len(path.partition("@")[0]) <= 64
    assert RETURN_PATHS.read(path) == RETURN_PATHS.read(path.upper()) == RETURN_PATHS.read(f" <{path}>\r\n")
    assert RETURN_PATHS.read(path).mail_id == mail_id


def test_a_return_path_is_invalid_for_another_mail_with_the_same_id() -> None:
    path = RETURN_PATHS.read(RETURN_PATHS.make(1, MESSAGE))
    assert path.is_of(MESSAGE)
    assert not path.is_of("<4567@tocsin.example>")
    assert not path.is_of(None)
    assert not path.is_of("")


def signed_id_only(mail_id: int) -> str:
    """Return a return path with the signature of earlier versions."""
    key = hmac.digest(SECRET.encode(), b"tocsin return path", "sha256")
    return base64.b32encode(hmac.digest(key, str(mail_id).encode(), "sha256")[:10]).decode().lower()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "<>",
        "bounce@bounces.tocsin.example",
        "bounce+1@bounces.tocsin.example",
        "bounce+1.aaaaaaaaaaaaaaaa@bounces.tocsin.example",
        RETURN_PATHS.make(1, MESSAGE).replace("+1.", "+2."),
        RETURN_PATHS.make(1, MESSAGE).replace("+1.", "+01."),
        RETURN_PATHS.make(1, MESSAGE).replace("+1.", "+١."),
        RETURN_PATHS.make(1, MESSAGE).replace("bounces.", "other."),
        RETURN_PATHS.make(1, MESSAGE) + "\n" + RETURN_PATHS.make(2, MESSAGE),
        ReturnPaths(("another secret, long enough to be taken too",), "bounces.tocsin.example").make(1, MESSAGE),
        # Return paths of earlier versions, which named the id only.
        f"bounce+1.{signed_id_only(1)}@bounces.tocsin.example",
        RETURN_PATHS.make(1, MESSAGE).partition(".")[0]
        + "."
        + RETURN_PATHS.make(1, "<4567@tocsin.example>").partition(".")[2][:16]
        + RETURN_PATHS.make(1, MESSAGE).partition(".")[2][16:],
    ],
)
def test_a_forged_return_path_is_refused(address: str) -> None:
    with pytest.raises(TokenError):
        RETURN_PATHS.read(address)


def test_a_return_path_of_an_older_key_stays_valid() -> None:
    old, new = "an older secret, long enough to be taken", "a newer secret, long enough to be taken"
    made = ReturnPaths((old,), "bounces.tocsin.example").make(7, MESSAGE)
    both = ReturnPaths((new, old), "bounces.tocsin.example")
    assert both.read(made).mail_id == 7
    assert both.make(7, MESSAGE) == ReturnPaths((new,), "bounces.tocsin.example").make(7, MESSAGE)
    with pytest.raises(TokenError):
        ReturnPaths((new,), "bounces.tocsin.example").read(made)
