"""Detection of proxies that the settings do not name: all visitors behind one would share a network and its limits."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

FORWARDED_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_ENVIRON_NAMES = tuple("HTTP_" + name.upper().replace("-", "_") for name in FORWARDED_HEADERS)
# The name under which the application stores its `UnknownProxy`.
EXTENSION = "tocsin_unknown_proxy"


class UnknownProxy:
    """A wrapper of the applications for TOCSIN_PROXIES=0, which notices the first forwarded request.

    A client can send such a header without a proxy, so nothing else changes: no answer, no health check.
    """

    def __init__(self, application: WSGIApplication) -> None:
        """Wrap the application."""
        self._application = application
        self.is_seen = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Log the first request with a forwarded address, and pass each request on unchanged."""
        if not self.is_seen and any(name in environ for name in _ENVIRON_NAMES):
            self.is_seen = True
            log.warning(
                "a request came through a proxy, but TOCSIN_PROXIES is 0, so all visitors behind it share one limit. "
                "Set TOCSIN_PROXIES to the number of proxies in front; if there is none, the header was sent by hand"
            )
        return self._application(environ, start_response)
