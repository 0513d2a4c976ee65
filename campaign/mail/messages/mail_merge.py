"""One rendering for many signers: a message with placeholders for a signer's name and links, filled in for each.

Rendering takes ten times as long as everything else about a mail; of a hundred thousand signers of one appeal, each
gets the same message but for these few places.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from flask_mail import Message
from markupsafe import escape

from campaign.mail.messages.envelope import Envelope, MailMessage

# Known to this process alone, so that no name or letter can contain a placeholder.
_SALT = secrets.token_hex(8)
PLACEHOLDERS = {name: f"x{_SALT}-{name}-" for name in ("name", "letter_name", "confirm", "act", "me", "unsubscribe")}
_NAMES = {mark: name for name, mark in PLACEHOLDERS.items()}
_ANY = re.compile(f"({'|'.join(PLACEHOLDERS.values())})")


class MailMerge:
    """A message that was rendered with PLACEHOLDERS; `wants` are the names of those that it contains."""

    def __init__(self, message: Message) -> None:
        """Cut the message at its placeholders."""
        self._subject = message.subject
        # Text at even places, placeholders at odd ones.
        self._body = _ANY.split(message.body or "")
        self._html = _ANY.split(message.html or "")
        self._headers = {name: _ANY.split(value) for name, value in (message.extra_headers or {}).items()}
        parts = (self._body, self._html, *self._headers.values())
        self.wants = frozenset(_NAMES[mark] for part in parts for mark in part[1::2])

    def fill(self, envelope: Envelope, values: Mapping[str, str]) -> Message:
        """Return the message of one signer. `values` has, by name, at least those in `wants`. Raises KeyError."""
        plain = {mark: values[name] for mark, name in _NAMES.items() if name in self.wants}
        marked_up = {mark: str(escape(value)) for mark, value in plain.items()}
        return MailMessage(
            envelope,
            self._subject,
            _filled(self._body, plain),
            _filled(self._html, marked_up),
            {name: _filled(parts, plain) for name, parts in self._headers.items()},
        )


def _filled(parts: list[str], values: Mapping[str, str]) -> str:
    parts = parts.copy()
    parts[1::2] = [values[mark] for mark in parts[1::2]]
    return "".join(parts)
