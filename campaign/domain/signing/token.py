"""The tokens of mailed links: signed, for one purpose and one row, and bound to the row's random link key.

They are not stored, so a stolen database contains no usable link. A token is bound to the link key, not to the id
alone: after a restore or a failover an id may be assigned to another row, which has another link key.
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
from campaign.domain.staff.lifetimes import INVITATION_LIFETIME, RESET_LIFETIME

LINK_KEY_LENGTH = 16
# 128 bits: another key or content with the same digest cannot be found.
_DIGEST_LENGTH = 16
# The lengths of the two parts of a mark (`shown_mark`). Thirty marks must fit into a link.
_ROW_LENGTH, _MARK_LENGTH = 2, 6
# The characters outside the alphabet of tokens, and the form of a token: a payload (with a full stop before it if it is
# compressed) and 32 bytes of signature, both in URL-safe base64.
_NO_LETTER = re.compile(r"[^A-Za-z0-9_.-]+")
_TOKEN = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


class Purpose(StrEnum):
    """The purposes of links."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"
    ADDRESS = "address"
    # For staff accounts, not for signatures.
    INVITATION = "invitation"
    RESET = "reset"
    DIGEST = "digest"


# The time for which a link is valid. None: as long as the row exists.
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
    """The content of a genuine token: the id of its row, and the time (in seconds) at which it was made.

    Callers must check `opens` with the row's link key before they use the row. `row_marks` are marks of rows
    (`shown_mark`). In a link that confirms, they mark the other rows that its mail shows. In a link to a person's data,
    they mark the only rows that it opens.
    """

    row_id: int
    made_at: datetime
    key_digest: str
    shown_digest: str
    row_marks: bytes = b""

    def opens(self, link_key: bytes) -> bool:
        """Return whether the link was made for the row with that link key. Takes constant time."""
        return hmac.compare_digest(self.key_digest, _digest(b"key", link_key))

    def shows(self, link_key: bytes, content: bytes) -> bool:
        """Return whether the row's content is unchanged since the link was made. Takes constant time."""
        return hmac.compare_digest(self.shown_digest, _digest(b"shown", link_key, content))

    def shows_row(self, row_id: int, content: bytes) -> bool | None:
        """Return whether another row's content is as the mail showed it; None if the mail did not show the row."""
        mark = shown_mark(row_id, content)
        marks = [self.row_marks[place : place + len(mark)] for place in range(0, len(self.row_marks), len(mark))]
        same_row = [other for other in marks if other[:_ROW_LENGTH] == mark[:_ROW_LENGTH]]
        return None if not same_row else any(hmac.compare_digest(other, mark) for other in same_row)

    @property
    def is_narrow(self) -> bool:
        """Return whether a link to a person's data opens only some rows of the mailbox."""
        return bool(self.row_marks)

    def covers(self, row_id: int, link_key: bytes) -> bool:
        """Return whether a link to a person's data opens this row of the mailbox. Without marks it opens every row."""
        return not self.is_narrow or self.shows_row(row_id, link_key) is True

    def covers_in_section(self, row_id: int, link_key: bytes, section: str) -> bool:
        """Return whether the link opens this row, by a mark of the row itself or by one that needs that section."""
        return self.covers(row_id, link_key) or self.shows_row(row_id, section_content(link_key, section)) is True


class Tokens:
    """The maker and reader of tokens. It signs with the newest secret key, and accepts signatures of all keys."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        """Use these secret keys, the newest first."""
        self._serializers = {
            purpose: URLSafeSerializer(
                list(reversed(secret_keys)),  # the library wants the oldest first
                salt=f"tocsin {purpose}",
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
            )
            for purpose in Purpose
        }

    def make(
        self,
        purpose: Purpose,
        row_id: int,
        now: datetime,
        link_key: bytes,
        content: bytes = b"",
        row_marks: bytes = b"",
    ) -> str:
        """Return a token for the row with that id and link key, valid from now on for the purpose's lifetime.

        `content` represents the row as the mail shows it; a link that confirms is bound to it. `row_marks` are marks of
        further rows (see `Link`).
        """
        bound = [_digest(b"key", link_key)]
        if content or row_marks:
            bound.append(_digest(b"shown", link_key, content) if content else "")
        if row_marks:
            bound.append(base64.urlsafe_b64encode(row_marks).decode().rstrip("="))
        return self._serializers[purpose].dumps([row_id, int(now.timestamp()), *bound])

    def read(self, purpose: Purpose, token: str, now: datetime) -> Link:
        """Return the content of the token. Raises TokenError; ExpiredTokenError if it is genuine but too old."""
        try:
            content: Any = self._serializers[purpose].loads(token)
            row_id, made_at = int(content[0]), datetime.fromtimestamp(int(content[1]), UTC)
            # Links without a link key count as expired: their ids may belong to other rows by now.
            key_digest, shown_digest, row_marks = [*map(str, content[2:5]), "", "", ""][:3]
            marks = base64.urlsafe_b64decode(row_marks + "=" * (-len(row_marks) % 4))
        except (BadSignature, ValueError, TypeError, LookupError, OverflowError) as error:
            raise TokenError("the link is damaged") from error
        lifetime = LIFETIME[purpose]
        if not key_digest or (lifetime is not None and now >= made_at + lifetime):
            raise ExpiredTokenError(row_id)
        return Link(row_id, made_at, key_digest, shown_digest, marks)


def find_token(text: str) -> str | None:
    """Return the token at the start of a text, ignoring white space and other characters within it.

    Return None if there is nothing of that form. The signature is not checked.
    """
    match = _TOKEN.match(_NO_LETTER.sub("", text))
    return match[0] if match else None


def new_link_key() -> bytes:
    """Return 16 random bytes for a new row."""
    return secrets.token_bytes(LINK_KEY_LENGTH)


def section_content(link_key: bytes, section: str) -> bytes:
    """Return the content for a mark that covers a row only while the row belongs to the section."""
    return link_key + b"\0" + section.encode()


def shown_mark(row_id: int, content: bytes) -> bytes:
    """Return a mark of a row in eight bytes: two depend on the row's id, six on the content."""
    row_mark = hashlib.sha256(b"tocsin row\0" + str(row_id).encode()).digest()[:_ROW_LENGTH]
    return row_mark + hashlib.sha256(b"tocsin beside\0" + content).digest()[:_MARK_LENGTH]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256(b"tocsin link\0" + b"\0".join(parts)).digest()[:_DIGEST_LENGTH]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
