"""The handover on paper: a covering letter with the counts by country, and volumes of names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import force_locale, gettext, ngettext

from campaign.config import ROOT
from campaign.domain.country import country_name
from campaign.letter.fonts import font_families
from campaign.letter.letter_pdf import GlyphError, is_printable, reads_from_right, typeset
from campaign.letter.plain_text import address_lines
from campaign.queries.appeals.appeal import AppealView, TargetView, TextView

_SOURCE = ROOT / "templates" / "letter" / "handover.typ"
_MONO = "DejaVu Sans Mono"


@dataclass(frozen=True, slots=True)
class HandoverBundle:
    """A handover: sender, target, numbers, and the digest of the file with the names."""

    appeal: AppealView
    text: TextView
    target: TargetView | None
    language: str
    section: str
    dated: date
    by_country: dict[str, int]
    everywhere: int
    # The number of signatures under an earlier wording of the letter.
    earlier: int
    names: int
    file: str
    sha256: str
    volumes: int

    @property
    def signatures(self) -> int:
        """Return the number of signatures handed over, with a name or without."""
        return sum(self.by_country.values())


def volume_pdf(bundle: HandoverBundle, number: int, names: list[tuple[int, str]], fonts: tuple[Path, ...]) -> bytes:
    """Return one volume as PDF/UA-1. The first begins with the covering letter. `names` have their numbers in the list.

    For a name that no font can show, only its number is printed, with a note that the name is in the file.
    Raises GlyphError where the letter itself cannot be shown.
    """
    with force_locale(bundle.language):
        lines = [f"{position}. {name}" for position, name in names]
        try:
            return typeset(_SOURCE.read_bytes(), _template_values(bundle, number, lines, fonts), fonts)
        except GlyphError:
            printable = _printable_characters({character for _, name in names for character in name}, fonts)
            elsewhere = gettext("(in the file)")
            lines = [f"{position}. {name if printable.issuperset(name) else elsewhere}" for position, name in names]
            return typeset(_SOURCE.read_bytes(), _template_values(bundle, number, lines, fonts), fonts)


def _printable_characters(characters: set[str], fonts: tuple[Path, ...]) -> set[str]:
    """Return the characters that the fonts can show, found by halving the set, which is quick where most can be."""
    if not characters or is_printable("".join(characters), fonts):
        return characters
    if len(characters) == 1:
        return set()
    ordered = sorted(characters)
    middle = len(ordered) // 2
    return _printable_characters(set(ordered[:middle]), fonts) | _printable_characters(set(ordered[middle:]), fonts)


def _template_values(
    bundle: HandoverBundle, number: int, names: list[str], fonts: tuple[Path, ...]
) -> dict[str, object]:
    """Return the values of the typst template for one volume."""
    address = list(address_lines(bundle.target)) if number == 1 and bundle.target else []
    cover = _cover(bundle, address) if number == 1 else None
    heading = gettext("Names")
    foot = gettext("%(headline)s. Signatures of %(section)s.", headline=_headline(bundle), section=bundle.section)
    if bundle.volumes > 1:
        volume_label = gettext("Volume %(number)s of %(volumes)s", number=number, volumes=bundle.volumes)
        heading, foot = f"{heading}: {volume_label}", f"{foot} {volume_label}"
    texts = {
        "title": gettext("Signatures: %(headline)s", headline=_headline(bundle)),
        "foot": foot,
        "hash": f"SHA-256 {bundle.sha256}",
        "cover": cover,
        "names_heading": heading,
        "names": names,
    }
    return texts | {
        "lang": bundle.language,
        "rtl": Locale(bundle.language).text_direction == "rtl",
        "rtl_address": reads_from_right("".join(address)),
        "fonts": font_families(fonts, json.dumps(texts, ensure_ascii=False)),
        "mono": _MONO,
    }


def _country(code: str, language: str) -> str:
    """Return the country's name. The country of an erased signature is not stored any more."""
    return country_name(code, language) if code else gettext("Country no longer stored")


def _cover(bundle: HandoverBundle, address: list[str]) -> dict[str, object]:
    """Return the values of the covering letter."""
    total, names = _formatted(bundle, bundle.signatures), _formatted(bundle, bundle.names)
    rows = [[_country(code, bundle.language), _formatted(bundle, count)] for code, count in bundle.by_country.items()]
    return {
        "address": address,
        "date": format_date(bundle.dated, "long", locale=bundle.language),
        "paragraphs": [part for part in _cover_paragraphs(bundle, total) if part],
        "sender": bundle.section,
        "counts_heading": gettext("Signatures by country"),
        "country_heading": gettext("Country"),
        "number_heading": gettext("Signatures"),
        "countries": [*rows, [gettext("All"), total]],
        "list_heading": gettext("The list of names"),
        "about": [
            gettext(
                "Each signature was confirmed from the signer’s own mailbox. The list holds the names of those "
                "%(names)s who agreed that their name be handed over; the other %(others)s are counted without.",
                names=names,
                others=_formatted(bundle, bundle.signatures - bundle.names),
            ),
            gettext(
                "The list is the file %(file)s, which goes with this letter. Whoever computes the SHA-256 digest "
                "(FIPS 180-4) over all bytes of the file, for instance with “sha256sum %(file)s”, must get:",
                file=bundle.file,
            ),
        ],
    }


def _cover_paragraphs(bundle: HandoverBundle, total: str) -> list[str]:
    """Return the paragraphs of the covering letter, with empty texts for those left out."""
    own_salutation = bundle.target.salutation if bundle.target else None
    everywhere = gettext(
        "In all countries together, %(count)s people have signed.", count=_formatted(bundle, bundle.everywhere)
    )
    return [
        own_salutation or bundle.text.salutation or "",
        ngettext(
            "%(count)s person has signed the letter below with %(section)s. We hand you this signature.",
            "%(count)s people have signed the letter below with %(section)s. We hand you their signatures.",
            bundle.signatures,
            count=total,
            section=bundle.section,
        ),
        _note_on_earlier_wording(bundle),
        everywhere if bundle.everywhere > bundle.signatures else "",
        *bundle.text.paragraphs,
        bundle.text.closing or "",
    ]


def _note_on_earlier_wording(bundle: HandoverBundle) -> str:
    """Return the note on signatures under an earlier wording; empty where there are none.

    Without it, a reader would think that all signed the present text.
    """
    if not bundle.earlier:
        return ""
    text: str = ngettext(
        "%(count)s of these signatures was given to an earlier wording of the letter.",
        "%(count)s of these signatures were given to an earlier wording of the letter.",
        bundle.earlier,
        count=_formatted(bundle, bundle.earlier),
    )
    return text


def _headline(bundle: HandoverBundle) -> str:
    return " ".join(bundle.text.headline.split())


def _formatted(bundle: HandoverBundle, number: int) -> str:
    return format_decimal(number, locale=bundle.language)
