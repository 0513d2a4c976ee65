"""The header of a file with paper signatures: recognition of its columns, in the six languages of the pages.

An unknown column is skipped and reported. The file is refused if skipping the column would lose a part of the name, the
address or the consent of all signers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from campaign.domain.errors import InputError

COLUMNS = ("name", "email", "country", "consent")
# In the order in which a name is printed.
NAME_PARTS = ("first", "middle", "last", "second_last")
_MAX_HEADING_LENGTH = 60
# Headings of the columns, without accents, spaces and punctuation. A column of `name` is the missing part of the name
# if there is also a column for one part (`Nom` and `Prénom`, `Nombre` and `Apellidos`).
_HEADINGS = {
    "name": "name names nom noms nombre naam имя имена имяучастника الاسم اسم",
    "whole": "fullname wholename completename yourname nameofsigner signer nomcomplet votrenom signataire "
    "nombrecompleto firmante vollständigername vollername ihrname gesamtername unterzeichner фио полноеимя "
    "подписавший подписант الاسمالكامل الاسمالثلاثي الاسمبالكامل اسمالموقع",
    "first": "first firstname firstnames forename forenames givenname givennames christianname prénom prénoms "
    "nombres nombredepila nombresdepila primernombre vorname vornamen rufname vor имяотчество имяиотчество الاسمالأول "
    "الأول الاسمالشخصي",
    "middle": "middle middlename middlenames secondname deuxièmeprénom segundonombre zweitername zweitervorname "
    "отчество اسمالأب الاسمالأوسط",
    "last": "last lastname lastnames surname surnames familyname familynames family nomdefamille nomsdefamille "
    "patronyme apellido apellidos primerapellido 1erapellido apellidopaterno apellido1 primerysegundoapellido "
    "nachname nachnamen familienname familiennamen zuname фамилия اللقب لقب اسمالعائلة العائلة الاسمالأخير النسبة "
    "الكنية اسمالأسرة",
    "second_last": "segundoapellido 2apellido 2ºapellido apellidomaterno apellido2 secondsurname",
    "email": "email emails mail mails emailaddress emailaddresses mailaddress youremail youremailaddress "
    "electronicmail electronicaddress courriel courriels adressecourriel adressedecourriel adressemail adresseemail "
    "adressesemail votreemail adresseélectronique adressedecourrierélectronique courrierélectronique mél mel correo "
    "correos correoelectrónico correoselectrónicos direccióndecorreo direccióndecorreoelectrónico direccióncorreo "
    "direccióndeemail direcciónemail direcciónelectrónica sucorreo mailadresse emailadresse emailadressen "
    "mailadressen ihreemail ihreemailadresse elektronischeadresse elektronischepost почта элпочта электроннаяпочта "
    "адресэлектроннойпочты адресэлпочты электронныйадрес эладрес имейл емейл емайл мейл майл البريد بريد "
    "البريدالإلكتروني بريدإلكتروني البريدالالكتروني عنوانالبريدالإلكتروني عنوانالبريد الإيميل إيميل ايميل",
    "country": "country countryofresidence pays paysderésidence país países land staat wohnland страна "
    "странапроживания البلد بلد الدولة دولة بلدالإقامة",
    "consent": "consent consents consentgiven consented consenttomail consenttobemailed agree agreed agrees iagree "
    "agreement accept accepted optin maybemailed maymail maywemail mailok okmail accord accords daccord consentement "
    "consentements jaccepte accepte accepté acceptée peutêtrecontacté consentimiento conforme acuerdo "
    "deacuerdo acepto acepta aceptado aceptación einwilligung eingewilligt einverständnis einverstanden zustimmung "
    "zugestimmt stimmezu ichstimmezu darfangeschriebenwerden согласие согласен согласна согласны естьсогласие "
    "согласиенаобработку согласиенарассылку согласиенаобработкуперсональныхданных الموافقة موافقة موافق أوافق "
    "أقبل القبول",
}
# Words that join two parts of a name in one heading.
_CONJUNCTIONS = frozenset("et and und y e и و".split())
# Roots of words which show that a skipped column may be a part of the name, or the consent.
_PART_ROOTS = ("apellid", "surnam", "lastnam", "firstnam", "forenam", "familyn", "familienn", "nomdefam", "nachnam",
               "vornam", "zunam", "prenom", "patronym", "фамил", "отчеств", "لقب")  # fmt: skip
_CONSENT_ROOTS = ("consent", "agree", "accept", "accord", "acept", "einwillig", "einverst", "zustimm", "zugestimm",
                  "соглас", "موافق", "اوافق")  # fmt: skip


class SheetError(InputError):
    """The file as a whole is refused; `detail` is the heading or line number of the file that is the reason."""

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__("file", code, message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ColumnHeads:
    """The index of each known column, the unknown headings by index, and the number of columns."""

    indexes: dict[str, int]
    unknown_headings: dict[int, str]
    width: int

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return the headings of the columns that are not read."""
        return tuple(self.unknown_headings.values())


