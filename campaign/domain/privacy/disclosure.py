"""Limits on the names and addresses that staff open: a reason each time, and a budget for each day."""

from __future__ import annotations

from enum import StrEnum

from campaign.domain.counting.small_cells import FEW
from campaign.domain.errors import InputError, TocsinError

# Enough for a day of moderation; copying a section's signers page by page is stopped within the hour.
SHOWN_A_DAY = 500
# Files hold any number of people; a section needs a few a day.
FILES_A_DAY = 20
# The cost, in units of SHOWN_A_DAY, of learning how many signatures match: many such numbers reveal an address.
COUNT_COSTS = FEW
REASON_LENGTH = 500
_SHORTEST = 5


class DisclosureKind(StrEnum):
    """The ways of seeing names and addresses; each is an act in the audit log."""

    SEARCH = "names.search"
    COUNT = "names.count"
    PREVIEW = "names.preview"
    DOMAINS = "names.domains"
    EXPORT = "signatures.export"
    HANDOVER = "handover.fetch"
    HELD = "names.print"
    READDRESS = "signature.change-address"


class BudgetError(TocsinError):
    """This member of staff has opened as many names and addresses as one person may in a day (UTC)."""


def read_reason(text: str) -> str:
    """Return the reason in one line. Raise InputError (`reason`: `missing`, `too-long`)."""
    reason = " ".join(text.split())
    if len(reason) < _SHORTEST:
        raise InputError("reason", "missing", "no reason was given")
    if len(reason) > REASON_LENGTH:
        raise InputError("reason", "too-long", f"the reason is longer than {REASON_LENGTH} characters")
    return reason
