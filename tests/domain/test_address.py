"""Which addresses are usable, and which two are one person's."""

from __future__ import annotations

import pytest

from campaign.domain.address import parse_address
from campaign.domain.errors import InputError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jeanne@Mail.Example", "jeanne@mail.example"),
        ("ré@mail.example", "re\u0301@mail.example"),
        ("a@exämple.example", "a@xn--exmple-cua.example"),
        ("j.mar.tin+x@gmail.com", "jmartin@googlemail.com"),
        ("jm+news@outlook.com", "jm@outlook.com"),
        ("j-m@proton.me", "j.m@pm.me"),
    ],
)
def test_two_ways_to_write_an_address_are_one_person(one: str, other: str) -> None:
    assert parse_address(one).identity == parse_address(other).identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("j.m@mail.example", "jm@mail.example"),
        ("j+a@mail.example", "j@mail.example"),
        ("a.b@outlook.com", "ab@outlook.com"),
    ],
)
def test_dots_and_tags_count_where_the_provider_does_not_say_otherwise(one: str, other: str) -> None:
    assert parse_address(one).identity != parse_address(other).identity
    assert parse_address(one).mailbox == parse_address(other).mailbox


@pytest.mark.parametrize(
    "text", ['"a b"@mail.example', "a!#$%&'*+/=?^_`{|}~-@mail.example", "用户@例子.example", "x@a-b.c.example"]
)
def test_unusual_but_valid_forms_are_taken(text: str) -> None:
    assert parse_address(text).domain.endswith(".example")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing"),
        ("a" * 300 + "@x.example", "too-long"),
        ("plain", "not-an-address"),
        ("a@b", "not-an-address"),
        ("a@x.example\r\nBcc: b@x.example", "not-an-address"),
        ("a\x00@x.example", "not-an-address"),
        ("a@@x.example", "not-an-address"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_address(text)
    assert (refused.value.field, refused.value.code) == ("email", code)


def test_a_likely_typing_error_is_asked_back_about() -> None:
    assert parse_address("jeanne@gmial.com").suggestion == "jeanne@gmail.com"
    assert parse_address("jeanne@gmail.com").suggestion is None
