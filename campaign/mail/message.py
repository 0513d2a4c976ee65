"""The messages, one function each: what is written in them, as text and HTML, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.mime.text import MIMEText

import css_inline
from babel import Locale
from flask import render_template
from flask_babel import force_locale, gettext
from flask_mail import Message

from campaign.letter.plain import address_lines, letter_text
from campaign.queries.appeal import AppealView, TextView

_QUOTED_PRINTABLE = Charset("utf-8")
_QUOTED_PRINTABLE.body_encoding = QP
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


class _QuotedMessage(Message):
    """Flask-Mail writes 8-bit text, whose paragraphs break the limit of 998 octets a line (RFC 5321, 4.5.3.1.6)."""

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        part = MIMEText("", subtype)
        del part["Content-Transfer-Encoding"]
        part.set_payload(text or "", _QUOTED_PRINTABLE)
        part.set_param("charset", "utf-8")
        return part


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was fixed when the mail was owed, so that a repeated message is the same message."""

    sender: str
    recipient: str
    message_id: str
    created_at: datetime
    locale: str


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed what: the appeal, its text in the version that was signed, and the signer's name."""

    appeal: AppealView
    text: TextView
    name: str


def confirmation(envelope: Envelope, signed: Signed, *, confirm_url: str) -> Message:
    """The letter as signed, and the one link that confirms it."""
    with force_locale(envelope.locale):
        subject = gettext("Please confirm your signature: %(headline)s", headline=signed.text.headline)
        return _message(envelope, subject, "confirmation", signed, confirm_url=confirm_url)


def already_signed(envelope: Envelope, signed: Signed, *, manage_url: str) -> Message:
    """For an address that has signed and confirmed before: says so, and brings its own link."""
    with force_locale(envelope.locale):
        subject = gettext("You have already signed: %(headline)s", headline=signed.text.headline)
        return _message(envelope, subject, "already_signed", signed, manage_url=manage_url)


def _message(envelope: Envelope, subject: str, template: str, signed: Signed, **links: str) -> Message:
    values = {
        **links,
        "appeal": signed.appeal,
        "text": signed.text,
        "name": signed.name,
        "letter": letter_text(signed.text, signed.name),
        "targets": [address_lines(target) for target in signed.appeal.targets_in(signed.text.language)],
        "locale": envelope.locale,
        "direction": Locale(envelope.locale).text_direction,
        "text_direction": Locale(signed.text.language).text_direction,
    }
    message = _QuotedMessage(
        subject=" ".join(subject.split()),
        sender=envelope.sender,
        recipients=[envelope.recipient],
        body=render_template(f"mail/{template}.txt", **values),
        html=_INLINER.inline(render_template(f"mail/{template}.html", **values)),
        date=envelope.created_at.timestamp(),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = envelope.message_id
    return message
