"""Return paths: whoever did not get our mail cannot make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.domain.errors import TokenError
from campaign.domain.return_path import ReturnPaths

OURS = ReturnPaths(("a secret for tests, long enough to be taken",), "bounces.tocsin.example")


@given(st.integers(1, 2**63 - 1))
def test_a_return_path_names_its_mail_however_servers_write_it(mail_id: int) -> None:
    path = OURS.make(mail_id)
    assert len(path.partition("@")[0]) <= 64
    assert OURS.read(path) == OURS.read(path.upper()) == OURS.read(f" <{path}>\r\n") == mail_id


@pytest.mark.parametrize(
    "address",
    [
        "",
        "<>",
        "bounce@bounces.tocsin.example",
        "bounce+1@bounces.tocsin.example",
        "bounce+1.aaaaaaaaaaaaaaaa@bounces.tocsin.example",
        OURS.make(1).replace("+1.", "+2."),
        OURS.make(1).replace("+1.", "+01."),
        OURS.make(1).replace("+1.", "+١."),
        OURS.make(1).replace("bounces.", "other."),
        OURS.make(1) + "\n" + OURS.make(2),
        ReturnPaths(("another secret, long enough to be taken too",), "bounces.tocsin.example").make(1),
    ],
)
def test_what_we_did_not_make_is_refused(address: str) -> None:
    with pytest.raises(TokenError):
        OURS.read(address)


def test_mail_that_left_under_an_older_key_still_comes_back() -> None:
    old, new = "an older secret, long enough to be taken", "a newer secret, long enough to be taken"
    made = ReturnPaths((old,), "bounces.tocsin.example").make(7)
    both = ReturnPaths((new, old), "bounces.tocsin.example")
    assert both.read(made) == 7
    assert both.make(7) == ReturnPaths((new,), "bounces.tocsin.example").make(7)
    with pytest.raises(TokenError):
        ReturnPaths((new,), "bounces.tocsin.example").read(made)
