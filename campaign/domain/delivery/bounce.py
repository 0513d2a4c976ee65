"""The meaning of a bounce for its mailbox, by its enhanced status code (RFC 3463) and the server's text."""

from __future__ import annotations

import re
from enum import StrEnum


class BounceVerdict(StrEnum):
    """The meaning of a mail that came to a return path."""

    # The mailbox does not exist: nothing more is sent to it.
    HARD = "hard"
    # Refused permanently, for a reason other than the mailbox: the sender, the message, a rule of the server.
    REFUSED = "refused"
    # Given up by the other server after temporary failures, or the mailbox is full.
    SOFT = "soft"
    # Still being tried.
    DELAYED = "delayed"
    # The recipient has marked it as spam.
    COMPLAINT = "complaint"
    # An automatic reply (RFC 3834), a receipt, a notice of delivery.
    AUTOMATIC = "automatic"
    # None of the above: perhaps a message from a person.
    UNKNOWN = "unknown"


# The worst comes first.
ORDER = (BounceVerdict.COMPLAINT, BounceVerdict.HARD, BounceVerdict.REFUSED, BounceVerdict.SOFT, BounceVerdict.DELAYED)

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_CODE = re.compile(r"(?<![\d.:/-])([45])\d\d(?=[ \-:#]|$)")
# 5.1.7 and 5.1.8 speak of the sender.
_MAILBOX = re.compile(r"5\.1\.(?!(?:7|8)$)\d+|5\.2\.1")
# The server says no more than "refused", or something that large providers use for unknown mailboxes as well.
_VAGUE = re.compile(r"5\.(?:0|5)\.\d+|5\.4\.\d+|5\.2\.0|5\.3\.0")
# Texts of servers, also in other languages, for cases where the code alone does not decide.
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
_FOR_NOW_WORDS = (
    r"try(?:ing)? again later|temporar|greylist|deferred|rate limit|too many",
    r"over ?quota|quota exceeded|insufficient (?:system )?storage",
    r"mailbox (?:is )?full|full mailbox|boîte pleine|postfach (?:ist )?voll",
)
_NO_MAILBOX = re.compile("|".join(_NO_MAILBOX_WORDS), re.IGNORECASE)
_FOR_NOW = re.compile("|".join(_FOR_NOW_WORDS), re.IGNORECASE)
# Some servers report an unknown user under the code for policy (5.7.1).
_NO_USER = re.compile(r"no such user|user unknown|unknown user|does not exist", re.IGNORECASE)


def read_status(text: str) -> str | None:
    """Return the first enhanced status code in the text that is more specific than its class, else the first."""
    found = [".".join(str(int(part)) for part in one) for one in _STATUS.findall(text)]
    return next((one for one in found if not one.endswith(".0.0")), found[0] if found else None)


def read_class(text: str) -> int | None:
    """Return the class, 4 or 5, of the first SMTP code in the text; None without one."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def judge_failure(status: str | None, words: str) -> BounceVerdict:
    """Return the meaning of a final failure; `words` is the text of the server that refused."""
    kind = int(status[0]) if status else read_class(words)
    if status is not None and (status[0] == "4" or status == "5.2.2"):
        return BounceVerdict.SOFT
    if _FOR_NOW.search(words) and not (status and _MAILBOX.fullmatch(status)):
        return BounceVerdict.SOFT
    if status is not None and _MAILBOX.fullmatch(status):
        return BounceVerdict.REFUSED if status == "5.1.0" and _SENDER.search(words) else BounceVerdict.HARD
    if status == "5.7.1" and _NO_USER.search(words):
        return BounceVerdict.HARD
    if (status is None or _VAGUE.fullmatch(status)) and _NO_MAILBOX.search(words) and not _SENDER.search(words):
        return BounceVerdict.HARD
    return BounceVerdict.SOFT if kind == 4 else BounceVerdict.REFUSED
