"""Addresses: the usable ones, and the spellings that belong to one person."""

from __future__ import annotations

import pytest

from campaign.domain.errors import InputError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.likely_domain import likely_domain
from campaign.domain.signing.provider import LARGE_DOMAINS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jeanne@Mail.Example", "jeanne@mail.example"),
        ("ré@mail.example", "re\u0301@mail.example"),
        ("a@exämple.example", "a@xn--exmple-cua.example"),
        ("j.mar.tin+x@gmail.com", "jmartin@googlemail.com"),
        ("jm+news@outlook.com", "jm@outlook.com"),
        ("j-m@proton.me", "j.m@pm.me"),
        ("j.m@protonmail.ch", "jm@proton.me"),
        ("jm+news@hotmail.fr", "jm@hotmail.fr"),
        ("jm+news@live.co.uk", "jm@live.co.uk"),
        ("jm+news@msn.com", "jm@msn.com"),
        ("j+a@me.com", "j@icloud.com"),
        ("j.m+x@ya.ru", "j-m@yandex.com"),
        ("j+a@fastmail.fm", "j@fastmail.fm"),
        ("news@J.fastmail.fm", "j@fastmail.fm"),
        ("news+a@b.j.fastmail.co.uk", "j+x@fastmail.co.uk"),
        *((f"j+a@{domain}", f"j@{domain}") for domain in ("posteo.de", "posteo.net", "mailbox.org", "hey.com")),
        *((f"j+a@{domain}", f"j@{domain}") for domain in ("zoho.com", "zohomail.eu", "runbox.com", "runbox.no")),
        *(
            (f"j+a@{domain}", f"j@{domain}")
            for domain in ("live.com.co", "hotmail.co.ve", "live.cz", "live.hu", "live.lv")
        ),
        ("j.m+a@narod.ru", "j-m@yandex.ru"),
    ],
)
def test_two_spellings_of_a_mailbox_are_one_person(one: str, other: str) -> None:
    assert parse_address(one).identity == parse_address(other).identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("j.m@mail.example", "jm@mail.example"),
        ("j+a@mail.example", "j@mail.example"),
        ("a.b@outlook.com", "ab@outlook.com"),
        ("news@j-m.fastmail.fm", "j_m@fastmail.fm"),
        ("a.b@posteo.de", "ab@posteo.de"),
        ("j+a@web.de", "j@web.de"),
    ],
)
def test_dots_and_tags_distinguish_mailboxes_unless_the_provider_ignores_them(one: str, other: str) -> None:
    assert parse_address(one).identity != parse_address(other).identity
    assert parse_address(one).mailbox == parse_address(other).mailbox


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("news@j.fastmail.fm", "news@k.fastmail.fm"),
        ("news@j.fastmail.fm", "j@fastmail.com"),
        ("news@j.mail.example", "j@mail.example"),
        ("news@j.outlook.com", "j@outlook.com"),
        ("j@notfastmail.fm", "j@fastmail.fm"),
        ("j_m@mail.example", "j-m@mail.example"),
    ],
)
def test_hosts_below_a_domain_are_different_unless_the_provider_ignores_them(one: str, other: str) -> None:
    assert parse_address(one).identity != parse_address(other).identity
    assert parse_address(one).mailbox != parse_address(other).mailbox


@pytest.mark.parametrize(
    "text", ['"a b"@mail.example', "a!#$%&'*+/=?^_`{|}~-@mail.example", "用户@例子.example", "x@a-b.c.example"]
)
def test_unusual_but_valid_addresses_are_accepted(text: str) -> None:
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
def test_an_invalid_address_is_refused_with_the_reason(text: str, code: str) -> None:
    with pytest.raises(InputError) as error:
        parse_address(text)
    assert (error.value.field, error.value.code) == ("email", code)


