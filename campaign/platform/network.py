"""The networks that a request comes from, which limits count instead of single devices."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from flask import request

from campaign.platform.runtime import runtime

# The keys under which a request's environment caches the digests: of the narrowest network, and of all.
_NARROWEST_KEY, _ALL_KEY = "tocsin.network", "tocsin.networks"
# Prefix lengths, the narrowest network first. With IPv6 one subscriber has a /64, or a /48 with 65,536 of them; one
# provider has a /32.
_PREFIXES = {4: (24, 16), 6: (64, 48, 32)}


@dataclass(frozen=True, slots=True)
class Network:
    """A network that contains an address: its prefix such as `/48`, and a keyed digest of the network in hex."""

    prefix: str
    digest: str


def networks_of(address: str | None) -> tuple[str, ...]:
    """Return the networks that contain the address, the narrowest first, such as `192.0.2.0/24`.

    An IPv4 address mapped into IPv6 counts as IPv4. If the text is not an address, return `unknown` alone.
    """
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
    """Return a keyed digest, in hex, of the network that the current request comes from. The address is not stored.

    The address that a proxy forwards is used only from the number of proxies in TOCSIN_PROXIES.
    """
    digest: str | None = request.environ.get(_NARROWEST_KEY)  # needed twice: for the limits and for the sign-up
    if digest is None:
        digest = request.environ[_NARROWEST_KEY] = _digest(network_of(request.remote_addr))
    return digest


def client_networks() -> tuple[Network, ...]:
    """Return all networks that contain the current request's address, the narrowest first."""
    networks: tuple[Network, ...] | None = request.environ.get(_ALL_KEY)
    if networks is None:
        narrowest, *wider = networks_of(request.remote_addr)
        wider_networks = [Network(_prefix(network), _digest(network)) for network in wider]
        networks = request.environ[_ALL_KEY] = (Network(_prefix(narrowest), client_network()), *wider_networks)
    return networks


def _prefix(network: str) -> str:
    return "/" + network.partition("/")[2]


def _digest(network: str) -> str:
    return runtime().vault.network_digest(network).hex()[:32]
