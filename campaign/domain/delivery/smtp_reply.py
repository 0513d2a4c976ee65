"""What a server's answer means for a mail: decided by the phase of the dialogue and the code, never by guessing.

Codes after RFC 5321, 4.2; enhanced status codes (`5.1.1`) after RFC 3463 and the IANA registry.
"""

from __future__ import annotations

import re

from campaign.domain.outbox.mail_state import DeliveryAttempt, DeliveryOutcome

# The order of the dialogue. Before RCPT the server knows nothing of the recipient: a refusal there concerns us.
BEFORE_RECIPIENT = frozenset({"connect", "ehlo", "tls", "auth", "mail"})
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)
_DETAIL_LENGTH = 200
# PostgreSQL keeps no NUL, and a terminal or a log does what other controls say.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Status = tuple[int, int, int]


def read_status(words: str) -> Status | None:
    """The enhanced status code that an answer begins with, where it has one (RFC 2034, 4)."""
    found = _STATUS.match(words.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def judge(phase: str, code: int, words: str) -> DeliveryAttempt:
    """What a refusal makes of the mail, with the server's words as far as they tell nobody's address."""
    return DeliveryAttempt(_outcome(phase, code, read_status(words)), phase, code, _without_addresses(words))


def _outcome(phase: str, code: int, status: Status | None) -> DeliveryOutcome:
    if not 500 <= code < 600:
        # Also for answers that make no sense here: nothing is known to be wrong with the mail.
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
    """At MAIL: too large, or not to be carried in this form, is about this message; all else is about us."""
    if code in {552, 555} or subject in {2, 3, 6}:
        return DeliveryOutcome.DEAD
    # Out of step (RFC 5321, 4.3.2): the connection is in a state that we did not expect, and a fresh one will not be.
    return DeliveryOutcome.RETRY if code == 503 else DeliveryOutcome.HELD


def _without_addresses(words: str) -> str:
    """A server may quote the address; what is kept must not tell who signed."""
    return " ".join(word for word in _CONTROLS.sub(" ", words).split() if "@" not in word)[:_DETAIL_LENGTH]
