"""The meaning of a bounce for its mailbox, by the enhanced status code (RFC 3463) and the server's text."""

from __future__ import annotations

import re
from enum import StrEnum


class BounceVerdict(StrEnum):
    """The meaning of a message to a return path."""

    # The mailbox does not exist: nothing more is sent to it.
    HARD = "hard"
    # Refused permanently, for a reason other than the mailbox: the sender, the message, a rule of the server.
    REFUSED = "refused"
    # The other server has given up after temporary failures, or the mailbox is full.
    SOFT = "soft"
    # The other server still tries to deliver it.
    DELAYED = "delayed"
    # The recipient has marked it as spam.
    COMPLAINT = "complaint"
    # An automatic reply (RFC 3834), a receipt, a notice of delivery.
    AUTOMATIC = "automatic"
    # None of the above: perhaps a message from a person.
    UNKNOWN = "unknown"


# The verdicts on undelivered mail, the worst first.
ORDER = (BounceVerdict.COMPLAINT, BounceVerdict.HARD, BounceVerdict.REFUSED, BounceVerdict.SOFT, BounceVerdict.DELAYED)

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_CODE = re.compile(r"(?<![\d.:/-])([45])\d\d(?=[ \-:#]|$)")
# 5.1.7 and 5.1.8 concern the sender.
_MAILBOX = re.compile(r"5\.1\.(?!(?:7|8)$)\d+|5\.2\.1")
# Codes that mean no more than "refused", or that large providers use for unknown mailboxes too.
_VAGUE = re.compile(r"5\.(?:0|5)\.\d+|5\.4\.\d+|5\.2\.0|5\.3\.0")
# Texts of servers in several languages, for cases that the code alone does not decide.
_NO_MAILBOX_WORDS = (
    r"user (?:is )?unknown",
    r"unknown (?:local[ -]?)?(?:user|recipient|address|mailbox)",
    r"(?:no such|invalid|non-?existent) (?:user|recipient|mailbox|address|local user|person)",
    r"(?:user|account|mailbox|address|recipient|domain)\S* (?:\S+ )?(?:does not|doesn't|do not|don't) exist",
    r"no (?:mailbox|account|user) (?:here|with|by|found)",
    r"not a valid (?:user|mailbox)",
    r"(?:user|mailbox|recipient|address|account)\S*(?: \S+)?(?: was| is)? not (?:be )?found",
    r"mailbox (?:is )?(?:unavailable|disabled|inactive)",
    r"(?:account|user)(?: that you tried to reach)? (?:is |has been )(?:disabled|inactive|suspended|closed)",
    r"doesn't have an? \S+ account",
    r"recipient (?:address )?rejected",
    r"unroute?able address",
    r"(?:host|domain)(?: or domain)?(?: name)? (?:was )?not found",
    r"no such domain|nxdomain|name service error",
    r"recipientnotfound|addressee unknown|invalid mailbox",
    r"destinataire (?:invalide|inconnu)",
    r"adresse\b.{0,60}\b(?:introuvable|invalide|inconnue)",
    r"nicht gefunden|unbekannte[rn]? empf",
    r"пользователь не найден",
    r"no longer (?:valid|available)",
)
_SENDER = re.compile(r"\bsender\b(?! network)|\bfrom address\b", re.IGNORECASE)
_TEMPORARY_WORDS = (
    r"try(?:ing)? again later|temporar|greylist|deferred|rate limit|too many",
    r"over ?quota|quota exceeded|insufficient (?:system )?storage",
    r"mailbox (?:is )?full|full mailbox|boîte pleine|postfach (?:ist )?voll",
)
_NO_MAILBOX = re.compile("|".join(_NO_MAILBOX_WORDS), re.IGNORECASE)
_TEMPORARY = re.compile("|".join(_TEMPORARY_WORDS), re.IGNORECASE)
# Some servers report an unknown user under the code for policy (5.7.1).
_UNKNOWN_USER = re.compile(r"no such user|user unknown|unknown user|does not exist", re.IGNORECASE)


def read_status(text: str) -> str | None:
    """Return the first enhanced status code in the text that is more specific than its class, else the first."""
    codes = [".".join(str(int(part)) for part in parts) for parts in _STATUS.findall(text)]
    return next((code for code in codes if not code.endswith(".0.0")), codes[0] if codes else None)


def read_reply_class(text: str) -> int | None:
    """Return the class, 4 or 5, of the first SMTP code in the text; None without one."""
    match = _CODE.search(text)
    return int(match[1]) if match else None


def verdict_on_failure(status: str | None, text: str) -> BounceVerdict:
    """Return the verdict on a permanent failure, by the status code and the text of the server that refused."""
    reply_class = int(status[0]) if status else read_reply_class(text)
    if status is not None and (status[0] == "4" or status == "5.2.2"):
        return BounceVerdict.SOFT
    if _TEMPORARY.search(text) and not (status and _MAILBOX.fullmatch(status)):
        return BounceVerdict.SOFT
    if status is not None and _MAILBOX.fullmatch(status):
        return BounceVerdict.REFUSED if status == "5.1.0" and _SENDER.search(text) else BounceVerdict.HARD
    if status == "5.7.1" and _UNKNOWN_USER.search(text):
        return BounceVerdict.HARD
    if (status is None or _VAGUE.fullmatch(status)) and _NO_MAILBOX.search(text) and not _SENDER.search(text):
        return BounceVerdict.HARD
    return BounceVerdict.SOFT if reply_class == 4 else BounceVerdict.REFUSED
