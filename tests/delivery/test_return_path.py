"""Return paths: only a recipient of a mail knows its return path; none can be guessed."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.domain.delivery.return_path import ReturnPaths
from campaign.domain.errors import TokenError

SECRET = "a secret for tests, long enough to be taken"
OURS = ReturnPaths((SECRET,), "bounces.tocsin.example")


MESSAGE = "<0123@tocsin.example>"


@given(st.integers(1, 2**63 - 1))
def test_a_return_path_names_its_mail_however_servers_write_it(mail_id: int) -> None:
    path = OURS.make(mail_id, MESSAGE)
    assert len(path.partition("@")[0]) <= 64
    assert OURS.read(path) == OURS.read(path.upper()) == OURS.read(f" <{path}>\r\n")
    assert OURS.read(path).mail_id == mail_id


def test_a_return_path_is_of_one_mail_alone_though_another_gets_its_id() -> None:
    path = OURS.read(OURS.make(1, MESSAGE))
    assert path.is_of(MESSAGE)
    assert not path.is_of("<4567@tocsin.example>")
    assert not path.is_of(None)
    assert not path.is_of("")


def of_id_alone(mail_id: int) -> str:
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
        OURS.make(1, MESSAGE).replace("+1.", "+2."),
        OURS.make(1, MESSAGE).replace("+1.", "+01."),
        OURS.make(1, MESSAGE).replace("+1.", "+١."),
        OURS.make(1, MESSAGE).replace("bounces.", "other."),
        OURS.make(1, MESSAGE) + "\n" + OURS.make(2, MESSAGE),
        ReturnPaths(("another secret, long enough to be taken too",), "bounces.tocsin.example").make(1, MESSAGE),
        # As they were made when they named the id alone.
        f"bounce+1.{of_id_alone(1)}@bounces.tocsin.example",
        OURS.make(1, MESSAGE).partition(".")[0]
        + "."
        + OURS.make(1, "<4567@tocsin.example>").partition(".")[2][:16]
        + OURS.make(1, MESSAGE).partition(".")[2][16:],
    ],
)
def test_what_we_did_not_make_is_refused(address: str) -> None:
    with pytest.raises(TokenError):
        OURS.read(address)


def test_mail_that_left_under_an_older_key_still_comes_back() -> None:
    old, new = "an older secret, long enough to be taken", "a newer secret, long enough to be taken"
    made = ReturnPaths((old,), "bounces.tocsin.example").make(7, MESSAGE)
    both = ReturnPaths((new, old), "bounces.tocsin.example")
    assert both.read(made).mail_id == 7
    assert both.make(7, MESSAGE) == ReturnPaths((new,), "bounces.tocsin.example").make(7, MESSAGE)
    with pytest.raises(TokenError):
        ReturnPaths((new,), "bounces.tocsin.example").read(made)