PASTED = [
    "\u200bjeanne@mail.example",
    "jeanne\u00ad@mail.example",
    "\u202ajeanne@mail.example\u202c",
    "\ufeffjeanne@mail.example\u00a0",
    "jeanne@mail.example\u3000",
    "je\u200danne@mail.example",
    "mailto:jeanne@mail.example",
    "MAILTO:jeanne%40mail.example?subject=Hello",
    "<jeanne@mail.example>",
    " <mailto:jeanne@mail.example>. ",
    "Jeanne Martin <jeanne@mail.example>",
    "“Martin, Jeanne” <jeanne@mail.example>;",
    "jeanne@mail.example.",
    "jeanne@mail.example,",
    "(jeanne@mail.example)",
    '"jeanne@mail.example"',
    "‘jeanne@mail.example’",
    "ｊｅａｎｎｅ＠ｍａｉｌ．ｅｘａｍｐｌｅ",
    "jeanne@mail。example",
]


@pytest.mark.parametrize("text", PASTED, ids=ascii)
def test_a_pasted_address_is_accepted(text: str) -> None:
    assert str(parse_address(text)) == "jeanne@mail.example"


def test_joiners_in_a_domain_are_not_removed_silently() -> None:
    for text in ('"a b"@mail.example', "o'neil@mail.example", "'jeanne'@mail.example", "`a`@mail.example"):
        assert str(parse_address(text)) == text
    # A joiner makes another domain (RFC 5892, A.2), which the syntax refuses; it is not removed silently.
    with pytest.raises(InputError):
        parse_address("a@ශ්\u200dරී.example")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cmo", "gmail.com"),
        ("gmail.fr", "gmail.com"),
        ("hotmial.fr", "hotmail.fr"),
        ("hotmail.co", "hotmail.com"),
        ("outlok.de", "outlook.de"),
        ("yaho.co.uk", "yahoo.co.uk"),
        ("orage.fr", "orange.fr"),
        ("laposte.nt", "laposte.net"),
        ("t-onlime.de", "t-online.de"),
        ("protonmal.com", "protonmail.com"),
        ("yandx.ru", "yandex.ru"),
    ],
)
def test_one_typing_error_in_a_large_domain_is_asked_about(typed: str, meant: str) -> None:
    assert parse_address(f"jeanne@{typed}").suggestion == f"jeanne@{meant}"


def test_every_single_error_in_a_large_domain_is_noticed() -> None:
    domain = "gmail.com"
    for place in range(len(domain)):
        missing = domain[:place] + domain[place + 1 :]
        double = domain[:place] + domain[place] + domain[place:]
        wrong = domain[:place] + "x" + domain[place + 1 :]
        swapped = domain[:place] + domain[place + 1 : place + 2] + domain[place] + domain[place + 2 :]
        for typed in {missing, double, wrong, swapped} - {domain}:
            assert likely_domain(typed) in ({domain, None} if typed in LARGE_DOMAINS else {domain}), typed


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "mail.com", "ymail.com", "hotmail.it", "gmx.net", "web.de", "me.com", "amnesty.org", "fred.fr"],
)
def test_a_correct_domain_is_not_asked_about(domain: str) -> None:
    assert parse_address(f"jeanne@{domain}").suggestion is None


def test_endings_that_do_not_exist_are_recognised() -> None:
    for ending, exists in (
        ("com", True), ("co.uk", True), ("museum", True), ("xn--p1ai", True), ("example", True),
        ("cmo", False), ("orgg", False),
    ):  # fmt: skip
        assert parse_address(f"a@mail.{ending}").has_known_ending is exists, ending
    assert parse_address("a@пример.рф").has_known_ending


def test_addresses_that_only_some_servers_carry_are_recognised() -> None:
    assert parse_address("jérôme@mail.example").is_international
    assert not parse_address("jerome@exämple.example").is_international


def test_disposable_domains_are_recognised_with_their_hosts() -> None:
    assert parse_address("a@mailinator.com").is_disposable
    assert parse_address("a@x.mailinator.com").is_disposable
    assert not parse_address("a@gmail.com").is_disposable
