"""Whose a mail domain is: the part of a host's name that one owner has, by the public suffix list inside a package."""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from campaign.domain.signing.provider import LARGE

# Most who sign share a few.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def owner_domain(domain: str) -> str:
    """Return the part of a mail domain (A-labels, lower case) that one owner has; itself where all of it is public.

    Whoever has `evil.co.uk` has every host below it. The list's private section counts: the names below a free host
    or a seller of names belong to as many people, and one of them must be neither noticed nor taken out of the counts
    for another. So do those below a large provider: `name.fastmail.com` is one customer's.
    """
    if domain in LARGE:
        return domain
    return _below_large(domain) or _suffixes(is_whole=True).privatesuffix(domain) or domain


@lru_cache(_REMEMBERED)
def bought_domain(domain: str) -> str:
    """Return the part of a mail domain that had to be bought from a registry; itself where all of it is public.

    Names below a free host cost nothing. Who limits counts them together: their neighbours solve a puzzle more.
    """
    if domain in LARGE:
        return domain
    return _below_large(domain) or _suffixes(is_whole=False).privatesuffix(domain) or domain


def covers(domain: str, host: str) -> bool:
    """Return whether an address under `host` is one of `domain`: there, or at a host of its owner's below it.

    Below a public ending (`co.uk`, `duckdns.org`) are the domains of others: it covers itself alone.
    """
    return host == domain or (host.endswith(f".{domain}") and owner_domain(host) == owner_domain(domain))


def _below_large(domain: str) -> str | None:
    """The large provider's domain that it is below, with the one label that names the customer."""
    labels = domain.split(".")
    for place in range(1, len(labels) - 1):
        if ".".join(labels[place:]) in LARGE:
            return ".".join(labels[place - 1 :])
    return None


@cache
def _suffixes(*, is_whole: bool) -> PublicSuffixList:
    # Less than a tenth of a second and two megabytes, once in a process, when first asked.
    return PublicSuffixList(only_icann=not is_whole)
