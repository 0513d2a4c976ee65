"""Signed return paths: a bounce identifies its mail and cannot be forged (VERP, after D. J. Bernstein).

Ids are assigned again after a restore or a failover, so a digest of the mail's Message-ID, which is random, follows the
id. The local part is in lower case only, because some servers change it to that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from campaign.domain.errors import TokenError

PREFIX = "bounce"
# 80 bits each: far beyond guessing through a mail server, and the address stays short (64 octets, RFC 5321, 4.5.3.1.1).
_BYTES = 10
_SHAPE = re.compile(rf"{PREFIX}\+([1-9][0-9]{{0,18}})\.([a-z2-7]{{16}})([a-z2-7]{{16}})@([a-z0-9.-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """A genuine return path: the id that its mail had, and a digest of the mail's Message-ID."""

    mail_id: int
    mark: str

    def is_of(self, message_id: str | None) -> bool:
        """Return whether it was made for the mail with that Message-ID, not for an earlier one with its id."""
        return message_id is not None and hmac.compare_digest(self.mark, _mark(message_id))


class ReturnPaths:
    """The maker and reader of `bounce+<id>.<mark and signature>@domain`, with the secret keys."""

    def __init__(self, secret_keys: tuple[str, ...], domain: str) -> None:
        """Sign with the first key, and accept signatures of any key. `domain` is TOCSIN_BOUNCE_DOMAIN."""
        self._keys = [hmac.digest(key.encode(), b"tocsin return path", "sha256") for key in secret_keys]
        self._domain = domain.lower()

    def make(self, mail_id: int, message_id: str) -> str:
        """Return the envelope sender of that mail, the same at each attempt."""
        mark = _mark(message_id)
        return f"{PREFIX}+{mail_id}.{mark}{_sign(self._keys[0], mail_id, mark)}@{self._domain}"

    def read(self, address: str) -> ReturnPath:
        """Return the return path in an address. `is_of` then checks that the row with its id is the same mail.

        Raises:
            TokenError: The address is no genuine return path.
        """
        found = _SHAPE.fullmatch(address.strip().strip("<>").lower())
        if found is None or found[4] != self._domain:
            raise TokenError("this is no return path of ours")
        mail_id, mark = int(found[1]), found[2]
        if not any(hmac.compare_digest(found[3], _sign(key, mail_id, mark)) for key in self._keys):
            raise TokenError("the return path is forged or damaged")
        return ReturnPath(mail_id, mark)


def _mark(message_id: str) -> str:
    return _written(hashlib.sha256(b"tocsin return path\0" + message_id.encode()).digest())


def _sign(key: bytes, mail_id: int, mark: str) -> str:
    return _written(hmac.digest(key, f"{mail_id}.{mark}".encode(), "sha256"))


def _written(digest: bytes) -> str:
    return base64.b32encode(digest[:_BYTES]).decode().lower()
