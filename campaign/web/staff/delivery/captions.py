"""Texts of the staff pages for messages, states, failures and announcements."""

from __future__ import annotations

from flask_babel import lazy_gettext

from campaign.domain.announcements.announcement import AnnouncementKind, AnnouncementState
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import MailState

MESSAGE_NAMES = {kind: lazy_gettext(kind.rules.name) for kind in MailKind}
STATE_NAMES = {
    MailState.QUEUED: lazy_gettext("waiting"),
    MailState.SENDING: lazy_gettext("being sent"),
    MailState.SENT: lazy_gettext("sent"),
    MailState.RETRY: lazy_gettext("to be tried again"),
    MailState.UNKNOWN: lazy_gettext("in doubt"),
    MailState.DEAD: lazy_gettext("not delivered"),
    MailState.SUPPRESSED: lazy_gettext("not to be sent"),
}
# The phases of an attempt in which a mail can fail (docs/mail.md).
PHASE_NAMES = {
    "before": lazy_gettext("before sending"),
    "render": lazy_gettext("writing the message"),
    "connect": lazy_gettext("connecting"),
    "ehlo": lazy_gettext("greeting"),
    "tls": lazy_gettext("encryption"),
    "auth": lazy_gettext("log-in at the mail server"),
    "mail": lazy_gettext("sender"),
    "rcpt": lazy_gettext("recipient"),
    "data": lazy_gettext("content"),
    "content": lazy_gettext("content"),
    "dot": lazy_gettext("content"),
    "worker": lazy_gettext("our program broke off"),
}
# The reason why a mail was not sent, by the beginning of the reason in its row.
_REASONS = (
    ("the signature is confirmed", lazy_gettext("It is confirmed already: there is nothing left to ask.")),
    ("the signature is pending", lazy_gettext("The signature is not confirmed yet.")),
    ("the signature is withdrawn", lazy_gettext("The signature was taken back.")),
    ("the signature is invalidated", lazy_gettext("The signature was taken out of the counts.")),
    ("the appeal was stopped", lazy_gettext("The appeal was stopped.")),
    ("the appeal is", lazy_gettext("The appeal has ended.")),
    ("the signer wants no updates", lazy_gettext("The signer wants no news.")),
    ("the announcement was stopped", lazy_gettext("The announcement was stopped.")),
    ("this mailbox", lazy_gettext("This mailbox has had as many mails as may go to one.")),
    ("erased", lazy_gettext("Name and address were erased.")),
    (
        "this address is suppressed",
        lazy_gettext("No mail goes to this address: it came back, or its owner complained."),
    ),
    ("flagged", lazy_gettext("The sign-up looked like part of a flood.")),
    ("dropped by an operator", lazy_gettext("Staff dropped it.")),
)


def reason_words(detail: str | None) -> str:
    """Return the reason why a mail was not sent in the reader's language; return a server's answer unchanged."""
    text = next((text for beginning, text in _REASONS if (detail or "").startswith(beginning)), None)
    return str(text) if text is not None else detail or ""


ANNOUNCEMENT_STATES = {
    AnnouncementState.DRAFT: lazy_gettext("draft"),
    AnnouncementState.SENDING: lazy_gettext("on its way"),
    AnnouncementState.SENT: lazy_gettext("sent"),
    AnnouncementState.STOPPED: lazy_gettext("stopped"),
}
# The kinds of announcement that staff write; reminders of the deadline are sent by a periodic job.
ANNOUNCED = {
    AnnouncementKind.UPDATE: MESSAGE_NAMES[MailKind.UPDATE],
    AnnouncementKind.OUTCOME: MESSAGE_NAMES[MailKind.OUTCOME],
}
FAULTS = {
    ("subject", "missing"): lazy_gettext("Please write a subject."),
    ("subject", "too-long"): lazy_gettext("This subject is too long: 120 characters at most."),
    ("subject", "unreadable"): lazy_gettext("We could not read this subject. Please type it again."),
    ("body", "missing"): lazy_gettext("Please write what you have to say."),
    ("body", "too-long"): lazy_gettext("This is too long: 10,000 characters at most."),
    ("body", "unreadable"): lazy_gettext("We could not read this. Please type it again."),
    ("texts", "missing"): lazy_gettext("Nothing is written yet: one language is enough."),
    ("section", "unknown"): lazy_gettext("Please choose a section of the list."),
    ("section", "not-yours"): lazy_gettext("Other sections write to their own supporters."),
    ("kind", "unknown"): lazy_gettext("Please choose one of these."),
}
