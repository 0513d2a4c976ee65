"""The address of a PostgreSQL database, with one host or several, in a form that libpq, SQLAlchemy and Huey read."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode

_PORT = "5432"


def normalised_address(rest: str) -> str:
    """Return the part behind `postgresql://` in the form that libpq, SQLAlchemy and Huey share.

    Several hosts go into the query: `?host=a,b&port=5432,5432`. libpq also accepts `a:5432,b:5432/name`, and SQLAlchemy
    `?host=a:5432&host=b:5432`, but neither accepts the other's form. With several hosts, the server that accepts writes
    is selected unless the address says otherwise.

    Args:
        rest: The address without its scheme.

    Raises:
        ValueError: The hosts or ports cannot be read.
    """
    location, _, query = rest.partition("?")
    authority, slash, name = location.partition("/")
    user, at, host_list = authority.rpartition("@")
    parameters = parse_qsl(query, keep_blank_values=True)
    query_hosts = [host for key, value in parameters if key == "host" for host in value.split(",")]
    ports = [port for key, value in parameters if key == "port" for port in value.split(",")]
    hosts = [*(map(unquote, host_list.split(",")) if "," in host_list else []), *query_hosts]
    if len(hosts) < 2 and not any(_has_port(host) for host in hosts):
        return rest
    if host_list and "," not in host_list:
        raise ValueError("name the hosts in front of the database's name or behind it, not both")
    pairs = [_host_and_port(host) for host in hosts]
    if ports:
        pairs = _with_ports([host for host, _ in pairs], ports)
    other_parameters = [(key, value) for key, value in parameters if key not in {"host", "port"}]
    if len(pairs) > 1 and not any(key == "target_session_attrs" for key, _ in other_parameters):
        other_parameters.append(("target_session_attrs", "read-write"))
    host_parameters = [("host", ",".join(host for host, _ in pairs)), ("port", ",".join(port for _, port in pairs))]
    new_query = urlencode([*host_parameters, *other_parameters], quote_via=quote, safe=",/:")
    return f"{user}{at}{slash or '/'}{name}?{new_query}"


def _has_port(host: str) -> bool:
    """Return whether the host has a port; with one, an IPv6 address is in brackets."""
    return host.count(":") == 1 or "]:" in host


def _host_and_port(host: str) -> tuple[str, str]:
    """Return the host without brackets, and its port or the default one. Raises ValueError."""
    if host.startswith("["):
        address, _, port = host[1:].partition("]")
        host, port = address, port.removeprefix(":")
    elif _has_port(host):
        host, _, port = host.partition(":")
    else:
        port = ""
    if port and not port.isdigit():
        raise ValueError("a port is no number")
    return host, port or _PORT


def _with_ports(hosts: list[str], ports: list[str]) -> list[tuple[str, str]]:
    """Pair hosts with ports by libpq's rule: one port for all hosts, or one for each."""
    if len(ports) not in {1, len(hosts)}:
        raise ValueError("give one port for all hosts, or one for each")
    if not all(port.isdigit() or not port for port in ports):
        raise ValueError("a port is no number")
    port_list = ports * len(hosts) if len(ports) == 1 else ports
    return [(host, port or _PORT) for host, port in zip(hosts, port_list, strict=True)]
