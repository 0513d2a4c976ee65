"""Pages that are the same for everybody: rendered once per version, kept compressed, answered by ETag."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

import brotli
from flask import Flask, Response, current_app, request
from werkzeug.datastructures import Headers

from campaign.platform.runtime import KEY
from campaign.web.caching.data_cache import seconds_fresh
from campaign.web.caching.response_cache import ResponseCache, accepted_coding
from campaign.web.http.headers import ProtectedResponse, standard_headers

_MOST_KEPT = 500
_SMALL = 500
# Fresh for a second; a cache in front may show an old page for another one while it fetches, and for a day where we are
# away.
PUBLIC = "public, max-age=1, stale-while-revalidate=1, stale-if-error=86400"
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class CachedPage:
    """One rendered answer in each encoding, with its strong ETag and all its headers."""

    version: Hashable
    bodies: dict[str, bytes]
    etags: dict[str, str]
    headers: dict[str, Headers]


def init_app(app: Flask) -> None:
    """Puts the kept answers in front of the application."""
    app.extensions["tocsin_pages"] = PageCache()

    def clock() -> datetime:
        now: datetime = app.extensions[KEY].clock()
        return now

    front = ResponseCache(app.wsgi_app, clock)
    app.extensions["tocsin_front"] = front
    app.wsgi_app = front  # type: ignore[method-assign]


class PageCache:
    """One application's rendered pages by key."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, CachedPage] = {}
        self._making: dict[Hashable, threading.Lock] = {}

    def answer(
        self,
        key: Hashable,
        version: Hashable,
        render: Callable[[], str | bytes],
        *,
        kind: str,
        control: str = PUBLIC,
        instead: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """The page under `key`, rendered anew only where `version` is another than that of the kept one.

        `kind` is its Content-Type; the headers `instead` stand for the standard ones of their name; an
        empty one leaves it out.
        """
        kept = self._kept.get(key)
        if kept is None or kept.version != version:
            # One thread renders while those who want the same page wait for it, those who want another do not.
            with self._making.setdefault(key, threading.Lock()):
                kept = self._kept.get(key)
                if kept is None or kept.version != version:
                    kept = _encode(version, render(), (("Content-Type", kind), ("Cache-Control", control), *instead))
                    if len(self._kept) >= _MOST_KEPT:
                        self._kept.clear()
                        self._making.clear()
                    self._kept[key] = kept
        return _respond(kept)


def page_cache() -> PageCache:
    """Those of the application at hand."""
    kept: PageCache = current_app.extensions["tocsin_pages"]
    return kept


def _encode(version: Hashable, content: str | bytes, own: tuple[tuple[str, str], ...]) -> CachedPage:
    plain = content.encode() if isinstance(content, str) else content
    bodies = {"": plain}
    if len(plain) >= _SMALL:
        # What never changes is worth a tenth of a second, once; a page is not, each second.
        is_lasting = ("Cache-Control", IMMUTABLE) in own
        bodies["br"] = brotli.compress(plain, quality=11 if is_lasting else 5)
        bodies["gzip"] = gzip.compress(plain, 6, mtime=0)
    digest = hashlib.sha256(plain).hexdigest()[:20]
    etags = {name: f'"{digest}{name}"' for name in bodies}
    headers = {}
    for name, body in bodies.items():
        headers[name] = Headers([*standard_headers(), ("Vary", "Accept-Encoding")])
        coding = [("Content-Encoding", name)] if name else []
        for header, value in (("Content-Length", str(len(body))), ("ETag", etags[name]), *coding, *own):
            if value:
                headers[name][header] = value
            else:
                headers[name].remove(header)
    return CachedPage(version, bodies, etags, headers)


def _respond(kept: CachedPage) -> Response:
    coding = accepted_coding(request.headers.get("Accept-Encoding", ""))
    encoding = coding if coding in kept.bodies else ""
    if request.method == "GET" and not request.query_string:
        front: ResponseCache = current_app.extensions["tocsin_front"]
        answer = "200 OK", list(kept.headers[encoding]), kept.bodies[encoding]
        front.keep(request.environ["PATH_INFO"], coding, answer, seconds_fresh())
    headers = kept.headers[encoding].copy()
    if kept.etags[encoding] in request.headers.get("If-None-Match", ""):
        for name in ("Content-Type", "Content-Length", "Content-Encoding"):
            headers.remove(name)
        return ProtectedResponse(status=304, headers=headers)
    return ProtectedResponse(kept.bodies[encoding], headers=headers)
