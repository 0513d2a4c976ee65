"""The texts of a printable signature sheet in one language, and its PDF."""

from __future__ import annotations

from typing import Any

from babel.dates import format_date
from flask_babel import gettext

from campaign.domain.country import country_name, section_name
from campaign.letter.letter_pdf import is_printable
from campaign.mail.messages.section_names import section_title
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import SectionView
from campaign.web.http.locale import absolute_url
from campaign.web.pictures.typeset import signature_sheet_pdf
from campaign.web.public.appeal.share import split_summary

ROWS = 16


class NotPrintableError(Exception):
    """No font of the server has all characters of the sheet."""


def sheet_pdf(appeal: AppealView, section: SectionView, language: str, via: str) -> bytes:
    """Return the sheet as a PDF. The request must have `language` as its locale.

    Raises:
        NotPrintableError: No font of the server has all characters of the sheet.
        BusyError: Too many PDFs are being made.
    """
    settings = runtime().settings
    address = absolute_url(f"/{language}/appeals/{appeal.slug}?via={via}")
    texts = _texts(appeal, section, language)
    if not is_printable("".join(map(str, texts.values())) + address, settings.fonts):
        raise NotPrintableError
    return signature_sheet_pdf(texts, address, appeal.text_in(language).language, settings.theme, settings.fonts)


def _texts(appeal: AppealView, section: SectionView, language: str) -> dict[str, Any]:
    """Return the texts of the sheet by their names in the typesetting template."""
    text = appeal.text_in(language)
    summary, demand = split_summary(text.summary)
    name = section_title(section.code, section.name, language)
    deadline = format_date(appeal.deadline, "long", locale=language) if appeal.deadline is not None else ""
    return {
        "kicker": country_name(appeal.country, language),
        "name": runtime().settings.theme.name,
        "headline": text.headline,
        "summary": summary,
        "demand": demand,
        "scan": gettext("Or sign on your phone:"),
        "until": gettext("until %(date)s", date=deadline) if deadline else "",
        "where": gettext("Day and place: %(blank)s", blank="_" * 34),
        "heads": [gettext("Name"), gettext("E-mail"), gettext("Country"), gettext("You may write to me")],
        "rows": ROWS,
        "consent": gettext(
            "Whoever ticks the last box is written to once, to confirm the signature; it then counts as verified, and "
            "the address is kept until some time after the appeal. Without the tick the signature is only counted, and "
            "neither name nor address is kept."
        ),
        "section": f"{section_name(section.code, name, language)} · {section.contact}",
    }
