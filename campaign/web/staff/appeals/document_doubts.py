"""Texts for the doubts of the document reader, with the form field beside which each is shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext

from campaign.queries.appeals.line_uses import Confirmation, Document, Doubt

# The field of doubts that belong to no form field. They are shown on the appeal's page and above the text.
GENERAL = ""
_DOUBTS: dict[str, tuple[str, Any]] = {
    "contact-note": ("contacts", lazy_gettext("Words stand beside a number or an address.")),
    "country-guessed": ("country", lazy_gettext("The country was not named where it usually is.")),
    "country-unclear": ("country", lazy_gettext("The targets are in several countries; which one is the case’s?")),
    "date-ambiguous": ("deadline", lazy_gettext("Day and month could be the other way round.")),
    "date-conflict": ("deadline", lazy_gettext("There are two dates of issue; the first was taken.")),
    "date-impossible": ("deadline", lazy_gettext("There is no such day.")),
    "deadline-before-issue": ("deadline", lazy_gettext("The deadline is before the date of issue.")),
    "deadline-conflict": ("deadline", lazy_gettext("There are two deadlines; the first was taken.")),
    "deadline-note": ("deadline", lazy_gettext("Words stand beside the deadline.")),
    "deadline-without-year": ("deadline", lazy_gettext("No year is said; the next such day was taken.")),
    "email-broken": ("emails", lazy_gettext("There is a space or a mistake in an address: it was not taken.")),
    "email-hidden": ("emails", lazy_gettext("An address was hidden from robots: it was not taken.")),
    "gender-unclear": ("people", lazy_gettext("Whose gender is which is not said.")),
    "image-dropped": (GENERAL, lazy_gettext("A picture was left out.")),
    "index-conflict": (GENERAL, lazy_gettext("There are two document numbers; the first was taken.")),
    "index-malformed": (GENERAL, lazy_gettext("No document number looks like this; it is kept as written.")),
    "label-unknown": ("background", lazy_gettext("This line looks like a heading. It was added to the background.")),
    "language-unknown": ("languages", lazy_gettext("There is no language of this name.")),
    "letter-note": ("letter", lazy_gettext("Something stands below the end of the letter.")),
    "line-joined": ("address", lazy_gettext("A line was wrapped and is taken as one.")),
    "link-differs": ("emails", lazy_gettext("A link goes to another address than the one it shows.")),
    "link-dropped": (GENERAL, lazy_gettext("A link was left out that leads neither to a page nor to a mail.")),
    "mail-headers-dropped": ("emails", lazy_gettext("A mail link carried a subject or copies; its address is kept.")),
    "markup-dropped": (GENERAL, lazy_gettext("A script or a tag was left out.")),
    "no-closing": ("closing", lazy_gettext("The letter has no closing words.")),
    "no-country": ("country", lazy_gettext("No country was found.")),
    "no-deadline": ("deadline", lazy_gettext("No deadline was found.")),
    "no-headline": ("headline", lazy_gettext("No headline was found.")),
    "no-letter": ("letter", lazy_gettext("There is neither a letter nor points to make.")),
    "no-letter-text": ("letter", lazy_gettext("The letter has nothing between its first and its last words.")),
    "no-people": ("people", lazy_gettext("Nobody is named as the person the case is about.")),
    "no-reference": (GENERAL, lazy_gettext("There is no number such as UA 12/22.")),
    "no-salutation": ("salutation", lazy_gettext("The letter greets nobody.")),
    "no-summary": ("summary", lazy_gettext("There is no text between the headline and the call to act.")),
    "no-target": ("targets", lazy_gettext("There is nobody to write to.")),
    "people-note": ("people", lazy_gettext("Words stand beside the names: an age, a place.")),
    "previous-note": (GENERAL, lazy_gettext("Words stand beside the link to the previous appeal.")),
    "sequence-unknown": (GENERAL, lazy_gettext("It follows another appeal, and does not say which number it is.")),
    "target-unclear": ("targets", lazy_gettext("The parts of this address are not certain: are these two targets?")),
    "target-unlabelled": ("targets", lazy_gettext("No heading leads to these addresses.")),
    "target-unnamed": ("targets", lazy_gettext("Somebody to write to has neither a role nor a name.")),
    "unplaced-line": (GENERAL, lazy_gettext("Nothing took this line: does it belong somewhere?")),
    "word-broken": (GENERAL, lazy_gettext("A word or an address was broken at the end of a line.")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoubtText:
    """One doubt in words, with the language of the document, and the number and the text of the line.

    `lines` are all lines that it is about, `positions` the targets that they went to.
    """

    words: Any
    language: str
    line: int
    text: str
    key: str
    lines: tuple[int, ...]
    positions: tuple[int, ...]
    confirmation: Confirmation | None


def doubt_texts(document: Document) -> list[DoubtText]:
    """Return the doubts about the document in words, in the order of their lines."""
    return [_text(document, doubt) for doubt in document.doubts]


def doubts_by_field(*documents: Document | None) -> dict[str, list[DoubtText]]:
    """Return the doubts about the documents by form field; `GENERAL` is the field of those that belong to none."""
    grouped: dict[str, list[DoubtText]] = defaultdict(list)
    for document in documents:
        if document is None:
            continue
        for doubt in document.doubts:
            grouped[_DOUBTS[doubt.code][0]].append(_text(document, doubt))
    return dict(grouped)


def _text(document: Document, doubt: Doubt) -> DoubtText:
    text = document.lines[doubt.line - 1] if 0 < doubt.line <= len(document.lines) else ""
    return DoubtText(
        _DOUBTS[doubt.code][1],
        document.language,
        doubt.line,
        text,
        doubt.key,
        doubt.lines,
        doubt.positions,
        doubt.confirmation,
    )
