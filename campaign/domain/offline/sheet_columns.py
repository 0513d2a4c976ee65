"""The header of a file with paper signatures: recognition of its columns, in the six languages of the pages.

An unknown column is skipped and reported. If skipping it would lose half a name, the address or the consent of all
people in the file, the file is refused instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from campaign.domain.errors import InputError

COLUMNS = ("name", "email", "country", "consent")
# In the order in which they are printed.
NAME_PARTS = ("first", "middle", "last", "second_last")
_LONGEST_HEAD = 60
# Headings of the columns, without accents, spaces and punctuation. Beside a part of the name, a column with a heading
# of `name` is the part that is missing (`Nom` beside `Prénom`, `Nombre` beside `Apellidos`).
_HEADS = {
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
_JOINS = frozenset("et and und y e и و".split())
# Roots of words which show that a skipped column may be a part of the name, or the consent.
_PART_ROOTS = ("apellid", "surnam", "lastnam", "firstnam", "forenam", "familyn", "familienn", "nomdefam", "nachnam",
               "vornam", "zunam", "prenom", "patronym", "фамил", "отчеств", "لقب")  # fmt: skip
_CONSENT_ROOTS = ("consent", "agree", "accept", "accord", "acept", "einwillig", "einverst", "zustimm", "zugestimm",
                  "соглас", "موافق", "اوافق")  # fmt: skip


class SheetError(InputError):
    """The file as a whole cannot be read; `detail` quotes the text of the file that is the reason."""

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__("file", code, message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ColumnHeads:
    """The index of each column, the unknown headings by index, and the number of columns."""

    places: dict[str, int]
    others: dict[int, str]
    width: int

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return the headings of the columns that are not read."""
        return tuple(self.others.values())


def normalised(text: str) -> str:
    """Return the text in lower case, without accents and without characters that only select a glyph."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c not in "\ufe0e\ufe0f\u0640\u200e\u200f")


def _squeezed(head: str) -> str:
    return re.sub(r"[\W_]", "", normalised(head))


_COLUMN_OF = {_squeezed(head): column for column, heads in _HEADS.items() for head in heads.split()}


def column_of(head: str) -> str | None:
    """Return the column with that heading: of COLUMNS, of NAME_PARTS, or `whole` for a full name; None if unknown."""
    head = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|[*:?]", " ", head)
    return _COLUMN_OF.get(_squeezed(head)) or _joined(head)


def _joined(head: str) -> str | None:
    """Return `whole` if one heading names several parts of a name: `Nom et prénom`, `Vor- und Nachname`."""
    words = [word for word in re.findall(r"\w+", normalised(head)) if word not in _JOINS]
    # In Arabic the joining word is written with the next one.
    parts = {_COLUMN_OF.get(word) or _COLUMN_OF.get(word.removeprefix("و")) for word in words}
    is_two = len(parts & {"name", "whole", "first", "last"}) > 1
    return "whole" if is_two and parts <= {"name", "whole", *NAME_PARTS} else None


def read_head(cells: list[str]) -> ColumnHeads:
    """Return the indexes of the columns. Raise SheetError (`columns`, `half-name`)."""
    found: dict[str, int] = {}
    others: dict[int, str] = {}
    for place, cell in enumerate(cells):
        column = column_of(cell)
        if column in found:
            raise SheetError("columns", f"the column {cell!r} is twice there", cell.strip()[:_LONGEST_HEAD])
        if column is not None:
            found[column] = place
        elif cell.strip():
            others[place] = " ".join(cell.split())[:_LONGEST_HEAD]
    _settle_name(found, cells, others.values())
    if "consent" not in found and (doubtful := _first_like(others.values(), _CONSENT_ROOTS)):
        raise SheetError("columns", "a column may be the consent", doubtful)
    return ColumnHeads(found, others, len(cells))


def _settle_name(found: dict[str, int], cells: list[str], others: Iterable[str]) -> None:
    """Keep either `name` or its parts among the columns. Raise SheetError if a part of the name has no column."""
    is_whole = "whole" in found
    if is_whole:
        found["name"] = found.pop("whole")
    missing = [part for part in ("first", "last") if part not in found]
    if "name" in found and len(missing) == 1 and not is_whole:
        found[missing.pop()] = found.pop("name")
    parts = [part for part in NAME_PARTS if part in found]
    if "name" in found and (is_whole or not missing):
        for part in parts:  # the full name contains them
            del found[part]
    elif not parts and "name" not in found:
        raise SheetError("columns", "there is no column for the name", next(iter(others), "name"))
    elif missing and (half := cells[found[parts[0]]] if parts else _first_like(others, _PART_ROOTS)):
        raise SheetError("half-name", "a part of the name has no column that is known", half.strip()[:_LONGEST_HEAD])


def _first_like(heads: Iterable[str], roots: tuple[str, ...]) -> str | None:
    return next((head for head in heads if any(root in _squeezed(head) for root in roots)), None)
