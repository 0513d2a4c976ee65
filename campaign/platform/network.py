"""Which networks a request comes from: what limits count instead of single devices."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from flask import request

from campaign.platform.runtime import runtime

_KEPT, _KEPT_ALL = "tocsin.network", "tocsin.networks"
# The narrowest first. One subscriber of IPv6 has a /64 or, with a /48, 65,536 of them; one provider has a /32.
_PREFIXES = {4: (24, 16), 6: (64, 48, 32)}


@dataclass(frozen=True, slots=True)
class Network:
    """One of the networks an address lies in: its prefix such as `/48`, and a keyed digest in hex."""

    prefix: str
    digest: str


def networks_of(address: str | None) -> tuple[str, ...]:
    """Return the networks counted of an address, the narrowest first; an IPv4 address within IPv6 is an IPv4 one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ("unknown",)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return tuple(str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False)) for prefix in _PREFIXES[parsed.version])


def network_of(address: str | None) -> str:
    """Return the /24 of an IPv4 address, the /64 of an IPv6 one: about one household, office or mobile gateway."""
    return networks_of(address)[0]


def client_network() -> str:
    """Return a keyed digest of the network that the request at hand comes from; nobody keeps the address.

    Forwarded addresses are believed only behind TOCSIN_PROXIES proxies.
    """
    found: str | None = request.environ.get(_KEPT)  # the limits ask, and then the sign-up
    if found is None:
        found = request.environ[_KEPT] = _digest(network_of(request.remote_addr))
    return found


def client_networks() -> tuple[Network, ...]:
    """Return the same for each network around it, the narrowest first."""
    found: tuple[Network, ...] | None = request.environ.get(_KEPT_ALL)
    if found is None:
        narrow, *wider = networks_of(request.remote_addr)
        around = [Network(_prefix(one), _digest(one)) for one in wider]
        found = request.environ[_KEPT_ALL] = (Network(_prefix(narrow), client_network()), *around)
    return found


def _prefix(network: str) -> str:
    return "/" + network.partition("/")[2]


def _digest(network: str) -> str:
    return runtime().vault.network_digest(network).hex()[:32]
