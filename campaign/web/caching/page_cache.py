"""A cache of pages that are the same for all readers: rendered once per version, stored compressed, with an ETag."""

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

from campaign.platform.runtime import RUNTIME_KEY
from campaign.web.caching.data_cache import seconds_fresh
from campaign.web.caching.response_cache import ResponseCache, accepted_coding
from campaign.web.http.headers import ProtectedResponse, standard_headers

_MAX_PAGES = 500
_MIN_COMPRESSED = 500  # bytes; smaller pages are not compressed
# Fresh for a second. A cache in front may show an old page for another second while it fetches, and for a day while
# this site is down.
PUBLIC = "public, max-age=1, stale-while-revalidate=1, stale-if-error=86400"
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A rendered answer in each encoding, with its strong ETag and all its headers."""

    version: Hashable
    bodies: dict[str, bytes]
    etags: dict[str, str]
    headers: dict[str, Headers]


def init_app(app: Flask) -> None:
    """Wrap the application in the response cache."""
    app.extensions["tocsin_page_cache"] = PageCache()

    def clock() -> datetime:
        now: datetime = app.extensions[RUNTIME_KEY].clock()
        return now

    response_cache = ResponseCache(app.wsgi_app, clock)
    app.extensions["tocsin_response_cache"] = response_cache
    app.wsgi_app = response_cache  # type: ignore[method-assign]


class PageCache:
    """The rendered pages of one application by key."""

    def __init__(self) -> None:
        """Create an empty cache."""
        self._pages: dict[Hashable, CachedPage] = {}
        self._render_locks: dict[Hashable, threading.Lock] = {}

    def answer(
        self,
        key: Hashable,
        version: Hashable,
        render: Callable[[], str | bytes],
        *,
        content_type: str,
        cache_control: str = PUBLIC,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Return the page under `key`, rendered again only if `version` differs from the cached one.

        `headers` replace the standard ones of the same name; an empty value leaves the header out.
        """
        page = self._pages.get(key)
        if page is None or page.version != version:
            # One thread renders; only requests for the same page wait for it.
            with self._render_locks.setdefault(key, threading.Lock()):
                page = self._pages.get(key)
                if page is None or page.version != version:
                    own_headers = (("Content-Type", content_type), ("Cache-Control", cache_control), *headers)
                    page = _encode(version, render(), own_headers)
                    if len(self._pages) >= _MAX_PAGES:
                        self._pages.clear()
                        self._render_locks.clear()
                    self._pages[key] = page
        return _respond(page)


def page_cache() -> PageCache:
    """Return the page cache of the current application."""
    cache: PageCache = current_app.extensions["tocsin_page_cache"]
    return cache


def _encode(version: Hashable, content: str | bytes, own_headers: tuple[tuple[str, str], ...]) -> CachedPage:
    """Return the page in each encoding; "" is the one without compression."""
    body_bytes = content.encode() if isinstance(content, str) else content
    bodies = {"": body_bytes}
    if len(body_bytes) >= _MIN_COMPRESSED:
        # The best compression takes a tenth of a second: right for a file, which is compressed once, but too slow for a
        # page, which may be rendered every second.
        is_immutable = ("Cache-Control", IMMUTABLE) in own_headers
        bodies["br"] = brotli.compress(body_bytes, quality=11 if is_immutable else 5)
        bodies["gzip"] = gzip.compress(body_bytes, 6, mtime=0)
    digest = hashlib.sha256(body_bytes).hexdigest()[:20]
    etags = {name: f'"{digest}{name}"' for name in bodies}
    headers = {}
    for name, body in bodies.items():
        headers[name] = Headers([*standard_headers(), ("Vary", "Accept-Encoding")])
        coding = [("Content-Encoding", name)] if name else []
        for header, value in (("Content-Length", str(len(body))), ("ETag", etags[name]), *coding, *own_headers):
            if value:
                headers[name][header] = value
            else:
                headers[name].remove(header)
    return CachedPage(version, bodies, etags, headers)


def _respond(page: CachedPage) -> Response:
    """Return the page in the browser's encoding, or 304 if it has it already; store a page without a query whole."""
    coding = accepted_coding(request.headers.get("Accept-Encoding", ""))
    encoding = coding if coding in page.bodies else ""
    if request.method == "GET" and not request.query_string:
        response_cache: ResponseCache = current_app.extensions["tocsin_response_cache"]
        answer = "200 OK", list(page.headers[encoding]), page.bodies[encoding]
        response_cache.store(request.environ["PATH_INFO"], coding, answer, seconds_fresh())
    headers = page.headers[encoding].copy()
    if page.etags[encoding] in request.headers.get("If-None-Match", ""):
        for name in ("Content-Type", "Content-Length", "Content-Encoding"):
            headers.remove(name)
        return ProtectedResponse(status=304, headers=headers)
    return ProtectedResponse(page.bodies[encoding], headers=headers)
