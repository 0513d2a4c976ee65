"""Announcements: mails about a case to the signers who asked for news."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from campaign.domain.errors import InputError


class AnnouncementKind(StrEnum):
    """The kinds of announcements; each is sent as the mail of the same name."""

    DEADLINE_REMINDER = "deadline_reminder"
    UPDATE = "update"
    OUTCOME = "outcome"


class AnnouncementState(StrEnum):
    """The states: draft → sending → sent, or stopped while sending. Only a draft can be changed."""

    DRAFT = "draft"
    SENDING = "sending"
    SENT = "sent"
    STOPPED = "stopped"


SUBJECT_LENGTH = 120
BODY_LENGTH = 10_000
# How long an announcement can be recalled after its release: no mail is sent before the end of this period.
RECALL_PERIOD = timedelta(minutes=10)
# The number of mails enqueued in one transaction. It stays short, and an interruption repeats at most one batch.
BATCH_SIZE = 1000

# The reminder is sent five days before the deadline, from 9:00 in the section's time zone, or a day later if no worker
# ran. Later would be too late, because a mail may be retried for three days. Signers who confirmed within
# REMINDER_MIN_AGE get none: their mail of thanks had the same links.
REMINDER_DAYS = (5, 4)
REMINDER_HOUR = 9
REMINDER_MIN_AGE = timedelta(days=2)


def is_reminder_due(deadline: date | None, local_time: datetime) -> bool:
    """Return whether the reminder of the deadline is due in a section with that local time."""
    if deadline is None or local_time.hour < REMINDER_HOUR:
        return False
    return (deadline - local_time.date()).days in REMINDER_DAYS


def choose_language(locale: str, text_languages: Collection[str], first_language: str) -> str:
    """Return the language in which a signer gets an announcement, of the languages that it has texts in.

    It is the signer's language (`locale`), else the appeal's first language, else the first in the alphabet. Without
    any text, it is `locale`.
    """
    preferred = (language for language in (locale, first_language) if language in text_languages)
    return next(preferred, min(text_languages, default=locale))


def edition(
    section_code: str | None,
    locales: Collection[str],
    texts: Mapping[str, tuple[str, str]],
    *,
    to_case: bool = False,
    is_rewording: bool = False,
) -> str:
    """Return a short digest of an announcement's texts and recipients; `texts` are subject and body by language.

    A request that changes or releases a draft has the edition that the page showed, so that a change in between is
    detected.
    """
    sorted_texts = sorted((language, *text) for language, text in texts.items())
    content = [section_code, sorted(locales), sorted_texts, to_case, is_rewording]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def check_text(subject: str, body: str) -> None:
    """Raise InputError (`missing`, `too-long`, `unreadable`) with the field if the announcement cannot be sent."""
    for name, value, max_length in (("subject", subject, SUBJECT_LENGTH), ("body", body, BODY_LENGTH)):
        if not value.strip():
            raise InputError(name, "missing", f"the {name} is empty")
        if len(value) > max_length:
            raise InputError(name, "too-long", f"the {name} is longer than {max_length} characters")
        allowed = "" if name == "subject" else "\n\r\t"
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value if character not in allowed):
            raise InputError(name, "unreadable", f"the {name} contains control characters")
