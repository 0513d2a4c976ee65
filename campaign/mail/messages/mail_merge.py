"""One rendering for many signers: a message is rendered with marks where a signer's name and links go, then filled in.

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

# Known to this process alone, so that nobody's name or letter can hold a mark.
_SALT = secrets.token_hex(8)
PLACEHOLDERS = {name: f"x{_SALT}-{name}-" for name in ("name", "letter_name", "confirm", "act", "me", "unsubscribe")}
_NAMES = {mark: name for name, mark in PLACEHOLDERS.items()}
_ANY = re.compile(f"({'|'.join(PLACEHOLDERS.values())})")


class MailMerge:
    """A message that was rendered with MARKS for the values of those names; `wants` are the names that it holds."""

    def __init__(self, message: Message) -> None:
        """Cuts the message at its marks."""
        self._subject = message.subject
        # What stands between the marks at even places, marks at odd ones.
        self._body = _ANY.split(message.body or "")
        self._html = _ANY.split(message.html or "")
        self._headers = {name: _ANY.split(value) for name, value in (message.extra_headers or {}).items()}
        parts = (self._body, self._html, *self._headers.values())
        self.wants = frozenset(_NAMES[mark] for part in parts for mark in part[1::2])

    def fill(self, envelope: Envelope, values: Mapping[str, str]) -> Message:
        """The message of one signer; `values` by name, at least those that it wants. Raises KeyError."""
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
