"""Texts of the refusals to show names and addresses: the daily budget is used up, or the reason is not valid."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from campaign.domain.errors import InputError
from campaign.domain.privacy.disclosure import REASON_LENGTH

USED_UP = lazy_gettext(
    "You have opened as many names and addresses today as one person may. You can go on tomorrow. Your coordinators "
    "and administrators have been told."
)


def reason_fault(error: InputError) -> object:
    """Return the error message for the reason."""
    if error.code == "too-long":
        return gettext("Please say it in fewer words: %(number)s characters at most.", number=REASON_LENGTH)
    return gettext("Please say what you need the signatures for.")
