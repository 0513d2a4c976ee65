"""What the pages for entries say of channels, and of what somebody typed that cannot be."""

from __future__ import annotations

from flask_babel import lazy_gettext

from campaign.domain.action import Channel

CHANNEL_NAMES = {
    Channel.SIGNATURE.value: lazy_gettext("Signatures"),
    Channel.EMAIL.value: lazy_gettext("E-mails"),
    Channel.LETTER.value: lazy_gettext("Letters"),
    Channel.FAX.value: lazy_gettext("Faxes"),
    Channel.PHONE.value: lazy_gettext("Calls"),
    Channel.SOCIAL.value: lazy_gettext("Posts"),
    Channel.EMBASSY.value: lazy_gettext("To embassies"),
    Channel.EVENT.value: lazy_gettext("Events"),
}
FAULTS = {
    ("quantity", "missing"): lazy_gettext("How many were there?"),
    ("quantity", "not-a-number"): lazy_gettext("Please write a whole number, without a point or comma."),
    ("quantity", "too-small"): lazy_gettext("At least one. To take something back, undo its entry below."),
    ("quantity", "too-large"): lazy_gettext("More than a million in one entry cannot be right."),
    ("channel", "unknown"): lazy_gettext("Please choose what was done."),
    ("day", "missing"): lazy_gettext("On which day was it?"),
    ("day", "not-a-date"): lazy_gettext("This is no day of the calendar. Please write it as year-month-day."),
    ("day", "future"): lazy_gettext("This day is yet to come."),
    ("day", "too-early"): lazy_gettext("The appeal was not open yet on that day."),
    ("day", "too-late"): lazy_gettext("The appeal had been stopped by that day."),
    ("place", "too-long"): lazy_gettext("This place is too long: 200 characters at most."),
    ("note", "too-long"): lazy_gettext("This note is too long: 1000 characters at most."),
}
