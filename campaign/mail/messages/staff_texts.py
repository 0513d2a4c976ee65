"""Texts of mails to staff about an appeal or their account, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import force_locale, gettext


@dataclass(frozen=True, slots=True)
class StaffText:
    """A mail's subject and its text."""

    subject: str
    text: str


def review_requested(locale: str, headline: str) -> StaffText:
    """Return the request that the reader publish an appeal."""
    with force_locale(locale):
        subject = gettext("please look at an appeal and publish it")
        text = gettext("A colleague has prepared it and asks for it to be published. Somebody else has to do that.")
    return StaffText(subject, f"{headline}\n\n{text}")


def returned_for_changes(locale: str, headline: str, reason: str) -> StaffText:
    """Return the notice that a coordinator returned the appeal for changes, with the reason."""
    with force_locale(locale):
        subject = gettext("an appeal came back to you")
        text = gettext("It is not published yet. What is still to do:")
    return StaffText(subject, f"{headline}\n\n{text}\n\n{reason}")


def text_corrected(locale: str, headline: str) -> StaffText:
    """Return the notice that the text of an open appeal has changed."""
    with force_locale(locale):
        subject = gettext("the words of an open appeal were changed")
        text = gettext("The change shows at once. Please look whether it is right.")
    return StaffText(subject, f"{headline}\n\n{text}")


def deadline_near(locale: str, headline: str, deadline: date) -> StaffText:
    """Return the notice that the deadline is near."""
    with force_locale(locale):
        day = format_date(deadline, "long", locale=locale)
        subject = gettext("an appeal ends on %(date)s", date=day)
        text = gettext(
            "Its last day is %(date)s. Please say whether your section goes on with the case after that, and until "
            "when, or stops: your supporters will read it on the appeal’s page.",
            date=day,
        )
    return StaffText(subject, f"{headline}\n\n{text}")


def deadline_passed(locale: str, headline: str) -> StaffText:
    """Return the notice that the deadline has passed while the section has not decided on a continuation."""
    with force_locale(locale):
        subject = gettext("an appeal has ended: does your section go on?")
        text = gettext(
            "Its deadline has passed. Your supporters are told to check with you: please say whether your section goes "
            "on with the case, and until when, or stops."
        )
    return StaffText(subject, f"{headline}\n\n{text}")


def choose_password(locale: str, site: str) -> StaffText:
    """Return the mail with the link for choosing a new password."""
    with force_locale(locale):
        subject = gettext("Choose a new password for %(site)s", site=site)
        text = gettext("Somebody, you we hope, asked for a new password. Choose it here within one hour:")
    return StaffText(subject, text)


def password_changed(locale: str, site: str) -> StaffText:
    """Return the notice that the password was changed."""
    with force_locale(locale):
        subject = gettext("Your password for %(site)s was changed", site=site)
        text = gettext("The password of your account was changed a moment ago.")
    return StaffText(subject, text)


def budget_used_up(locale: str, staff_id: int) -> StaffText:
    """Return the alert that a member of staff has used up the day's budget of names and addresses."""
    with force_locale(locale):
        subject = gettext("one person opened very many names and addresses")
        text = gettext(
            "The account staff:%(number)s has opened as many names and addresses of supporters today as one person "
            "may, and gets no more until tomorrow. Look into the audit log. If it was not for work, end the account.",
            number=staff_id,
        )
    return StaffText(subject, text)


def bulk_entry_waits(locale: str, headline: str, quantity: int) -> StaffText:
    """Return the notice that a large bulk entry waits for the confirmation of a second person."""
    with force_locale(locale):
        subject = gettext("please look at a large entry")
        text = gettext(
            "A colleague has entered %(count)s, far more than the section usually enters. It is not counted before "
            "somebody else has confirmed it. Please ask how they were counted, then confirm or undo it.",
            count=format_decimal(quantity, locale=locale),
        )
    return StaffText(subject, f"{headline}\n\n{text}")
