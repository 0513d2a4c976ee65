"""The links in our mails: stateless, signed, for one purpose and one signature.

Nothing about them is stored, so a stolen database yields no usable link.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from campaign.domain.errors import ExpiredTokenError, TokenError
from campaign.domain.staff import INVITATION_LIFETIME


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"
    # Of an account, not of a signature.
    INVITATION = "invitation"
    DIGEST = "digest"


# The others last as long as we hold data: the row behind them is what ends them.
LIFETIME = {
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.MANAGE: None,
    Purpose.UNSUBSCRIBE: None,
    Purpose.INVITATION: INVITATION_LIFETIME,
    Purpose.DIGEST: None,
}


class Tokens:
    """Makes and reads tokens with the secret key."""

    def __init__(self, secret_key: str) -> None:
        self._serializers = {
            purpose: URLSafeSerializer(
                secret_key,
                salt=f"tocsin {purpose}",
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
            )
            for purpose in Purpose
        }

    def make(self, purpose: Purpose, subject: int, now: datetime) -> str:
        """A token for the signature with that id, valid from now on for the purpose's lifetime."""
        return self._serializers[purpose].dumps([subject, int(now.timestamp())])

    def read(self, purpose: Purpose, token: str, now: datetime) -> int:
        """The signature's id. Raises TokenError, or ExpiredTokenError where it is genuine but too old."""
        return self.read_dated(purpose, token, now)[0]

    def read_dated(self, purpose: Purpose, token: str, now: datetime) -> tuple[int, datetime]:
        """The id, and the second in which the link was made. Raises as `read`."""
        try:
            content: Any = self._serializers[purpose].loads(token)
            subject, made = int(content[0]), datetime.fromtimestamp(int(content[1]), UTC)
        except (BadSignature, ValueError, TypeError, LookupError) as error:
            raise TokenError("the link is damaged") from error
        lifetime = LIFETIME[purpose]
        if lifetime is not None and now >= made + lifetime:
            raise ExpiredTokenError(subject)
        return subject, made
