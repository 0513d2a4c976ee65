"""The funnel: the stages of a sign-up (page viewed, signed, confirmed), and the time that confirming takes."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum


class FunnelStage(StrEnum):
    """The stages of a sign-up; a confirmation's stage is the time that it took. Views are not linked to sign-ups.

    Every form counts as signed in the same way. Mails are not counted: that would reveal whether a mailbox gets mail.
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
WAITS: tuple[tuple[FunnelStage, timedelta], ...] = (
    (FunnelStage.WITHIN_5_MINUTES, timedelta(minutes=5)),
    (FunnelStage.WITHIN_HOUR, timedelta(hours=1)),
    (FunnelStage.WITHIN_DAY, timedelta(days=1)),
    (FunnelStage.WITHIN_3_DAYS, timedelta(days=3)),
)
CONFIRMED = (*(step for step, _ in WAITS), FunnelStage.LATER)
# Counts are stored by the day for this long; older ones are added up under the day EARLIER_DAYS.
DAILY_PERIOD = timedelta(days=14)
EARLIER_DAYS = date(1970, 1, 1)
# The number of sources counted separately for a section and appeal; all others count as one, which is no valid tag.
MOST_SOURCES = 200
OTHER_SOURCES = "(other)"
OTHER_PROVIDERS = "other"


def confirmation_stage(waited: timedelta) -> FunnelStage:
    """Return the stage of a confirmation that came `waited` after signing."""
    return next((step for step, longest in WAITS if waited <= longest), FunnelStage.LATER)
