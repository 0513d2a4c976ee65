"""The owner of a mail domain, and the hosts that a domain covers."""

from __future__ import annotations

import pytest

from campaign.domain.signing.mail_domain import covers, owner_domain, registrable_domain
from campaign.domain.signing.provider import LARGE_DOMAINS


@pytest.mark.parametrize(
    ("host", "owner", "bought"),
    [
        ("evil.co.uk", "evil.co.uk", "evil.co.uk"),
        ("h1.h2.evil.co.uk", "evil.co.uk", "evil.co.uk"),
        ("mail.catch.example", "catch.example", "catch.example"),
        ("h.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        # Names that a free host or a registry gives to everyone.
        ("h1.one.duckdns.org", "one.duckdns.org", "duckdns.org"),
        ("group.blogspot.com", "group.blogspot.com", "blogspot.com"),
        ("firm.uk.com", "firm.uk.com", "uk.com"),
        # Names at a large provider, and those that it gives to one customer.
        ("gmail.com", "gmail.com", "gmail.com"),
        ("fastmail.com", "fastmail.com", "fastmail.com"),
        ("name.fastmail.com", "name.fastmail.com", "name.fastmail.com"),
        ("h1.name.yahoo.co.uk", "name.yahoo.co.uk", "name.yahoo.co.uk"),
        # A name without a known owner is its own.
        ("gov.uk", "gov.uk", "gov.uk"),
        ("duckdns.org", "duckdns.org", "duckdns.org"),
        ("localhost", "localhost", "localhost"),
    ],
)
def test_an_owner_has_all_hosts_below_its_domain(host: str, owner: str, bought: str) -> None:
    assert (owner_domain(host), registrable_domain(host)) == (owner, bought)


def test_a_large_provider_is_its_own_owner() -> None:
    assert {
        domain for domain in LARGE_DOMAINS if owner_domain(domain) != domain or registrable_domain(domain) != domain
    } == set()


@pytest.mark.parametrize(
    ("domain", "host", "is_covered"),
    [
        ("evil.co.uk", "evil.co.uk", True),
        ("evil.co.uk", "h1.evil.co.uk", True),
        ("h1.evil.co.uk", "x.h1.evil.co.uk", True),
        ("h1.evil.co.uk", "h2.evil.co.uk", False),
        ("h1.evil.co.uk", "evil.co.uk", False),
        ("evil.co.uk", "devil.co.uk", False),
        ("co.uk", "evil.co.uk", False),
        ("duckdns.org", "one.duckdns.org", False),
        ("one.duckdns.org", "h1.one.duckdns.org", True),
        ("fastmail.com", "name.fastmail.com", False),
        ("amazonaws.com", "bucket.s3.amazonaws.com", False),
    ],
)
def test_a_domain_covers_the_hosts_of_its_owner_alone(domain: str, host: str, is_covered: bool) -> None:
    assert covers(domain, host) is is_covered
