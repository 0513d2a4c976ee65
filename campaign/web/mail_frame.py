"""Frames that show the HTML of a mail inside a page: its inline style works there, and nothing in it runs or loads."""

from __future__ import annotations

from flask import Response, make_response

from campaign.web.http.headers import CONTENT_SECURITY_POLICY


def frame_content(html: str, *, opens_links: bool = False) -> Response:
    """Return the HTML alone, as the content of the frame; with `opens_links` its links open in the whole window."""
    sandbox = "sandbox allow-top-navigation-by-user-activation" if opens_links else "sandbox"
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; {sandbox}"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def page_with_frame(page: str) -> Response:
    """Return the answer with a page that has the frame in it."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return response
