"""Receipts: proof, in a page's URL, that an action was counted a moment ago.

Without it, a page of thanks would appear for anyone who opens such a URL from a bookmark, from a shared link, or made
up.
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=1)
_MAC_LENGTH = 9  # bytes: enough for a line of thanks
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def make_receipt(secret_keys: tuple[str, ...], place: str, what: str, now: datetime) -> str:
    """Return the receipt for `what`, a text without a full stop, counted at a place such as an appeal's slug."""
    minute = str(max(0, (now - _EPOCH) // timedelta(minutes=1)))
    return f"{what}.{minute}.{_mac(secret_keys[0], place, what, minute)}"


def read_receipt(secret_keys: tuple[str, ...], place: str, receipt: str, now: datetime) -> str | None:
    """Return what the receipt is for; None if it is not genuine, is for another place, or is older than LIFETIME."""
    what, minute, mac = (*receipt.split("."), "", "", "")[:3]
    if not (minute.isascii() and minute.isdigit() and len(minute) < 10 and receipt.count(".") == 2):
        return None
    made = _EPOCH + timedelta(minutes=int(minute))
    given = mac.encode(errors="replace")
    is_ours = any(hmac.compare_digest(_mac(key, place, what, minute).encode(), given) for key in secret_keys)
    return what if is_ours and made - timedelta(minutes=1) <= now < made + LIFETIME else None


def _mac(key: str, place: str, what: str, minute: str) -> str:
    content = f"tocsin receipt\n{place}\n{what}\n{minute}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), content, "sha256")[:_MAC_LENGTH]).decode()
