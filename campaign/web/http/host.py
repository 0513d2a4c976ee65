"""The host check, which refuses requests for another host than that of TOCSIN_BASE_URL; links use the setting.

The client chooses the Host header. A link made from it would lead wherever the client wants: in a mail to another
person, or on a page that is cached for all readers. So another host than the setting's is answered with 421 (RFC 9110,
15.5.20), and an accepted header is replaced by the setting, so that links made by a library use the setting too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

from campaign.config import Settings
from campaign.platform.process.log_throttle import LogThrottle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Load balancers and monitoring address a machine by its own name.
MACHINE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_REQUESTED_HOST = "tocsin.requested_host"
_MAX_KNOWN_HOSTS = 64


class HostCheck:
    """A wrapper of both applications. The header X-Forwarded-Host is never read."""

    def __init__(self, application: WSGIApplication, settings: Settings) -> None:
        """Wrap the application; the settings give the host."""
        parts = urlsplit(settings.base_url)
        self._application = application
        self._scheme = parts.scheme
        self._host = host_name(parts.netloc.rpartition("@")[2])
        self._netloc = self._host if parts.port is None else f"{self._host}:{parts.port}"
        is_local = settings.demo or settings.is_development or self._host in LOCAL_HOSTS
        self._local_hosts = LOCAL_HOSTS - {self._host} if is_local else frozenset()
        self._refusal = _REFUSAL.format(base_url=settings.base_url).encode()
        self._known_hosts: dict[str, str] = {}
        self._throttle = LogThrottle()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse the request, or pass it on as one for the base URL."""
        host_header = environ.get("HTTP_HOST", "")
        name = self._known_hosts.get(host_header) or self._host_name(host_header)
        if name in self._local_hosts:
            # Links are made from the base URL here too; passkeys need the host that the browser shows.
            environ[_REQUESTED_HOST] = host_header
        elif name == self._host or environ["PATH_INFO"] in MACHINE_PATHS:
            environ[_REQUESTED_HOST] = host_header
            environ["HTTP_HOST"], environ["wsgi.url_scheme"] = self._netloc, self._scheme
        else:
            return self._refuse(environ, start_response)
        return self._application(environ, start_response)

    def _host_name(self, host_header: str) -> str:
        """Return the host of the header, and remember it if it is an accepted one."""
        name = host_name(host_header)
        if (name == self._host or name in self._local_hosts) and len(self._known_hosts) < _MAX_KNOWN_HOSTS:
            self._known_hosts[host_header] = name
        return name

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer 421, and log a warning from time to time."""
        if self._throttle.is_due():
            log.warning(
                "refused a request for another host than that of TOCSIN_BASE_URL (421). If people use that address, "
                "correct TOCSIN_BASE_URL; if a proxy is in front, let it pass on the Host header"
            )
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(self._refusal))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response("421 MISDIRECTED REQUEST", headers)
        return (b"",) if environ["REQUEST_METHOD"] == "HEAD" else (self._refusal,)


_REFUSAL = """This site is not at the address that you asked for. It is at {base_url}/

If you run it: the Host header of this request is another host than that of TOCSIN_BASE_URL.
Set TOCSIN_BASE_URL to the address that people use. If a proxy is in front, let it pass on the Host header.
See docs/install.md.
"""


def host_name(netloc: str) -> str:
    """Return the host of a Host header or an address for comparison: without port, in lower case and ASCII.

    Returns the empty string for anything else than a host name and port.
    """
    name, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        name = netloc
    elif port and not (port.isascii() and port.isdigit()):
        return ""
    name = name.lower().removesuffix(".")
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""


def requested_host() -> str:
    """Return the host and port that the browser requested, for comparison with Origin and Referer, never for links."""
    host: str = request.environ.get(_REQUESTED_HOST, "")
    return host
