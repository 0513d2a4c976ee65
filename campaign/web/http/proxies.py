"""Detection of proxies that the settings do not name: all their visitors would share one network, and so one limit."""

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
    """A wrapper of the applications for TOCSIN_PROXIES=0, which notices the first forwarded request.

    A client can send such a header without a proxy, so nothing else changes: no answer, no health check.
    """

    def __init__(self, application: WSGIApplication) -> None:
        """Wrap the application."""
        self._application = application
        self.is_seen = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Look for a forwarded address until the first one, and pass the request on unchanged."""
        if not self.is_seen and any(name in environ for name in _NAMES):
            self.is_seen = True
            log.warning(
                "a request came through a proxy, but TOCSIN_PROXIES is 0, so all visitors behind it share one limit. "
                "Set TOCSIN_PROXIES to the number of proxies in front; if there is none, the header was sent by hand"
            )
        return self._application(environ, start_response)
