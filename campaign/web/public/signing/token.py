"""Tokens in mailed links, and the pages for links that no longer work."""

from __future__ import annotations

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.errors import ExpiredTokenError, TokenError
from campaign.domain.signing.token import Link, Purpose
from campaign.platform.runtime import runtime
from campaign.queries.signing.signature import SignatureView, find_signature
from campaign.web.public.signing.mended_link import mended_link


def read_link(purpose: Purpose, token: str) -> Link:
    """Return the link. It must still be compared with its row before it opens anything. Raises TokenError."""
    app_runtime = runtime()
    return app_runtime.tokens.read(purpose, token, app_runtime.clock())


def find_signature_of(purpose: Purpose, token: str) -> SignatureView | None:
    """Return the signature of the link; None if it was erased or its id belongs to another one now.

    Raises TokenError, CipherError.
    """
    link = read_link(purpose, token)
    signature = find_signature(link.row_id, runtime().vault)
    return signature if signature is not None and link.opens(signature.link_key) else None


def signer_or_refusal(token: str) -> SignatureView | ResponseReturnValue:
    """Return the signature of a `manage` link, or the page that explains why there is none."""
    try:
        signature = find_signature_of(Purpose.MANAGE, token)
    except TokenError as error:
        return unusable_link_page(error)
    if signature is None:
        return render_template("public/signing/signature_state.html", reason="erased", slug=""), 410
    return signature


def unusable_link_page(error: TokenError) -> ResponseReturnValue:
    """Return the page that explains what is wrong with the link and offers a new one for any address."""
    is_expired = isinstance(error, ExpiredTokenError)
    # A full stop behind the link may belong to the sentence around it.
    if not is_expired and (redirection := mended_link(current_app)) is not None:
        return redirection
    page = render_template(
        "public/signing/unusable_link.html", is_expired=is_expired, error=None, question=None, email=""
    )
    return page, 410 if is_expired else 404
