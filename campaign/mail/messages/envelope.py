"""Parts common to all messages: the envelope, the text and HTML bodies, and headers that no value can extend."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import css_inline
from babel import Locale
from flask import render_template
from flask_mail import Message

from campaign.mail.smtp import mime

# Gmail cuts off HTML at 102 KB, and many signers have slow connections.
MOST_BYTES = 60_000
_SUBJECT_LENGTH = 150
_SPACES = re.compile(" {2,}")
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Values fixed when the mail was enqueued, so that the same message is sent at each attempt."""

    sender: str
    recipient: str
    message_id: str
    created_at: datetime
    locale: str
    # The address for replies, if it is not the sender's.
    reply_to: str | None = None


class MailMessage(Message):
    """A message to one recipient, as text and HTML, whose date and Message-ID were fixed when the mail was enqueued."""

    def __init__(self, envelope: Envelope, subject: str, body: str, html: str, headers: dict[str, str]) -> None:
        """Set every field that Flask-Mail's own initialiser sets, without calling it.

        That one asks the name service for this machine's name, to make a Message-ID that is not used.
        """
        self.recipients = [envelope.recipient]
        self.subject, self.sender, self.reply_to = subject, envelope.sender, envelope.reply_to
        self.cc, self.bcc, self.attachments = [], [], []
        self.alts = {}
        self.body, self.html = body, html
        self.date, self.msgId = envelope.created_at.timestamp(), envelope.message_id
        self.charset = None
        self.extra_headers = headers
        self.mail_options, self.rcpt_options = [], []

    def as_bytes(self) -> bytes:
        """Return the message as it is sent, always the same bytes. Raises ValueError."""
        return mime.write(self)


def write(
    envelope: Envelope,
    subject: str,
    template: str,
    values: Mapping[str, Any],
    *,
    unsubscribe_url: str | None = None,
) -> Message:
    """Return the message, with both parts rendered from `template`; call it under the envelope's locale.

    With `unsubscribe_url`, mail programs offer to unsubscribe by one click (RFC 8058).
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
    return MailMessage(
        envelope,
        heading,
        render_template(f"mail/{template}.txt", **context).strip() + "\n",
        _INLINER.inline(render_template(f"mail/{template}.html", **context)),
        headers,
    )


def clean_header(text: str) -> str:
    """Return the text in one line without control characters, shortened to a length that mail programs show.

    Non-breaking spaces stay.
    """
    plain = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text)
    line = _SPACES.sub(" ", plain).strip(" ")
    return line if len(line) <= _SUBJECT_LENGTH else line[: _SUBJECT_LENGTH - 1].rstrip() + "…"
