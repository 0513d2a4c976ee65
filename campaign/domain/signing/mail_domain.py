"""The owner of a mail domain: the part of a host's name that one owner controls, by the public suffix list."""

from __future__ import annotations

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from campaign.domain.signing.provider import LARGE_DOMAINS

# The size of the caches. It is enough, because most supporters share a few domains.
_CACHE_SIZE = 4096


@lru_cache(_CACHE_SIZE)
def owner_domain(domain: str) -> str:
    """Return the part of a mail domain that one owner controls; the whole domain if it is itself a public suffix.

    `domain` is in A-labels and lower case. The owner of `evil.co.uk` controls every host below it. The list's private
    section is used too: each name below a free host belongs to another person, whose signatures must not be invalidated
    because of a neighbour. The same holds below a large provider: `name.fastmail.com` belongs to one customer.
    """
    if domain in LARGE_DOMAINS:
        return domain
    return _below_large(domain) or _suffixes(is_whole=True).privatesuffix(domain) or domain


@lru_cache(_CACHE_SIZE)
def registrable_domain(domain: str) -> str:
    """Return the part of a mail domain that is registered with a registry; the whole domain if it is a public suffix.

    Names below a free host cost nothing, so the abuse limits count them together. Their owners must solve a challenge
    more often.
    """
    if domain in LARGE_DOMAINS:
        return domain
    return _below_large(domain) or _suffixes(is_whole=False).privatesuffix(domain) or domain


def covers(domain: str, host: str) -> bool:
    """Return whether `host` is the domain, or a host below it that has the same owner.

    A public suffix (`co.uk`, `duckdns.org`) covers itself alone, because the domains below it have other owners.
    """
    return host == domain or (host.endswith(f".{domain}") and owner_domain(host) == owner_domain(domain))


def _below_large(domain: str) -> str | None:
    """Return the customer's host (`name.fastmail.com`) if the domain is below a large provider's; else None."""
    labels = domain.split(".")
    for place in range(1, len(labels) - 1):
        if ".".join(labels[place:]) in LARGE_DOMAINS:
            return ".".join(labels[place - 1 :])
    return None


@cache
def _suffixes(*, is_whole: bool) -> PublicSuffixList:
    # Reading the list takes less than a tenth of a second and two megabytes, once in a process, at the first use.
    return PublicSuffixList(only_icann=not is_whole)
