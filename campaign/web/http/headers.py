"""Security headers of every answer, and the refusal of POSTs from other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

from campaign.platform.runtime import runtime
from campaign.web.http.admission import SAFE_METHODS
from campaign.web.http.host import requested_host

# Public pages are the same for all readers and cached, so there is no nonce: scripts and styles are own files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_STANDARD_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
)
# They replace the standard headers of embeds and their errors, which any site may frame. "" leaves the header out.
FRAMEABLE_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")),
    ("X-Frame-Options", ""),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
# For answers that scripts and pages of any site may read.
CROSS_ORIGIN_HEADERS = (("Access-Control-Allow-Origin", "*"), ("Cross-Origin-Resource-Policy", "cross-origin"))
_TRANSPORT_SECURITY = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
# Mail programs post the one-click unsubscription from any origin (RFC 8058). Its signed token is the permission.
_CROSS_SITE_ENDPOINTS = {"unsubscribe.create"}
# A frame in a sandbox has no origin of its own, so its form seems to come from another site. Another site's frame can
# send the same headers, so such a form always needs the human check (`limits.admit`).
_SANDBOX_ENDPOINTS = {"embed.create"}


def init_app(app: Flask) -> None:
    """Set the headers of every answer and refuse POSTs from other sites."""

    @app.before_request
    def _refuse_other_sites() -> None:
        if request.method in SAFE_METHODS or request.endpoint in _CROSS_SITE_ENDPOINTS or not _is_cross_site():
            return
        if request.endpoint not in _SANDBOX_ENDPOINTS or not is_sandboxed():
            abort(403)

    @app.after_request
    def _add_headers(response: Response) -> Response:
        if not isinstance(response, ProtectedResponse):
            present = {name.lower() for name, _ in response.headers}
            standard = dict(
                (*standard_headers(), ("Cache-Control", "no-store"), *(FRAMEABLE_HEADERS if is_embed() else ()))
            )
            response.headers.extend(
                [(name, standard[name]) for name in standard if standard[name] and name.lower() not in present]
            )
        return response


class ProtectedResponse(Response):
    """An answer that has the standard headers already: a cached page gets them once, not at every request."""


def standard_headers() -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer, including Strict-Transport-Security where the site uses TLS."""
    return (*_STANDARD_HEADERS, _TRANSPORT_SECURITY) if runtime().settings.is_https else _STANDARD_HEADERS


def is_embed() -> bool:
    """Return whether the request is for a frame on another site.

    The staff application has no such pages, but its paths start again at `/` and may begin with /embed/ too.
    """
    return "embed" in current_app.blueprints and request.path.startswith("/embed/")


def is_sandboxed() -> bool:
    """Return whether a form was sent by a sandboxed frame without an origin of its own (HTML, 7.1.5)."""
    return request.headers.get("Origin") == "null"


def _is_cross_site() -> bool:
    """Return whether another site sent this request, judged by Sec-Fetch-Site, else by Origin; False without both."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    own_hosts = {urlsplit(runtime().settings.base_url).netloc, requested_host()}
    return urlsplit(origin).netloc not in own_hosts
