"""Reading the token in a mailed link, and the pages for those that no longer work."""

from __future__ import annotations

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.errors import ExpiredTokenError, TokenError
from campaign.domain.token import Purpose
from campaign.extensions.runtime import runtime
from campaign.queries.signature import SignatureView, find_signature
from campaign.web.public.mended_link import mended_link


def read(purpose: Purpose, token: str) -> int:
    """The signature's id. Raises TokenError."""
    at = runtime()
    return at.tokens.read(purpose, token, at.clock()).subject


def signer(token: str) -> SignatureView | ResponseReturnValue:
    """Whose `manage` link this is, or the page that says what is wrong with it."""
    try:
        signature = find_signature(read(Purpose.MANAGE, token), runtime().vault)
    except TokenError as error:
        return unusable(error)
    if signature is None:
        return render_template("public/gone.html", reason="erased", signature=None), 410
    return signature


def unusable(error: TokenError) -> ResponseReturnValue:
    """Says what is wrong with the link and offers to send a new one, to whatever address is typed."""
    is_expired = isinstance(error, ExpiredTokenError)
    # A full stop behind it may be the sentence's.
    if not is_expired and (onward := mended_link(current_app)) is not None:
        return onward
    page = render_template("public/bad_link.html", is_expired=is_expired, error=None, email="")
    return page, 410 if is_expired else 404
