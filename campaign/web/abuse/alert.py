"""What staff are mailed when the abuse guard sees an attack, in each one's language."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flask_babel import force_locale, gettext

from campaign.domain.staff.actor import SYSTEM
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.alert import raise_alarm


def mail_alert(kind: str, appeal: AppealView | None, sections: Collection[str], now: datetime) -> None:
    """Mail coordinators, admins and the editors of `sections`, once an hour for each kind and appeal (None: all)."""
    at = runtime()

    def words(locale: str) -> dict[str, str]:
        with force_locale(locale):
            said, advice = _words(kind)
            look = gettext("In “Moderation” you see those of your own section.")
            name = appeal.text_in(locale).headline if appeal is not None else ""
        url = f"{at.settings.base_url}/staff/moderation" + (f"?appeal={appeal.slug}" if appeal is not None else "")
        return {"subject": said, "text": f"{said}. {advice} {look}" + (f"\n\n{name}" if name else ""), "url": url}

    raise_alarm(
        kind,
        appeal.id if appeal is not None else 0,
        words,
        # Each editor moderates the own section, so each section that the flood may be in has to look.
        sections=sections,
        context=at.context(SYSTEM, now=now),
    )


def _words(kind: str) -> tuple[str, str]:
    """The subject and what follows from it."""
    said = {
        "domain": gettext("Very many sign-ups with addresses of one mail domain"),
        "appeal": gettext("Very many sign-ups for one appeal"),
        "all": gettext("Very many sign-ups"),
        "network": gettext("Very many sign-ups from networks side by side"),
        "unconfirmed": gettext("Most of those who sign do not confirm"),
        "confirmed-network": gettext("Many signatures confirmed from one network"),
        "reports": gettext("Very many letters reported without a signature"),
        "signed-reports": gettext("Very many letters reported by signers"),
        "views": gettext("Very many page views of one appeal"),
    }[kind]
    if kind == "views":
        return said, gettext("More than the usual are not counted until it is over.")
    if kind == "confirmed-network":
        return said, gettext("They count. If these are real people, such as a school, nothing need be done.")
    if kind == "signed-reports":
        return said, gettext("All of them are counted. Taking a signature out of the counts takes its letters out too.")
    if kind == "reports":
        return said, gettext(
            "Since a moment ago each browser is asked for a proof of work before a letter is counted, and beyond a cap "
            "none is. What is not real can be taken out of the counts, by hour and network."
        )
    return said, gettext(
        "Since a moment ago the form asks each browser for a proof of work. Nothing unconfirmed is counted. "
        "If these are real people, nothing need be done."
    )
