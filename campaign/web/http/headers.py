"""What every answer says to the browser, and the refusal of POSTs from other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

from campaign.platform.runtime import runtime
from campaign.web.http.host import asked_host

# Public pages are the same for everybody and cached, so there is no nonce: scripts and styles are files of ours.
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
# For embeds, errors too, in place of the standard ones: any site may frame them. An empty value leaves the header out.
FRAMEABLE = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")),
    ("X-Frame-Options", ""),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
_TRANSPORT = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Mail programs post the one click from wherever they are (RFC 8058); its signed token is the permission.
_FROM_ANYWHERE = {"unsubscribe.create"}
# A frame that its site keeps in a sandbox has no origin of its own, so its form seems to come from elsewhere. A frame
# with something else in it may send the same, so such a form must first show that it is ours (guard.admit).
_FROM_SANDBOX = {"embed.create"}


def init_app(app: Flask) -> None:
    """Sets the headers and guards the POSTs."""

    @app.before_request
    def _refuse_other_sites() -> None:
        if request.method in _SAFE_METHODS or request.endpoint in _FROM_ANYWHERE or not _is_foreign():
            return
        if request.endpoint not in _FROM_SANDBOX or not is_sandboxed():
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
    """An answer made with the standard headers: a kept page gets them once, not at every request."""


def standard_headers() -> tuple[tuple[str, str], ...]:
    """What every answer says; by TLS also that it will stay so."""
    return (*_ALWAYS, _TRANSPORT) if runtime().settings.is_https else _ALWAYS


def is_embed() -> bool:
    """Whether the request is for a frame on another site; the staff app, whose paths begin anew, has no such pages."""
    return "embed" in current_app.blueprints and request.path.startswith("/embed/")


def is_sandboxed() -> bool:
    """Return whether a form was sent by a frame in a sandbox without an origin of its own (HTML, 7.1.5)."""
    return request.headers.get("Origin") == "null"


def _is_foreign() -> bool:
    """Whether another site sent this: Sec-Fetch-Site decides; without it Origin; with neither it is taken."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    ours = {urlsplit(runtime().settings.base_url).netloc, asked_host()}
    return urlsplit(origin).netloc not in ours
