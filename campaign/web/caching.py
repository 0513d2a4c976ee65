"""Pages that are the same for everybody: rendered once per version, kept compressed, answered by ETag."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import brotli
from flask import Response, current_app, request

_MOST_KEPT = 500
_SMALL = 500
# Fresh for a second; a cache in front may show an old page while it fetches, and for a day where we are away.
PUBLIC = "public, max-age=1, stale-while-revalidate=5, stale-if-error=86400"
IMMUTABLE = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Kept:
    """One rendered answer in each encoding, with its strong ETag."""

    version: Hashable
    bodies: dict[str, bytes]
    etags: dict[str, str]


class Pages:
    """One application's rendered pages by key."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Kept] = {}

    def answer(
        self, key: Hashable, version: Hashable, render: Callable[[], str | bytes], *, kind: str, control: str = PUBLIC
    ) -> Response:
        """The page under `key`, rendered anew only where `version` is another than that of the kept one."""
        kept = self._kept.get(key)
        if kept is None or kept.version != version:
            kept = _encode(version, render())
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return _respond(kept, kind, control)


def pages() -> Pages:
    """Those of the application at hand."""
    kept: Pages = current_app.extensions["tocsin_pages"]
    return kept


def _encode(version: Hashable, content: str | bytes) -> Kept:
    plain = content.encode() if isinstance(content, str) else content
    bodies = {"": plain}
    if len(plain) >= _SMALL:
        bodies["br"] = brotli.compress(plain, quality=5)
        bodies["gzip"] = gzip.compress(plain, 6, mtime=0)
    digest = hashlib.sha256(plain).hexdigest()[:20]
    return Kept(version, bodies, {name: f'"{digest}{name}"' for name in bodies})


def _respond(kept: Kept, kind: str, control: str) -> Response:
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = next((name for name in ("br", "gzip") if name in accepted and name in kept.bodies), "")
    etag = kept.etags[encoding]
    headers = {"ETag": etag, "Cache-Control": control, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(kept.bodies[encoding], headers=headers, content_type=kind)
