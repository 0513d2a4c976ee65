"""Announcements: mail about a case to all signers who asked for news."""

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
# An announcement can be recalled for this long after its release, because no mail has been sent yet.
RECALL_PERIOD = timedelta(minutes=10)
# Mails enqueued in one transaction: it stays short, and an interruption costs at most one batch.
BATCH_SIZE = 1000

# The reminder goes out five days before the deadline at nine in the section's morning, or a day later if no worker ran.
# Even later would be too late, because a mail may be retried for three days. Signers who confirmed within REMINDER_REST
# get none: the mail of thanks had the same links.
REMINDER_DAYS = (5, 4)
REMINDER_HOUR = 9
REMINDER_MIN_AGE = timedelta(days=2)


def is_reminder_due(deadline: date | None, local: datetime) -> bool:
    """Return whether the reminder of the deadline is due in a section whose local time is `local`."""
    return deadline is not None and (deadline - local.date()).days in REMINDER_DAYS and local.hour >= REMINDER_HOUR


def choose_language(locale: str, written: Collection[str], first: str) -> str:
    """Return the language in which a signer gets an announcement, of the languages in which it is written.

    It is the signer's own, else the appeal's first, else the first in the alphabet; `locale` if there is no text.
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
    """Return a short digest of an announcement's texts and readers; `texts` are subject and body by language.

    A request that changes or releases a draft names the edition that the page showed.
    """
    words = sorted((language, *text) for language, text in texts.items())
    content = [section_code, sorted(locales), words, to_case, is_rewording]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def check_text(subject: str, body: str) -> None:
    """Raise InputError (`missing`, `too-long`, `unreadable`) with the field if the announcement cannot be sent."""
    for name, value, most in (("subject", subject, SUBJECT_LENGTH), ("body", body, BODY_LENGTH)):
        if not value.strip():
            raise InputError(name, "missing", f"the {name} is empty")
        if len(value) > most:
            raise InputError(name, "too-long", f"the {name} is longer than {most} characters")
        if any(
            unicodedata.category(one) in {"Cc", "Cs"} and (name == "subject" or one not in "\n\r\t") for one in value
        ):
            raise InputError(name, "unreadable", f"the {name} holds control characters")
