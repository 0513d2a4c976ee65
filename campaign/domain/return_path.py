"""Signed return paths: a bounce names the mail it is about, and nobody can forge one (VERP, after D. J. Bernstein).

The local part is lower case only, because some servers fold it.
"""

from __future__ import annotations

import base64
import hmac
import re

from campaign.domain.errors import TokenError

PREFIX = "bounce"
# 80 bits: far beyond guessing through a mail server, and the address stays short (64 octets, RFC 5321, 4.5.3.1.1).
_SIGNATURE_BYTES = 10
_SHAPE = re.compile(rf"{PREFIX}\+([1-9][0-9]{{0,18}})\.([a-z2-7]{{16}})@([a-z0-9.-]+)", re.ASCII)


class ReturnPaths:
    """Makes and reads `bounce+<id>.<signature>@domain` with the secret key."""

    def __init__(self, secret_keys: tuple[str, ...], domain: str) -> None:
        """Sign with the first key, read what any key signed. `domain` is TOCSIN_BOUNCE_DOMAIN."""
        self._keys = [hmac.digest(key.encode(), b"tocsin return path", "sha256") for key in secret_keys]
        self._domain = domain.lower()

    def make(self, mail_id: int) -> str:
        """The envelope sender of that mail, the same at each attempt."""
        return f"{PREFIX}+{mail_id}.{_sign(self._keys[0], mail_id)}@{self._domain}"

    def read(self, address: str) -> int:
        """The id of the mail that came back. Raises TokenError where we did not make this address."""
        found = _SHAPE.fullmatch(address.strip().strip("<>").lower())
        if found is None or found[3] != self._domain:
            raise TokenError("this is no return path of ours")
        mail_id = int(found[1])
        if not any(hmac.compare_digest(found[2], _sign(key, mail_id)) for key in self._keys):
            raise TokenError("the return path is forged or damaged")
        return mail_id


def _sign(key: bytes, mail_id: int) -> str:
    digest = hmac.digest(key, str(mail_id).encode(), "sha256")
    return base64.b32encode(digest[:_SIGNATURE_BYTES]).decode().lower()
