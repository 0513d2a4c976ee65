"""Security headers of every answer, and the refusal of POSTs from other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

from campaign.platform.runtime import runtime
from campaign.web.http.host import asked_host

# Public pages are the same for all readers and cached, so there is no nonce: scripts and styles are own files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_ALWAYS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
)
# For embeds and their errors, in place of the standard headers: any site may frame them. "" leaves the header out.
FRAMEABLE = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")),
    ("X-Frame-Options", ""),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
_TRANSPORT = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Mail programs post the one click from any origin (RFC 8058); its signed token is the permission.
_CROSS_SITE_ENDPOINTS = {"unsubscribe.create"}
# A frame in a sandbox has no origin of its own, so its form seems to come from another site. A frame with other
# content may send the same, so such a form must first prove that it is this site's (`limits.admit`).
_SANDBOX_ENDPOINTS = {"embed.create"}


def init_app(app: Flask) -> None:
    """Set the headers of every answer and refuse POSTs from other sites."""

    @app.before_request
    def _refuse_other_sites() -> None:
        if request.method in _SAFE_METHODS or request.endpoint in _CROSS_SITE_ENDPOINTS or not _is_foreign():
            return
        if request.endpoint not in _SANDBOX_ENDPOINTS or not is_sandboxed():
            abort(403)

    @app.after_request
    def _protect(response: Response) -> Response:
        if not isinstance(response, ProtectedResponse):
            present = {name.lower() for name, _ in response.headers}
            standard = dict((*standard_headers(), ("Cache-Control", "no-store"), *(FRAMEABLE if is_embed() else ())))
            response.headers.extend(
                [(name, standard[name]) for name in standard if standard[name] and name.lower() not in present]
            )
        return response


class ProtectedResponse(Response):
    """An answer that has the standard headers: a cached page gets them once, not at every request."""


def standard_headers() -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer; with TLS among them Strict-Transport-Security."""
    return (*_ALWAYS, _TRANSPORT) if runtime().settings.is_https else _ALWAYS


def is_embed() -> bool:
    """Return whether the request is for a frame on another site.

    The staff application, whose paths begin anew, has no such pages.
    """
    return "embed" in current_app.blueprints and request.path.startswith("/embed/")


def is_sandboxed() -> bool:
    """Return whether a form was sent by a sandboxed frame without an origin of its own (HTML, 7.1.5)."""
    return request.headers.get("Origin") == "null"


def _is_foreign() -> bool:
    """Return whether another site sent this: by Sec-Fetch-Site, else by Origin; without both it is accepted."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    own_hosts = {urlsplit(runtime().settings.base_url).netloc, asked_host()}
    return urlsplit(origin).netloc not in own_hosts
