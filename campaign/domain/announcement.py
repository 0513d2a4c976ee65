"""Mail to many: what we tell those who asked to hear how a case goes on."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


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
# So many mails are owed in one transaction: none stays open for long, and a break costs no more than one batch.
BATCH = 1000

# Who confirmed has five days to send the letter by another way, and is reminded unless that was only just now.
DEADLINE_REMINDER_DAYS = 5
DEADLINE_REMINDER_REST = timedelta(days=2)
# "Five days left" comes late where no worker ran; on the last day it would come too late for a letter.
DEADLINE_REMINDER_LEAST_DAYS = 2
