"""Receipts: signed proof, in a page's URL, that an action was counted a moment ago.

Without a receipt the page of thanks would also appear to a person who opens its URL from a bookmark or a shared link,
or makes it up.
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=1)
_MAC_LENGTH = 9  # bytes, which are enough to protect a line of thanks
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def make_receipt(secret_keys: tuple[str, ...], place: str, action: str, now: datetime) -> str:
    """Return the receipt for an action that was counted at a place, such as an appeal's slug.

    `action` is a text without a full stop.
    """
    minute = str(max(0, (now - _EPOCH) // timedelta(minutes=1)))
    return f"{action}.{minute}.{_mac(secret_keys[0], place, action, minute)}"


def read_receipt(secret_keys: tuple[str, ...], place: str, receipt: str, now: datetime) -> str | None:
    """Return the action of the receipt; None if it is not genuine, is for another place, or is older than LIFETIME."""
    action, minute, mac = (*receipt.split("."), "", "", "")[:3]
    if not (minute.isascii() and minute.isdigit() and len(minute) < 10 and receipt.count(".") == 2):
        return None
    made_at = _EPOCH + timedelta(minutes=int(minute))
    given_mac = mac.encode(errors="replace")
    is_genuine = any(hmac.compare_digest(_mac(key, place, action, minute).encode(), given_mac) for key in secret_keys)
    return action if is_genuine and made_at - timedelta(minutes=1) <= now < made_at + LIFETIME else None


def _mac(key: str, place: str, action: str, minute: str) -> str:
    content = f"tocsin receipt\n{place}\n{action}\n{minute}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), content, "sha256")[:_MAC_LENGTH]).decode()
