"""Signed return paths, by which a bounce identifies its mail and cannot be forged (VERP, after D. J. Bernstein).

After a restore or a failover, ids are assigned again. So a digest of the mail's Message-ID, which is random, follows
the id. The local part is in lower case, because some servers convert it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from campaign.domain.errors import TokenError

PREFIX = "bounce"
# 80 bits each cannot be guessed through a mail server, and the local part stays short (64 octets, RFC 5321, 4.5.3.1.1).
_DIGEST_BYTES = 10
_PATTERN = re.compile(rf"{PREFIX}\+([1-9][0-9]{{0,18}})\.([a-z2-7]{{16}})([a-z2-7]{{16}})@([a-z0-9.-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """A genuine return path: the id that its mail had when it was sent, and a digest of its Message-ID."""

    mail_id: int
    mail_digest: str

    def is_of(self, message_id: str | None) -> bool:
        """Return whether it was made for the mail with that Message-ID, not for another mail with the same id."""
        return message_id is not None and hmac.compare_digest(self.mail_digest, _mail_digest(message_id))


class ReturnPaths:
    """The maker and reader of `bounce+<id>.<digest and signature>@domain`, with the secret keys."""

    def __init__(self, secret_keys: tuple[str, ...], domain: str) -> None:
        """Sign with the first key, and accept signatures of any key. `domain` is TOCSIN_BOUNCE_DOMAIN."""
        self._keys = [hmac.digest(key.encode(), b"tocsin return path", "sha256") for key in secret_keys]
        self._domain = domain.lower()

    def make(self, mail_id: int, message_id: str) -> str:
        """Return the envelope sender of that mail, the same at each attempt."""
        mail_digest = _mail_digest(message_id)
        return f"{PREFIX}+{mail_id}.{mail_digest}{_sign(self._keys[0], mail_id, mail_digest)}@{self._domain}"

    def read(self, address: str) -> ReturnPath:
        """Return the return path in an address. Use `is_of` to check that the row with its id is the same mail.

        Raises:
            TokenError: The address is not a genuine return path.
        """
        match = _PATTERN.fullmatch(address.strip().strip("<>").lower())
        if match is None or match[4] != self._domain:
            raise TokenError("this is not a return path of this application")
        mail_id, mail_digest = int(match[1]), match[2]
        if not any(hmac.compare_digest(match[3], _sign(key, mail_id, mail_digest)) for key in self._keys):
            raise TokenError("the return path is forged or damaged")
        return ReturnPath(mail_id, mail_digest)


def _mail_digest(message_id: str) -> str:
    return _base32(hashlib.sha256(b"tocsin return path\0" + message_id.encode()).digest())


def _sign(key: bytes, mail_id: int, mail_digest: str) -> str:
    return _base32(hmac.digest(key, f"{mail_id}.{mail_digest}".encode(), "sha256"))


def _base32(digest: bytes) -> str:
    return base64.b32encode(digest[:_DIGEST_BYTES]).decode().lower()
