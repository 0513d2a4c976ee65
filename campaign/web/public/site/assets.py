"""The site's own style and script files, under names with their digest, so that browsers fetch them once."""

from __future__ import annotations

import hashlib
import mimetypes
from urllib.parse import quote

from flask import Blueprint, Flask, Response, abort

from campaign.config import ROOT
from campaign.platform.runtime import RUNTIME_KEY
from campaign.theme import Theme
from campaign.web.caching.page_cache import IMMUTABLE, page_cache

_FOLDER = ROOT / "campaign" / "static"
# A style or script opened directly may do nothing.
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A picture may have a style of its own, and nothing else.
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
# Part of the page: a separate request would cost four times as many bytes.
_ICON = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='{}'/></svg>"
# These headers matter for pages only; without them the first visit fits into one round trip.
_WITHOUT_PAGE_HEADERS = (("Permissions-Policy", ""), ("Cross-Origin-Opener-Policy", ""))
blueprint = Blueprint("assets", __name__)


def init_app(app: Flask) -> None:
    """Give templates `asset(name)`, the address of a file with its digest, and `icon`."""
    theme = app.extensions[RUNTIME_KEY].settings.theme
    folder = _files(theme)
    digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in folder.items()}
    contents = {f"{digests[name]}/{name}": content for name, content in folder.items()}
    app.jinja_env.globals["asset"] = lambda name: f"/static/{digests[name]}/{name}"
    app.jinja_env.globals["theme"] = theme
    app.jinja_env.globals["icon"] = "data:image/svg+xml," + quote(_ICON.format(theme.light["signal"]), safe=" /:=")

    @app.get("/static/<digest>/<name>", endpoint="assets.file")
    def _file(digest: str, name: str) -> Response:
        content = contents.get(f"{digest}/{name}")
        if content is None:
            abort(404)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith(("text/", "application/javascript")):
            kind += "; charset=utf-8"
        policy = IMAGE_POLICY if kind.startswith("image/") else FILE_POLICY
        # An embed in a sandbox has no origin, so even its own style is cross-origin.
        frames = ("Cross-Origin-Resource-Policy", "cross-origin")
        instead = (("Content-Security-Policy", policy), frames, *_WITHOUT_PAGE_HEADERS)
        return page_cache().answer(
            ("asset", name), digest, lambda: content, kind=kind, control=IMMUTABLE, instead=instead
        )


def _files(theme: Theme) -> dict[str, bytes]:
    """Return the files of static/, the theme's colours at the start of the style, and the theme's pictures."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.is_file()}
    files["tocsin.css"] = theme.tokens().encode() + files["tocsin.css"]
    if theme.logo is not None:
        files[theme.logo.file] = theme.logo.content
    return files
