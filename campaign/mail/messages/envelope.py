"""What all messages have in common: the envelope, the two parts, their encoding, and headers that nobody can add to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import css_inline
from babel import Locale
from flask import render_template
from flask_mail import Message

# Gmail cuts off HTML at 102 KB, and slow lines are where many signers are.
MOST_BYTES = 60_000
_SUBJECT_LENGTH = 150
_SPACES = re.compile(" {2,}")
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was fixed when the mail was owed, so that a repeated message is the same message."""

    sender: str
    recipient: str
    message_id: str
    created_at: datetime
    locale: str
    # Where answers go, if not to the sender.
    reply_to: str | None = None


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
    return message_of(
        envelope,
        heading,
        render_template(f"mail/{template}.txt", **context).strip() + "\n",
        _INLINER.inline(render_template(f"mail/{template}.html", **context)),
        headers,
    )


def message_of(envelope: Envelope, subject: str, body: str, html: str, headers: dict[str, str]) -> Message:
    """The message of these parts."""
    message = copy(_blank())
    message.subject, message.sender, message.recipients = subject, envelope.sender, [envelope.recipient]
    message.alts = {}  # where the HTML is kept, which would be the blank's
    message.body, message.html, message.extra_headers = body, html, headers
    message.reply_to = envelope.reply_to
    message.date, message.msgId = envelope.created_at.timestamp(), envelope.message_id
    return message


@cache
def _blank() -> Message:
    """Made once: for each message that it makes, Flask-Mail asks the name service what this machine is called."""
    return Message(sender="nobody")


def clean_header(text: str) -> str:
    """One line without control characters, cut to a length that mail programs show; spaces that do not break stay."""
    plain = "".join(" " if unicodedata.category(one) in {"Cc", "Zl", "Zp"} else one for one in text)
    line = _SPACES.sub(" ", plain).strip(" ")
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"
