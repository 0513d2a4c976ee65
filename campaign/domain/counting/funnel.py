"""The funnel: the stages of a sign-up (page viewed, signed, confirmed), and the waiting time until the confirmation."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum


class FunnelStage(StrEnum):
    """The stages of a sign-up. Confirmations have a stage for each range of waiting times.

    Views are not linked to sign-ups. Every form counts as signed in the same way. Mails are not counted, because that
    would show whether a mailbox gets mail.
    """

    VIEWED = "viewed"
    SIGNED = "signed"
    WITHIN_5_MINUTES = "confirmed-5m"
    WITHIN_HOUR = "confirmed-1h"
    WITHIN_DAY = "confirmed-1d"
    WITHIN_3_DAYS = "confirmed-3d"
    LATER = "confirmed-later"


class FunnelAspect(StrEnum):
    """The aspects by which sign-ups are counted: mail provider and source of the link; page views have none."""

    PROVIDER = "provider"
    SOURCE = "source"
    PAGE = "page"


# In order: the longest wait of each stage.
LONGEST_WAITS: tuple[tuple[FunnelStage, timedelta], ...] = (
    (FunnelStage.WITHIN_5_MINUTES, timedelta(minutes=5)),
    (FunnelStage.WITHIN_HOUR, timedelta(hours=1)),
    (FunnelStage.WITHIN_DAY, timedelta(days=1)),
    (FunnelStage.WITHIN_3_DAYS, timedelta(days=3)),
)
CONFIRMED_STAGES = (*(stage for stage, _ in LONGEST_WAITS), FunnelStage.LATER)
# Counts are stored by the day for this long. Older ones are added up under the date EARLIER_DAYS.
DAILY_PERIOD = timedelta(days=14)
EARLIER_DAYS = date(1970, 1, 1)
# The number of sources that are counted separately for a section and appeal. All others are counted as OTHER_SOURCES,
# which is not a valid tag.
MOST_SOURCES = 200
OTHER_SOURCES = "(other)"
OTHER_PROVIDERS = "other"


def confirmation_stage(wait: timedelta) -> FunnelStage:
    """Return the stage of a confirmation with that time since signing."""
    return next((stage for stage, longest in LONGEST_WAITS if wait <= longest), FunnelStage.LATER)
