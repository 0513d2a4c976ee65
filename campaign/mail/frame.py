"""What all messages have in common: the envelope, the two parts, their encoding, and headers that nobody can add to."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import css_inline
from babel import Locale
from flask import render_template
from flask_mail import Message

# Gmail cuts off HTML at 102 KB, and slow lines are where many signers are.
MOST_BYTES = 60_000
_SUBJECT_LENGTH = 150
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was fixed when the mail was owed, so that a repeated message is the same message."""

    sender: str
    recipient: str
    message_id: str
    created_at: datetime
    locale: str


def write(
    envelope: Envelope,
    subject: str,
    template: str,
    values: Mapping[str, Any],
    *,
    unsubscribe_url: str | None = None,
) -> Message:
    """Renders both parts of `template`; call it under the envelope's locale.

    With `unsubscribe_url` the message is campaign mail, which mail programs end with one click (RFC 8058).
    """
    heading = clean_header(subject)
    context = {
        **values,
        "subject": heading,
        "locale": envelope.locale,
        "direction": Locale(envelope.locale).text_direction,
        "comma": "، " if envelope.locale == "ar" else ", ",
        "unsubscribe_url": unsubscribe_url,
    }
    headers = {"Auto-Submitted": "auto-generated"}
    if unsubscribe_url is not None:
        headers |= {"List-Unsubscribe": f"<{unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    message = Message(
        subject=heading,
        sender=envelope.sender,
        recipients=[envelope.recipient],
        body=render_template(f"mail/{template}.txt", **context).strip() + "\n",
        html=_INLINER.inline(render_template(f"mail/{template}.html", **context)),
        date=envelope.created_at.timestamp(),
        extra_headers=headers,
    )
    message.msgId = envelope.message_id
    return message


def clean_header(text: str) -> str:
    """One line without control characters, cut to a length that mail programs show."""
    line = " ".join("".join(" " if unicodedata.category(one) == "Cc" else one for one in text).split())
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"
