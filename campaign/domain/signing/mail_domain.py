"""The owner of a mail domain: the part of a host's name that one owner controls, by the public suffix list."""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from campaign.domain.signing.provider import LARGE

# The size of the caches: most supporters share a few domains.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def owner_domain(domain: str) -> str:
    """Return the part of a mail domain (A-labels, lower case) that one owner controls; all of it if it is public.

    The owner of `evil.co.uk` controls every host below it. The list's private section counts too: each name below a
    free host belongs to another person, who must be neither suspected nor invalidated for a neighbour. The same holds
    below a large provider: `name.fastmail.com` belongs to one customer.
    """
    if domain in LARGE:
        return domain
    return _below_large(domain) or _suffixes(is_whole=True).privatesuffix(domain) or domain


@lru_cache(_REMEMBERED)
def registrable_domain(domain: str) -> str:
    """Return the part of a mail domain that had to be bought from a registry; all of it if it is public.

    Names below a free host cost nothing, so limits count them together: their owners solve a challenge more often.
    """
    if domain in LARGE:
        return domain
    return _below_large(domain) or _suffixes(is_whole=False).privatesuffix(domain) or domain


def covers(domain: str, host: str) -> bool:
    """Return whether an address at `host` belongs to `domain`: at the domain itself, or at its owner's host below it.

    A public ending (`co.uk`, `duckdns.org`) covers itself alone, because the domains below it have other owners.
    """
    return host == domain or (host.endswith(f".{domain}") and owner_domain(host) == owner_domain(domain))


def _below_large(domain: str) -> str | None:
    """Return the large provider's domain above it with the label of the customer; None if there is none."""
    labels = domain.split(".")
    for place in range(1, len(labels) - 1):
        if ".".join(labels[place:]) in LARGE:
            return ".".join(labels[place - 1 :])
    return None


@cache
def _suffixes(*, is_whole: bool) -> PublicSuffixList:
    # Less than a tenth of a second and two megabytes, once in a process, when first asked.
    return PublicSuffixList(only_icann=not is_whole)
