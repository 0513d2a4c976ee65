"""The lines of the weekly mail to staff about one appeal."""

from __future__ import annotations

from dataclasses import dataclass

from babel.numbers import format_decimal, format_percent
from flask_babel import gettext, ngettext


@dataclass(frozen=True, slots=True)
class AppealWeek:
    """The week of an appeal.

    Confirmed signatures of all sections and of the own one, each in total and of the last seven days; goal; days left.
    """

    signatures: int
    section_signatures: int
    recent: int
    section_recent: int
    goal: int
    days_left: int | None


def week_lines(week: AppealWeek, locale: str) -> list[str]:
    """Return the lines in the reader's language. Call it under that locale."""

    def number(value: int) -> str:
        return format_decimal(value, locale=locale)

    lines = [
        gettext(
            "Confirmed signatures: %(count)s, %(recent)s of them this week",
            count=number(week.signatures),
            recent=number(week.recent),
        ),
        gettext(
            "Ours: %(count)s, %(recent)s of them this week",
            count=number(week.section_signatures),
            recent=number(week.section_recent),
        ),
        gettext("%(share)s of the goal", share=format_percent(week.signatures / week.goal, locale=locale)),
    ]
    if week.days_left is not None:
        lines.append(ngettext("%(num)d day left", "%(num)d days left", week.days_left))
    return lines
