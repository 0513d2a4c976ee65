"""The context of changes that supporters make on the public pages."""

from __future__ import annotations

from campaign.domain.staff.actor import SUPPORTER
from campaign.platform.context import Context
from campaign.platform.runtime import runtime


def supporter_context() -> Context:
    """Return the context of a change that a supporter makes by this request."""
    return runtime().context(SUPPORTER)
