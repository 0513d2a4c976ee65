"""The site's style sheets, scripts and pictures; their addresses have a digest, so that browsers fetch them once."""

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
# A style or script that is opened as a page of its own may do nothing.
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"
# A picture may use its own inline style, and load nothing.
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
# The icon is part of the page: a separate request would cost four times as many bytes.
_ICON = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='{}'/></svg>"
# These headers matter for pages only; without them the first visit fits into one round trip.
_WITHOUT_PAGE_HEADERS = (("Permissions-Policy", ""), ("Cross-Origin-Opener-Policy", ""))
blueprint = Blueprint("assets", __name__)


def init_app(app: Flask) -> None:
    """Give templates `asset(name)`, the address of a file with its digest, and `icon`."""
    theme = app.extensions[RUNTIME_KEY].settings.theme
    files = _files(theme)
    digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in files.items()}
    contents = {f"{digests[name]}/{name}": content for name, content in files.items()}
    app.jinja_env.globals["asset"] = lambda name: f"/static/{digests[name]}/{name}"
    app.jinja_env.globals["theme"] = theme
    app.jinja_env.globals["icon"] = "data:image/svg+xml," + quote(_ICON.format(theme.light["signal"]), safe=" /:=")

    @app.get("/static/<digest>/<name>", endpoint="assets.file")
    def _file(digest: str, name: str) -> Response:
        content = contents.get(f"{digest}/{name}")
        if content is None:
            abort(404)
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if content_type.startswith(("text/", "application/javascript")):
            content_type += "; charset=utf-8"
        policy = IMAGE_POLICY if content_type.startswith("image/") else FILE_POLICY
        # An embed in a sandbox has no origin, so even its own style is cross-origin.
        cross_origin = ("Cross-Origin-Resource-Policy", "cross-origin")
        return page_cache().answer(
            ("asset", name),
            digest,
            lambda: content,
            content_type=content_type,
            cache_control=IMMUTABLE,
            headers=(("Content-Security-Policy", policy), cross_origin, *_WITHOUT_PAGE_HEADERS),
        )


def _files(theme: Theme) -> dict[str, bytes]:
    """Return the files of static/, the theme's colours at the start of the style, and the theme's pictures."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.is_file()}
    files["tocsin.css"] = theme.tokens().encode() + files["tocsin.css"]
    if theme.logo is not None:
        files[theme.logo.file] = theme.logo.content
    return files
