"""Answers before Flask: a page that is known to be fresh needs no routing, no request object, no hooks.

What is put here is the same for everybody (see caching) and stays only as long as the counts it was made from, so it
never makes a page older than the snapshot does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MOST_KEPT = 500
# The codings that answers are stored in, the smallest first; a browser may call the last one by its old name, too.
_CODINGS = ("br", "gzip")
_OLD_NAMES = {"x-gzip": "gzip"}
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
# Browsers send a few dozen values, none of them long.
_MOST_HEADERS, _LONGEST_HEADER = 256, 200
_NO_BODY = {"Content-Type", "Content-Length", "Content-Encoding"}
_WholeAnswer = tuple[str, list[tuple[str, str]], bytes]


class ResponseCache:
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
    """Return the smallest stored coding that the browser takes: `br`, `gzip`, or "" for none (RFC 9110, 12.5.3).

    A coding that the browser ranks higher comes first. Whatever cannot be read is taken for a refusal, as each browser
    reads an answer without a coding.
    """
    # A whole page costs a few microseconds here: a header is read once, and a stranger's long ones are not stored.
    return _read_coding(accept_encoding) if len(accept_encoding) <= _LONGEST_HEADER else ""


@lru_cache(_MOST_HEADERS)
def _read_coding(accept_encoding: str) -> str:
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        name, *parameters = (part.strip(" \t") for part in item.split(";"))
        name = _OLD_NAMES.get(name, name)
        # Of two weights of one coding the smaller holds.
        weights[name] = min(weights.get(name, 1.0), *map(_weight, parameters), 1.0)
    others = weights.get("*", 0.0)
    best = max(_CODINGS, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name != "q":
        return 1.0
    return float(value) if _WEIGHT.fullmatch(value) else 0.0