def normalised(text: str) -> str:
    """Return the text in lower case, without accents and without characters that only select a glyph."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c not in "\ufe0e\ufe0f\u0640\u200e\u200f")


def _letters_of(heading: str) -> str:
    """Return the normalised heading without spaces and punctuation."""
    return re.sub(r"[\W_]", "", normalised(heading))


_COLUMN_OF = {_letters_of(heading): column for column, headings in _HEADINGS.items() for heading in headings.split()}


def column_of(heading: str) -> str | None:
    """Return the column with that heading: of COLUMNS, of NAME_PARTS, or `whole` for a full name; None if unknown."""
    heading = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|[*:?]", " ", heading)
    return _COLUMN_OF.get(_letters_of(heading)) or _joined_column(heading)


def _joined_column(heading: str) -> str | None:
    """Return `whole` if one heading names several parts of a name: `Nom et prénom`, `Vor- und Nachname`."""
    words = [word for word in re.findall(r"\w+", normalised(heading)) if word not in _CONJUNCTIONS]
    # In Arabic the conjunction is written together with the next word.
    parts = {_COLUMN_OF.get(word) or _COLUMN_OF.get(word.removeprefix("و")) for word in words}
    has_two_parts = len(parts & {"name", "whole", "first", "last"}) > 1
    return "whole" if has_two_parts and parts <= {"name", "whole", *NAME_PARTS} else None


def read_head(cells: list[str]) -> ColumnHeads:
    """Return the indexes of the columns. Raises SheetError (`columns`, `half-name`)."""
    indexes: dict[str, int] = {}
    unknown_headings: dict[int, str] = {}
    for index, cell in enumerate(cells):
        column = column_of(cell)
        if column in indexes:
            raise SheetError("columns", f"the column {cell!r} occurs twice", cell.strip()[:_MAX_HEADING_LENGTH])
        if column is not None:
            indexes[column] = index
        elif cell.strip():
            unknown_headings[index] = " ".join(cell.split())[:_MAX_HEADING_LENGTH]
    _choose_name_columns(indexes, cells, unknown_headings.values())
    if "consent" not in indexes and (doubtful := _first_with_root(unknown_headings.values(), _CONSENT_ROOTS)):
        raise SheetError("columns", "a column may be the consent", doubtful)
    return ColumnHeads(indexes, unknown_headings, len(cells))


def _choose_name_columns(indexes: dict[str, int], cells: list[str], unknown_headings: Iterable[str]) -> None:
    """Leave either `name` or its parts in `indexes`. Raises SheetError if a part of the name has no column."""
    is_full_name = "whole" in indexes
    if is_full_name:
        indexes["name"] = indexes.pop("whole")
    missing = [part for part in ("first", "last") if part not in indexes]
    if "name" in indexes and len(missing) == 1 and not is_full_name:
        indexes[missing.pop()] = indexes.pop("name")
    parts = [part for part in NAME_PARTS if part in indexes]
    if "name" in indexes and (is_full_name or not missing):
        for part in parts:  # the full name contains them
            del indexes[part]
    elif not parts and "name" not in indexes:
        raise SheetError("columns", "there is no column for the name", next(iter(unknown_headings), "name"))
    elif missing and (half := cells[indexes[parts[0]]] if parts else _first_with_root(unknown_headings, _PART_ROOTS)):
        message = "a part of the name has no column that is known"
        raise SheetError("half-name", message, half.strip()[:_MAX_HEADING_LENGTH])


def _first_with_root(headings: Iterable[str], roots: tuple[str, ...]) -> str | None:
    """Return the first heading that contains one of the roots; None if there is none."""
    return next((heading for heading in headings if any(root in _letters_of(heading) for root in roots)), None)
