"""The links in our mails: stateless, signed, for one purpose and one row, bound to the row's random link key.

Nothing about them is stored, so a stolen database yields no usable link. An id alone opens nothing: ids are given out
anew after a restore or a failover, link keys are not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from campaign.domain.errors import ExpiredTokenError, TokenError
from campaign.domain.staff.roles import INVITATION_LIFETIME, RESET_LIFETIME

LINK_KEY_LENGTH = 16
# 128 bits: nobody finds another key or content with the same digest.
_DIGEST_LENGTH = 16
# Of rows that a mail names beside: thirty of them must fit into a link.
_ROW_LENGTH, _MARK_LENGTH = 2, 6
# The letters of a token, and its parts: a payload (a full stop before it says that it is compressed) and 32 bytes of
# signature, all in URL-safe base64.
_NO_LETTER = re.compile(r"[^A-Za-z0-9_.-]+")
_TOKEN = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"
    ADDRESS = "address"
    # Of an account, not of a signature.
    INVITATION = "invitation"
    RESET = "reset"
    DIGEST = "digest"


# The others last as long as we hold data: the row behind them is what ends them.
LIFETIME = {
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.MANAGE: timedelta(days=31),
    Purpose.UNSUBSCRIBE: None,
    Purpose.ADDRESS: timedelta(days=7),
    Purpose.INVITATION: INVITATION_LIFETIME,
    Purpose.RESET: RESET_LIFETIME,
    Purpose.DIGEST: None,
}


@dataclass(frozen=True, slots=True)
class Link:
    """A genuine token: the id of the row it names, and the second in which it was made.

    It opens nothing before `opens` was asked with the row's own link key. `beside` are marks of rows (`shown_mark`): of
    a link that confirms, what its mail names besides; of a link to one's data, the only rows that it opens.
    """

    subject: int
    made: datetime
    key_digest: str
    shown_digest: str
    beside: bytes = b""

    def opens(self, link_key: bytes) -> bool:
        """Return whether it was made for the row with that link key; in constant time."""
        return hmac.compare_digest(self.key_digest, _digest(b"key", link_key))

    def shows(self, link_key: bytes, content: bytes) -> bool:
        """Return whether the row's content is still what it was when the link was made; in constant time."""
        return hmac.compare_digest(self.shown_digest, _digest(b"shown", link_key, content))

    def shows_beside(self, row: int, content: bytes) -> bool | None:
        """Return whether another row's content is what the mail showed beside; None where the mail did not name it."""
        mark = shown_mark(row, content)
        marks = [self.beside[place : place + len(mark)] for place in range(0, len(self.beside), len(mark))]
        found = [one for one in marks if one[:_ROW_LENGTH] == mark[:_ROW_LENGTH]]
        return None if not found else any(hmac.compare_digest(one, mark) for one in found)

    @property
    def is_narrow(self) -> bool:
        """Return whether a link to one's data opens some of the mailbox's rows only."""
        return bool(self.beside)

    def covers(self, row: int, link_key: bytes) -> bool:
        """Return whether a link to one's data opens this row of the mailbox: all of them, unless it is narrow."""
        return not self.is_narrow or self.shows_beside(row, link_key) is True

    def covers_of(self, row: int, link_key: bytes, section: str) -> bool:
        """Return whether it opens this row as `covers` does, or because it is still that section's."""
        return self.covers(row, link_key) or self.shows_beside(row, section_content(link_key, section)) is True


class Tokens:
    """Makes tokens with the newest secret key and reads those of any."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        """`secret_keys`: the newest first."""
        self._serializers = {
            purpose: URLSafeSerializer(
                list(reversed(secret_keys)),  # the library wants the oldest first
                salt=f"tocsin {purpose}",
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
            )
            for purpose in Purpose
        }

    def make(
        self, purpose: Purpose, subject: int, now: datetime, link_key: bytes, content: bytes = b"", beside: bytes = b""
    ) -> str:
        """Return a token for the row with that id and link key, valid from now on for the purpose's lifetime.

        `content` stands for what the mail shows of the row; a link that confirms is bound to it. `beside` are marks of
        rows, as `Link` has them.
        """
        bound = [_digest(b"key", link_key)]
        if content or beside:
            bound.append(_digest(b"shown", link_key, content) if content else "")
        if beside:
            bound.append(base64.urlsafe_b64encode(beside).decode().rstrip("="))
        return self._serializers[purpose].dumps([subject, int(now.timestamp()), *bound])

    def read(self, purpose: Purpose, token: str, now: datetime) -> Link:
        """Return the link. Raises TokenError, or ExpiredTokenError where it is genuine but too old."""
        try:
            content: Any = self._serializers[purpose].loads(token)
            subject, made = int(content[0]), datetime.fromtimestamp(int(content[1]), UTC)
            # Links from before there were link keys have expired: their ids may be others' by now.
            key_digest, shown_digest, beside = [*map(str, content[2:5]), "", "", ""][:3]
            named = base64.urlsafe_b64decode(beside + "=" * (-len(beside) % 4))
        except (BadSignature, ValueError, TypeError, LookupError, OverflowError) as error:
            raise TokenError("the link is damaged") from error
        lifetime = LIFETIME[purpose]
        if not key_digest or (lifetime is not None and now >= made + lifetime):
            raise ExpiredTokenError(subject)
        return Link(subject, made, key_digest, shown_digest, named)


def find_token(text: str) -> str | None:
    """Return the token that stands at the beginning of a text, white space and other marks within it left out.

    None where nothing there has the form of one. Whether the token is genuine is not looked at.
    """
    found = _TOKEN.match(_NO_LETTER.sub("", text))
    return found[0] if found else None


def new_link_key() -> bytes:
    """Return 16 random bytes for a new row."""
    return secrets.token_bytes(LINK_KEY_LENGTH)


def section_content(link_key: bytes, section: str) -> bytes:
    """Return what a mark stands for that covers a row only as long as it belongs to the section."""
    return link_key + b"\0" + section.encode()


def shown_mark(row: int, content: bytes) -> bytes:
    """Return eight bytes that stand for a row and what it says: two for the one, six for the other."""
    named = hashlib.sha256(b"tocsin row\0" + str(row).encode()).digest()[:_ROW_LENGTH]
    return named + hashlib.sha256(b"tocsin beside\0" + content).digest()[:_MARK_LENGTH]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256(b"tocsin link\0" + b"\0".join(parts)).digest()[:_DIGEST_LENGTH]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
