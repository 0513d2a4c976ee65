"""A message that is rendered once, with placeholders for a signer's name and links, and filled in for each signer.

Rendering takes ten times as long as all other work on a mail. All signers of an appeal get the same message, except for
these few values.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from flask_mail import Message
from markupsafe import escape

from campaign.mail.messages.envelope import Envelope, MailMessage

# Random and known to this process only, so that no name or letter can contain a placeholder.
_SALT = secrets.token_hex(8)
PLACEHOLDERS = {name: f"x{_SALT}-{name}-" for name in ("name", "letter_name", "confirm", "act", "me", "unsubscribe")}
_NAMES_BY_PLACEHOLDER = {placeholder: name for name, placeholder in PLACEHOLDERS.items()}
_PLACEHOLDER_PATTERN = re.compile(f"({'|'.join(PLACEHOLDERS.values())})")


class MailMerge:
    """A message that was rendered with PLACEHOLDERS. `placeholder_names` are the names of those in it."""

    def __init__(self, message: Message) -> None:
        """Split the message at its placeholders."""
        self._subject = message.subject
        # Text has even indexes, placeholders have odd ones.
        self._body = _PLACEHOLDER_PATTERN.split(message.body or "")
        self._html = _PLACEHOLDER_PATTERN.split(message.html or "")
        self._headers = {
            name: _PLACEHOLDER_PATTERN.split(value) for name, value in (message.extra_headers or {}).items()
        }
        parts = (self._body, self._html, *self._headers.values())
        self.placeholder_names = frozenset(
            _NAMES_BY_PLACEHOLDER[placeholder] for part in parts for placeholder in part[1::2]
        )

    def fill(self, envelope: Envelope, values: Mapping[str, str]) -> Message:
        """Return the message of one signer. `values` has at least those in `placeholder_names`. Raises KeyError."""
        unescaped = {
            placeholder: values[name]
            for placeholder, name in _NAMES_BY_PLACEHOLDER.items()
            if name in self.placeholder_names
        }
        escaped = {placeholder: str(escape(value)) for placeholder, value in unescaped.items()}
        return MailMessage(
            envelope,
            self._subject,
            _filled(self._body, unescaped),
            _filled(self._html, escaped),
            {name: _filled(parts, unescaped) for name, parts in self._headers.items()},
        )


def _filled(parts: list[str], values: Mapping[str, str]) -> str:
    parts = parts.copy()
    parts[1::2] = [values[placeholder] for placeholder in parts[1::2]]
    return "".join(parts)
