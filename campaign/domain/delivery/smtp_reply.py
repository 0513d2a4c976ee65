"""The meaning of an SMTP reply for a mail, decided by the phase of the session and the code.

Codes follow RFC 5321, 4.2; enhanced status codes (`5.1.1`) follow RFC 3463 and the IANA registry.
"""

from __future__ import annotations

import re

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# The phases before the MAIL command, in which the server knows nothing of the mail: a refusal concerns the sender.
BEFORE_MAIL = frozenset({"connect", "ehlo", "tls", "auth"})
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)
_DETAIL_LENGTH = 200
# PostgreSQL stores no NUL, and terminals execute other control characters.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Status = tuple[int, int, int]


def read_status(text: str) -> Status | None:
    """Return the enhanced status code at the start of a reply (RFC 2034, 4); None without one."""
    match = _STATUS.match(text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def attempt_from_reply(phase: str, code: int, text: str) -> DeliveryAttempt:
    """Return the attempt that ended with this reply. Its detail is the reply's text without mail addresses."""
    return DeliveryAttempt(_outcome(phase, code, read_status(text)), phase, code, _without_addresses(text))


def _outcome(phase: str, code: int, status: Status | None) -> DeliveryOutcome:
    """Return the outcome of a reply other than success, by its phase, its code and its enhanced status code."""
    if not 500 <= code < 600:
        # A temporary failure, or an unexpected reply: neither shows that anything is wrong with the mail.
        return DeliveryOutcome.UNREACHABLE if phase in BEFORE_MAIL else DeliveryOutcome.RETRY
    subject, detail = status[1:] if status else (None, None)
    if phase == "mail":
        return _outcome_of_sender(code, subject)
    if phase in BEFORE_MAIL or code in {530, 534, 535, 538} or subject == 7:
        return DeliveryOutcome.SENDER_REFUSED
    if phase == "rcpt" and subject == 1:
        # 5.1.7 and 5.1.8 concern the sender's address even in a reply to RCPT.
        return DeliveryOutcome.SENDER_REFUSED if detail in {7, 8} else DeliveryOutcome.MAILBOX_REFUSED
    return DeliveryOutcome.DEAD


def _outcome_of_sender(code: int, subject: int | None) -> DeliveryOutcome:
    """Return the outcome of a refused MAIL command: size and format concern the message, all else the sender."""
    if code in {552, 555} or subject in {2, 3, 6}:
        return DeliveryOutcome.DEAD
    # Bad sequence (RFC 5321, 4.3.2): only this connection is in an unexpected state, so a new one is tried.
    return DeliveryOutcome.RETRY if code == 503 else DeliveryOutcome.SENDER_REFUSED


def _without_addresses(text: str) -> str:
    """Return the text without addresses. A server may quote one, and the stored text must not show who signed."""
    return " ".join(word for word in _CONTROLS.sub(" ", text).split() if "@" not in word)[:_DETAIL_LENGTH]
