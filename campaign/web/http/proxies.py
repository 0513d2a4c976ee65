"""Proxies in front that the settings do not know of: all their visitors would share one network, and so one limit."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_NAMES = tuple("HTTP_" + name.upper().replace("-", "_") for name in FORWARDED)
KEY = "tocsin_unknown_proxy"


class UnknownProxy:
    """Wraps the applications where TOCSIN_PROXIES is 0: notices the first request that a proxy has passed on.

    A stranger can send such a header too, so nothing else changes: no answer, no health check.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.is_seen = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Look for a forwarded address until there was one, and pass the request on as it is."""
        if not self.is_seen and any(name in environ for name in _NAMES):
            self.is_seen = True
            log.warning(
                "a request came through a proxy, but TOCSIN_PROXIES is 0, so all visitors behind it share one limit. "
                "Set TOCSIN_PROXIES to the number of proxies in front; if there is none, the header was sent by hand"
            )
        return self._application(environ, start_response)
