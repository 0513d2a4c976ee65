"""Texts of the moderation pages for states, alerts and input errors."""

from __future__ import annotations

from flask_babel import lazy_gettext

from campaign.domain.outbox.mail_state import SMTPUTF8_ALERT
from campaign.services.privacy.disclosure import ALERT

STATE_NAMES = {
    "counting": lazy_gettext("being counted"),
    "ready": lazy_gettext("to be looked at"),
    "running": lazy_gettext("being taken out"),
    "done": lazy_gettext("taken out"),
    "undoing": lazy_gettext("being put back"),
    "undone": lazy_gettext("put back"),
    "dropped": lazy_gettext("let be"),
}
SIGNATURE_STATES = {
    "pending": lazy_gettext("not confirmed"),
    "confirmed": lazy_gettext("confirmed"),
    "withdrawn": lazy_gettext("taken back"),
    "invalidated": lazy_gettext("invalidated"),
}
ALERT_NAMES = {
    "sealed": lazy_gettext("A name or an address does not open"),
    "domain": lazy_gettext("Very many sign-ups with addresses of one mail domain"),
    "appeal": lazy_gettext("Very many sign-ups for one appeal"),
    "all": lazy_gettext("Very many sign-ups"),
    "network": lazy_gettext("Very many sign-ups from networks side by side"),
    "unconfirmed": lazy_gettext("Most of those who sign do not confirm"),
    "new-domain": lazy_gettext("Many confirmed signatures from a new mail domain"),
    "new-domains": lazy_gettext("Many confirmed signatures from several new mail domains"),
    "confirmed-network": lazy_gettext("Many signatures confirmed from one network"),
    "reports": lazy_gettext("Very many letters reported without a signature"),
    "signed-reports": lazy_gettext("Very many letters reported by signers"),
    "views": lazy_gettext("Very many page views of one appeal"),
    ALERT: lazy_gettext("Somebody wanted to open more names and addresses than one person may in a day"),
    SMTPUTF8_ALERT: lazy_gettext("The mail server cannot carry addresses with letters such as é before the @"),
}
FAULTS = {
    ("who", "missing"): lazy_gettext("Please write a name or an address."),
    ("who", "too-long"): lazy_gettext("Nobody has such a long name."),
    ("who", "not-an-address"): lazy_gettext("This does not look like an e-mail address. It needs an @ and a domain."),
    ("domain", "not-a-domain"): lazy_gettext("This is no mail domain. It looks like mail.example."),
    ("pattern", "too-long"): lazy_gettext("No address is that long."),
    ("pattern", "too-wide"): lazy_gettext("This would mean nearly everybody. Please write at least three letters."),
    ("network", "unknown"): lazy_gettext("This network is not in the table."),
    ("moment", "not-a-moment"): lazy_gettext("Please write day and hour as year-month-day hour:minute."),
    ("day", "not-a-day"): lazy_gettext("Enter a day as year-month-day, for example 2026-03-01."),
    ("until", "too-early"): lazy_gettext("The end must come after the beginning."),
    ("appeal", "unknown"): lazy_gettext("Please choose an appeal of the list."),
    ("criteria", "missing"): lazy_gettext("Please choose by at least one thing: this would concern everybody."),
    ("criteria", "too-many"): lazy_gettext("That are too many to choose one by one."),
    ("reason", "missing"): lazy_gettext("Please write why; it goes into the audit log."),
    ("reason", "too-long"): lazy_gettext("This reason is too long: 500 characters at most."),
}
