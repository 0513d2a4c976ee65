"""Our own files, style and script, under names that change with their content: fetched once, kept for ever."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Flask, Response, abort

from campaign.web.caching import IMMUTABLE, pages

_FOLDER = Path(__file__).parent.parent.parent / "static"
blueprint = Blueprint("assets", __name__)


def init_app(app: Flask) -> None:
    """Gives templates `asset(name)`, the address of a file with its digest in it."""
    folder = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.is_file()}
    digests = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in folder.items()}
    app.extensions["tocsin_assets"] = {f"{digests[name]}/{name}": content for name, content in folder.items()}
    app.jinja_env.globals["asset"] = lambda name: f"/static/{digests[name]}/{name}"

    @app.get("/static/<digest>/<name>", endpoint="assets.file")
    def _file(digest: str, name: str) -> Response:
        content = app.extensions["tocsin_assets"].get(f"{digest}/{name}")
        if content is None:
            abort(404)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith(("text/", "application/javascript")):
            kind += "; charset=utf-8"
        return pages().answer(("asset", name), digest, lambda: content, kind=kind, control=IMMUTABLE)
