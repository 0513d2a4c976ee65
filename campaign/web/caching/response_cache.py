"""A cache of whole answers before Flask: a fresh page needs no routing, no request object, no hooks.

Only answers that are the same for all readers are stored (see `page_cache`). An answer is fresh as long as its data is,
so a page from this cache is never older than one that is rendered from the data cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MAX_ANSWERS = 500
# The codings of stored answers, the smallest first.
_CODINGS = ("br", "gzip")
# RFC 9110, 8.4.1.3.
_OLD_NAMES = {"x-gzip": "gzip"}
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
# Browsers send short values. The limit bounds the time for parsing a hostile one.
_MAX_ACCEPT_ENCODING_LENGTH = 200
_BODY_HEADERS = {"Content-Type", "Content-Length", "Content-Encoding"}
_WholeAnswer = tuple[str, list[tuple[str, str]], bytes]


class ResponseCache:
    """A wrapper of the application that answers from stored answers; `store` adds one."""

    def __init__(self, application: WSGIApplication, clock: Callable[[], datetime]) -> None:
        """Wrap the application; `clock` returns the current time."""
        self._application = application
        self._clock = clock
        self._answers: dict[tuple[str, str], tuple[datetime, datetime, _WholeAnswer]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Return the stored answer if there is a fresh one, else the application's."""
        if environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING"):
            coding = accepted_coding(environ.get("HTTP_ACCEPT_ENCODING", ""))
            entry = self._answers.get((environ["PATH_INFO"], coding))
            # An answer stored before the clock was set back is not fresh.
            if entry is not None and entry[0] <= self._clock() < entry[1]:
                status, headers, body = entry[2]
                known_etags = environ.get("HTTP_IF_NONE_MATCH")
                if known_etags and any(name == "ETag" and value in known_etags for name, value in headers):
                    start_response("304 NOT MODIFIED", [pair for pair in headers if pair[0] not in _BODY_HEADERS])
                    return ()
                start_response(status, headers.copy())
                return (body,)
        return self._application(environ, start_response)

    def store(self, path: str, coding: str, answer: _WholeAnswer, seconds: float) -> None:
        """Store the answer to a GET of the path without a query, for the given number of seconds."""
        now = self._clock()
        if len(self._answers) >= _MAX_ANSWERS:
            self._answers.clear()
        self._answers[path, coding] = now, now + timedelta(seconds=seconds), answer

    def clear(self) -> None:
        """Remove all answers."""
        self._answers.clear()


def accepted_coding(accept_encoding: str) -> str:
    """Return the smallest stored coding that the browser accepts: `br`, `gzip`, or "" for none (RFC 9110, 12.5.3).

    A coding that the browser ranks higher comes first. An unreadable value counts as a refusal, since every browser can
    read an answer without a coding. So does a value of more than 200 characters.
    """
    if len(accept_encoding) > _MAX_ACCEPT_ENCODING_LENGTH:
        return ""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        name, *parameters = (part.strip(" \t") for part in item.split(";"))
        name = _OLD_NAMES.get(name, name)
        # If a coding is listed twice, its smaller weight counts.
        weights[name] = min(weights.get(name, 1.0), *map(_weight, parameters), 1.0)
    default_weight = weights.get("*", 0.0)
    best = max(_CODINGS, key=lambda name: weights.get(name, default_weight))
    weight = weights.get(best, default_weight)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def _weight(parameter: str) -> float:
    """Return the weight of a parameter such as `q=0.5`: 0 if it is unreadable, 1 for a parameter of another name."""
    name, _, value = parameter.partition("=")
    if name != "q":
        return 1.0
    return float(value) if _WEIGHT.fullmatch(value) else 0.0
