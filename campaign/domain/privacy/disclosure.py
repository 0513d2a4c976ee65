"""Limits on the names and addresses that staff open: a reason each time, and a budget for each day."""

from __future__ import annotations

from enum import StrEnum

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.errors import InputError, TocsinError

# Enough for a day of moderation. It stops a person who copies a section's signers page by page within an hour.
SHOWN_A_DAY = 500
# A file contains any number of people. A section needs a few a day.
FILES_A_DAY = 20
# The cost, in units of SHOWN_A_DAY, of a count of matching signatures: many such counts could reveal an address.
COUNT_COST = SMALLEST_SHOWN
REASON_LENGTH = 500
_SHORTEST = 5


class DisclosureKind(StrEnum):
    """The ways of disclosing names and addresses. Each value is an action in the audit log."""

    SEARCH = "names.search"
    COUNT = "names.count"
    PREVIEW = "names.preview"
    DOMAINS = "names.domains"
    EXPORT = "signatures.export"
    HANDOVER = "handover.fetch"
    SUBJECT_ACCESS = "names.print"
    READDRESS = "signature.change-address"


class BudgetError(TocsinError):
    """A member of staff has used up the budget of names and addresses for one day (UTC)."""


def read_reason(text: str) -> str:
    """Return the reason in one line. Raises InputError (`reason`: `missing`, `too-long`)."""
    reason = " ".join(text.split())
    if len(reason) < _SHORTEST:
        raise InputError("reason", "missing", "no reason was given")
    if len(reason) > REASON_LENGTH:
        raise InputError("reason", "too-long", f"the reason is longer than {REASON_LENGTH} characters")
    return reason
