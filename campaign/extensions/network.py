"""Which network a request comes from: what limits count instead of single devices."""

from __future__ import annotations

import ipaddress

from flask import request

from campaign.extensions.runtime import runtime

_KEPT = "tocsin.network"


def network_of(address: str | None) -> str:
    """The /24 of an IPv4 address, the /64 of an IPv6 one: about one household, office or mobile gateway."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    prefix = 24 if parsed.version == 4 else 64
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def client_network() -> str:
    """A keyed digest of the network that the request at hand comes from, for counting; nobody keeps the address.

    Forwarded addresses are believed only behind TOCSIN_PROXIES proxies.
    """
    found: str | None = request.environ.get(_KEPT)  # the limits ask, and then the sign-up
    if found is None:
        found = request.environ[_KEPT] = runtime().vault.network_digest(network_of(request.remote_addr)).hex()[:32]
    return found
