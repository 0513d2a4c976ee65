"""A mail's HTML on a page of ours: in a frame of its own, where its inline style holds and nothing runs or loads."""

from __future__ import annotations

from flask import Response, make_response

from campaign.web.http.headers import CONTENT_SECURITY_POLICY


def framed(html: str, *, leads_on: bool = False) -> Response:
    """The HTML part alone, for the frame; with `leads_on` its links open the whole page."""
    sandbox = "sandbox allow-top-navigation-by-user-activation" if leads_on else "sandbox"
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; {sandbox}"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def framing(page: str) -> Response:
    """The page around the frame."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response
