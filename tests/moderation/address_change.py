"""The change of a signer's address: the mails about it, the page that starts it, and the stored address."""

from __future__ import annotations

import re

from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.signing.signature import find_signature
from tests.conftest import Postbox, manage_token, text_of

NEW_EMAIL = "jeanne@new.example"


def my_page(signature_id: int) -> str:
    """Return the path of the signer's page of own data."""
    return f"/en/m/{manage_token(signature_id)}/me"


def address_mails(postbox: Postbox) -> list[tuple[str, str]]:
    """Return the recipient and link path of each mail about an address."""
    found = []
    for to, message in zip(postbox.recipients, postbox.messages, strict=True):
        if "address" in str(message["Subject"]):
            links = re.findall(r"http://\S+?(/en/m/\S+)", text_of(message))
            found.append((to, links[0] if links else ""))
    return found


def stored_addresses(*ids: int) -> list[str | None]:
    """Return the decrypted address of each signature, or None where it is erased."""
    db.session.rollback()
    views = [find_signature(signature_id, runtime().vault) for signature_id in ids]
    db.session.rollback()
    return [None if view is None else view.email for view in views]
