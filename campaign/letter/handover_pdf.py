"""Signatures on paper, for handing over: a covering letter with the counts by country, and volumes of names."""

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
from campaign.letter.fonts import families
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
    # Signatures from before the letter got its present wording.
    earlier: int
    names: int
    file: str
    sha256: str
    volumes: int

    @property
    def signatures(self) -> int:
        """Return the number of all signatures handed over, with a name or without."""
        return sum(self.by_country.values())


def volume(bundle: HandoverBundle, number: int, names: list[tuple[int, str]], fonts: tuple[Path, ...]) -> bytes:
    """Return one volume as PDF/UA-1; the first begins with the covering letter. `names` come with their list numbers.

    A name that no font can show is printed as its number, with a note that it is in the file.
    Raises GlyphError where the letter itself cannot be shown.
    """
    with force_locale(bundle.language):
        shown = [f"{place}. {name}" for place, name in names]
        try:
            return typeset(_SOURCE.read_bytes(), _data(bundle, number, shown, fonts), fonts)
        except GlyphError:
            printable = _printable({character for _, name in names for character in name}, fonts)
            elsewhere = gettext("(in the file)")
            shown = [f"{place}. {name if printable.issuperset(name) else elsewhere}" for place, name in names]
            return typeset(_SOURCE.read_bytes(), _data(bundle, number, shown, fonts), fonts)


def _printable(characters: set[str], fonts: tuple[Path, ...]) -> set[str]:
    """Return the characters that the fonts can show, by halving the set: few questions where most can be shown."""
    if not characters or is_printable("".join(characters), fonts):
        return characters
    if len(characters) == 1:
        return set()
    ordered = sorted(characters)
    middle = len(ordered) // 2
    return _printable(set(ordered[:middle]), fonts) | _printable(set(ordered[middle:]), fonts)


def _data(bundle: HandoverBundle, number: int, names: list[str], fonts: tuple[Path, ...]) -> dict[str, object]:
    address = list(address_lines(bundle.target)) if number == 1 and bundle.target else []
    cover = _cover(bundle, address) if number == 1 else None
    heading = gettext("Names")
    foot = gettext("%(headline)s. Signatures of %(section)s.", headline=_line(bundle), section=bundle.section)
    if bundle.volumes > 1:
        place = gettext("Volume %(number)s of %(volumes)s", number=number, volumes=bundle.volumes)
        heading, foot = f"{heading}: {place}", f"{foot} {place}"
    words = {
        "title": gettext("Signatures: %(headline)s", headline=_line(bundle)),
        "foot": foot,
        "hash": f"SHA-256 {bundle.sha256}",
        "cover": cover,
        "names_heading": heading,
        "names": names,
    }
    return words | {
        "lang": bundle.language,
        "rtl": Locale(bundle.language).text_direction == "rtl",
        "rtl_address": reads_from_right("".join(address)),
        "fonts": families(fonts, json.dumps(words, ensure_ascii=False)),
        "mono": _MONO,
    }


def _country(code: str, language: str) -> str:
    """Return the country's name; that of an erased signature is no longer known."""
    return country_name(code, language) if code else gettext("Country no longer stored")


def _cover(bundle: HandoverBundle, address: list[str]) -> dict[str, object]:
    whole, names = _number(bundle, bundle.signatures), _number(bundle, bundle.names)
    rows = [[_country(code, bundle.language), _number(bundle, one)] for code, one in bundle.by_country.items()]
    return {
        "address": address,
        "date": format_date(bundle.dated, "long", locale=bundle.language),
        "paragraphs": [part for part in _paragraphs(bundle, whole) if part],
        "sender": bundle.section,
        "counts_heading": gettext("Signatures by country"),
        "country_heading": gettext("Country"),
        "number_heading": gettext("Signatures"),
        "countries": [*rows, [gettext("All"), whole]],
        "list_heading": gettext("The list of names"),
        "about": [
            gettext(
                "Each signature was confirmed from the signer’s own mailbox. The list holds the names of those "
                "%(names)s who agreed that their name be handed over; the other %(others)s are counted without.",
                names=names,
                others=_number(bundle, bundle.signatures - bundle.names),
            ),
            gettext(
                "The list is the file %(file)s, which goes with this letter. Whoever computes the SHA-256 digest "
                "(FIPS 180-4) over all bytes of the file, for instance with “sha256sum %(file)s”, must get:",
                file=bundle.file,
            ),
        ],
    }


def _paragraphs(bundle: HandoverBundle, whole: str) -> list[str]:
    own = bundle.target.salutation if bundle.target else None
    everywhere = gettext(
        "In all countries together, %(count)s people have signed.", count=_number(bundle, bundle.everywhere)
    )
    return [
        own or bundle.text.salutation or "",
        ngettext(
            "%(count)s person has signed the letter below with %(section)s. We hand you this signature.",
            "%(count)s people have signed the letter below with %(section)s. We hand you their signatures.",
            bundle.signatures,
            count=whole,
            section=bundle.section,
        ),
        _earlier(bundle),
        everywhere if bundle.everywhere > bundle.signatures else "",
        *bundle.text.paragraphs,
        bundle.text.closing or "",
    ]


def _earlier(bundle: HandoverBundle) -> str:
    """Return the note on those who signed an earlier wording.

    Without it a reader would take the letter for the text that all of them signed.
    """
    if not bundle.earlier:
        return ""
    said: str = ngettext(
        "%(count)s of these signatures was given to an earlier wording of the letter.",
        "%(count)s of these signatures were given to an earlier wording of the letter.",
        bundle.earlier,
        count=_number(bundle, bundle.earlier),
    )
    return said


def _line(bundle: HandoverBundle) -> str:
    return " ".join(bundle.text.headline.split())


def _number(bundle: HandoverBundle, number: int) -> str:
    return format_decimal(number, locale=bundle.language)
