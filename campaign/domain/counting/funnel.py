"""How far sign-ups come: page viewed, signed, mailed, confirmed; and how long confirming takes."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum


class FunnelStage(StrEnum):
    """A step that a sign-up took; the confirming ones say how long after signing. Nobody knows who viewed the page.

    Every form counts as signed alike. `mailed` was counted once, and told whether a mailbox gets our mail: no more.
    """

    VIEWED = "viewed"
    SIGNED = "signed"
    MAILED = "mailed"
    WITHIN_5_MINUTES = "confirmed-5m"
    WITHIN_HOUR = "confirmed-1h"
    WITHIN_DAY = "confirmed-1d"
    WITHIN_3_DAYS = "confirmed-3d"
    LATER = "confirmed-later"


class FunnelAspect(StrEnum):
    """What is told apart: large mail providers, tags of links that led to the page; views of the page by nothing."""

    PROVIDER = "provider"
    SOURCE = "source"
    PAGE = "page"


# In order: the longest wait that still belongs to the step.
WAITS: tuple[tuple[FunnelStage, timedelta], ...] = (
    (FunnelStage.WITHIN_5_MINUTES, timedelta(minutes=5)),
    (FunnelStage.WITHIN_HOUR, timedelta(hours=1)),
    (FunnelStage.WITHIN_DAY, timedelta(days=1)),
    (FunnelStage.WITHIN_3_DAYS, timedelta(days=3)),
)
CONFIRMED = (*(step for step, _ in WAITS), FunnelStage.LATER)
# Days are kept apart for so long; what is older is one sum, whose day is EARLIER.
KEPT = timedelta(days=14)
EARLIER = date(1970, 1, 1)
# The sources of one section under one appeal that are kept apart; the others are one. No tag looks like it.
SOURCES = 200
OTHER_SOURCES = "(other)"
OTHER_PROVIDERS = "other"


def confirming(waited: timedelta) -> FunnelStage:
    """The step of confirming so long after signing."""
    return next((step for step, longest in WAITS if waited <= longest), FunnelStage.LATER)
