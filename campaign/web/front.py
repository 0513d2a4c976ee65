"""Answers before Flask: a page that is known to be fresh needs no routing, no request object, no hooks.

What is put here is the same for everybody (see caching) and stays only as long as the counts it was made from, so it
never makes a page older than the snapshot does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MOST_KEPT = 500
_NO_BODY = {"Content-Type", "Content-Length", "Content-Encoding"}
_WholeAnswer = tuple[str, list[tuple[str, str]], bytes]


class Front:
    """Wraps an application; `keep` is how its views put an answer here."""

    def __init__(self, application: WSGIApplication, clock: Callable[[], datetime]) -> None:
        self._application = application
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[datetime, datetime, _WholeAnswer]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The kept answer where there is a fresh one; else the application's."""
        if environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING"):
            coding = accepted_coding(environ.get("HTTP_ACCEPT_ENCODING", ""))
            found = self._kept.get((environ["PATH_INFO"], coding))
            # A clock that was set back must not keep a page alive.
            if found is not None and found[0] <= self._clock() < found[1]:
                status, headers, body = found[2]
                asked = environ.get("HTTP_IF_NONE_MATCH")
                if asked and any(name == "ETag" and value in asked for name, value in headers):
                    start_response("304 NOT MODIFIED", [pair for pair in headers if pair[0] not in _NO_BODY])
                    return ()
                start_response(status, headers.copy())
                return (body,)
        return self._application(environ, start_response)

    def keep(self, path: str, coding: str, answer: _WholeAnswer, seconds: float) -> None:
        """Gives this answer to GETs of the path without a query, for so long."""
        now = self._clock()
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[path, coding] = now, now + timedelta(seconds=seconds), answer

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()


def accepted_coding(accept_encoding: str) -> str:
    """The smallest coding of ours that the browser takes: `br`, `gzip` or none."""
    return next((name for name in ("br", "gzip") if name in accept_encoding), "")
