"""The meaning of an SMTP reply for a mail, decided by the phase of the dialogue and the code.

Codes after RFC 5321, 4.2; enhanced status codes (`5.1.1`) after RFC 3463 and the IANA registry.
"""

from __future__ import annotations

import re

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# Phases before RCPT, in which the server does not know the recipient: a refusal there concerns the sender.
BEFORE_RECIPIENT = frozenset({"connect", "ehlo", "tls", "auth", "mail"})
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)
_DETAIL_LENGTH = 200
# PostgreSQL stores no NUL, and terminals execute other control characters.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Status = tuple[int, int, int]


def read_status(words: str) -> Status | None:
    """Return the enhanced status code at the start of a reply (RFC 2034, 4); None without one."""
    found = _STATUS.match(words.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def judge(phase: str, code: int, words: str) -> DeliveryAttempt:
    """Return the result of a refused attempt, with the server's text without mail addresses."""
    return DeliveryAttempt(_outcome(phase, code, read_status(words)), phase, code, _without_addresses(words))


def _outcome(phase: str, code: int, status: Status | None) -> DeliveryOutcome:
    if not 500 <= code < 600:
        # Unexpected replies too: they do not show that anything is wrong with the mail.
        return DeliveryOutcome.AWAY if phase in BEFORE_RECIPIENT - {"mail"} else DeliveryOutcome.RETRY
    subject, detail = status[1:] if status else (None, None)
    if phase == "mail":
        return _outcome_of_sender(code, subject)
    if phase in BEFORE_RECIPIENT or code in {530, 534, 535, 538} or subject == 7:
        return DeliveryOutcome.HELD
    if phase == "rcpt" and subject == 1:
        # 5.1.7 and 5.1.8 speak of the sender's address even here.
        return DeliveryOutcome.HELD if detail in {7, 8} else DeliveryOutcome.REFUSED
    return DeliveryOutcome.DEAD


def _outcome_of_sender(code: int, subject: int | None) -> DeliveryOutcome:
    """Return the outcome of a refusal at MAIL: size and format concern the message, all else the sender."""
    if code in {552, 555} or subject in {2, 3, 6}:
        return DeliveryOutcome.DEAD
    # Bad sequence (RFC 5321, 4.3.2): this connection is in an unexpected state; a new one will not be.
    return DeliveryOutcome.RETRY if code == 503 else DeliveryOutcome.HELD


def _without_addresses(words: str) -> str:
    """Return the text without addresses: a server may quote one, and the stored text must not show who signed."""
    return " ".join(word for word in _CONTROLS.sub(" ", words).split() if "@" not in word)[:_DETAIL_LENGTH]
