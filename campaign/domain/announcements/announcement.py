"""Mail to many: what we tell those who asked to hear how a case goes on."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from campaign.domain.errors import InputError


class AnnouncementKind(StrEnum):
    """What is announced; each goes out as the mail of the same name."""

    DEADLINE_REMINDER = "deadline_reminder"
    UPDATE = "update"
    OUTCOME = "outcome"


class AnnouncementState(StrEnum):
    """draft → sending → sent, or stopped on the way; only a draft can be changed."""

    DRAFT = "draft"
    SENDING = "sending"
    SENT = "sent"
    STOPPED = "stopped"


SUBJECT_LENGTH = 120
BODY_LENGTH = 10_000
# So long after it was let go an announcement can be taken back whole: nobody has it yet.
RECALL = timedelta(minutes=10)
# So many mails are owed in one transaction: none stays open for long, and a break costs no more than one batch.
BATCH = 1000

# "Five days left": at nine in the morning of the section, or a day late where no worker ran. Later would be too late: a
# mail may be tried for three days. Who confirmed only just now has had the same links in the thanks.
REMINDER_DAYS = (5, 4)
REMINDER_HOUR = 9
REMINDER_REST = timedelta(days=2)


def is_reminder_due(deadline: date | None, local: datetime) -> bool:
    """Whether the section whose wall clock says `local` is to be told that the deadline is near."""
    return deadline is not None and (deadline - local.date()).days in REMINDER_DAYS and local.hour >= REMINDER_HOUR


def choose_language(locale: str, written: Collection[str], first: str) -> str:
    """Return in which of the languages written a signer gets an announcement.

    Their own, else the appeal's first, else the first in the alphabet; `locale` where nothing is written.
    """
    return next((language for language in (locale, first) if language in written), min(written, default=locale))


def edition(
    section_code: str | None,
    locales: Collection[str],
    texts: Mapping[str, tuple[str, str]],
    *,
    to_case: bool = False,
    is_rewording: bool = False,
) -> str:
    """A short name for exactly these words to exactly these people; `texts` are subject and body by language.

    Who changes or lets go of a draft says which edition they have seen.
    """
    words = sorted((language, *said) for language, said in texts.items())
    told = [section_code, sorted(locales), words, to_case, is_rewording]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def check_text(subject: str, body: str) -> None:
    """Raises InputError (`missing`, `too-long`, `unreadable`) with the field, where this cannot be sent."""
    for name, value, most in (("subject", subject, SUBJECT_LENGTH), ("body", body, BODY_LENGTH)):
        if not value.strip():
            raise InputError(name, "missing", f"the {name} is empty")
        if len(value) > most:
            raise InputError(name, "too-long", f"the {name} is longer than {most} characters")
        if any(
            unicodedata.category(one) in {"Cc", "Cs"} and (name == "subject" or one not in "\n\r\t") for one in value
        ):
            raise InputError(name, "unreadable", f"the {name} holds control characters")
