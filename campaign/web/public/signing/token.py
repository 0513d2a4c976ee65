"""Reading the token in a mailed link, and the pages for those that no longer work."""

from __future__ import annotations

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.errors import ExpiredTokenError, TokenError
from campaign.domain.signing.token import Link, Purpose
from campaign.platform.runtime import runtime
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.web.public.signing.mended_link import mended_link


def read(purpose: Purpose, token: str) -> Link:
    """Return the link, which opens nothing before it is compared with its row. Raises TokenError."""
    at = runtime()
    return at.tokens.read(purpose, token, at.clock())


def opened(purpose: Purpose, token: str) -> SignatureView | None:
    """Return the signature that the link is for; None where it was erased, or the id is another's by now.

    Raises TokenError, CipherError.
    """
    link = read(purpose, token)
    signature = find_signature(link.subject, runtime().vault)
    return signature if signature is not None and link.opens(signature.link_key) else None


def signer(token: str) -> SignatureView | ResponseReturnValue:
    """Whose `manage` link this is, or the page that says what is wrong with it."""
    try:
        signature = opened(Purpose.MANAGE, token)
    except TokenError as error:
        return unusable(error)
    if signature is None:
        return render_template("public/signing/gone.html", reason="erased", slug=""), 410
    return signature


def unusable(error: TokenError) -> ResponseReturnValue:
    """Says what is wrong with the link and offers to send a new one, to whatever address is typed."""
    is_expired = isinstance(error, ExpiredTokenError)
    # A full stop behind it may be the sentence's.
    if not is_expired and (onward := mended_link(current_app)) is not None:
        return onward
    page = render_template("public/signing/bad_link.html", is_expired=is_expired, error=None, question=None, email="")
    return page, 410 if is_expired else 404
