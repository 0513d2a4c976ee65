"""Our own files, style and script, under names that change with their content: fetched once, kept for ever."""

from __future__ import annotations

import hashlib
import mimetypes
from urllib.parse import quote

from flask import Blueprint, Flask, Response, abort

from campaign.config import ROOT
from campaign.platform.runtime import KEY
from campaign.theme import Theme
from campaign.web.caching.page_cache import IMMUTABLE, page_cache

_FOLDER = ROOT / "campaign" / "static"
# A style or a script opened by itself may do nothing at all.
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A picture may hold a style of its own; as an image it can do nothing else.
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
# In the page itself: a request of its own would weigh four times as much.
_ICON = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='{}'/></svg>"
# What these say holds for pages alone; the first visit is to fit into one round trip.
_OF_PAGES = (("Permissions-Policy", ""), ("Cross-Origin-Opener-Policy", ""))
blueprint = Blueprint("assets", __name__)


def init_app(app: Flask) -> None:
    """Gives templates `asset(name)`, the address of a file with its digest in it, and `icon`."""
    theme = app.extensions[KEY].settings.theme
    folder = _files(theme)
    digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in folder.items()}
    kept = {f"{digests[name]}/{name}": content for name, content in folder.items()}
    app.jinja_env.globals["asset"] = lambda name: f"/static/{digests[name]}/{name}"
    app.jinja_env.globals["theme"] = theme
    app.jinja_env.globals["icon"] = "data:image/svg+xml," + quote(_ICON.format(theme.light["signal"]), safe=" /:=")

    @app.get("/static/<digest>/<name>", endpoint="assets.file")
    def _file(digest: str, name: str) -> Response:
        content = kept.get(f"{digest}/{name}")
        if content is None:
            abort(404)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith(("text/", "application/javascript")):
            kind += "; charset=utf-8"
        policy = IMAGE_POLICY if kind.startswith("image/") else FILE_POLICY
        # An embed in a sandbox has no origin: nothing is its own there, not even its style.
        frames = ("Cross-Origin-Resource-Policy", "cross-origin")
        instead = (("Content-Security-Policy", policy), frames, *_OF_PAGES)
        return page_cache().answer(
            ("asset", name), digest, lambda: content, kind=kind, control=IMMUTABLE, instead=instead
        )


def _files(theme: Theme) -> dict[str, bytes]:
    """What lies in static/, the style with the theme's colours before it, and the theme's own pictures."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.is_file()}
    files["tocsin.css"] = theme.tokens().encode() + files["tocsin.css"]
    if theme.logo is not None:
        files[theme.logo.file] = theme.logo.content
    return files
