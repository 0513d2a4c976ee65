"""Letters in three scripts, and readers of the text in a PDF."""

from __future__ import annotations

import dataclasses
import io

from pdfminer.high_level import extract_pages, extract_text
from pdfminer.layout import LTTextContainer, LTTextLine

from campaign.letter.plain_text import Letter
from campaign.queries.appeals.appeal import TargetView

_FRENCH = (
    "Je suis vivement préoccupée par le sort d’Ana Ruiz Vega : « trois menaces de mort » en un mois, ça suffit.",
    "Elle enseigne à lire & écrire ; 100 % de sa classe l’attend. Œuvrez pour elle, dès aujourd’hui !",
    "Je vous demande de la protéger sans attendre.",
)
_RUSSIAN = (
    "Я глубоко обеспокоена судьбой учительницы Аны Руис Веги: за месяц ей трижды угрожали смертью.",
    "Её ученики ждут её; «школа» не должна быть местом страха.",
    "Прошу вас немедленно обеспечить её защиту.",
)
_ARABIC = (
    "أكتب إليكم بشأن المعلّمة آنا رويز فيغا، التي تلقّت ثلاثة تهديدات بالقتل (2026).",
    "إنّ تلاميذها ينتظرونها.",
    "أطلب منكم حمايتها فوراً.",
)
LETTERS = {
    "fr": Letter(
        "fr", "PROTÉGEZ ANA RUIZ VEGA", "Madame la Ministre,", _FRENCH, "Veuillez agréer mes salutations,", "Zoé"
    ),
    "ru": Letter("ru", "ЗАЩИТИТЕ АНУ РУИС ВЕГУ", "Уважаемый министр!", _RUSSIAN, "С уважением,", "Анна Орлова"),
    "ar": Letter("ar", "احموا آنا رويز فيغا", "معالي الوزير،", _ARABIC, "مع فائق الاحترام،", "ليلى حداد"),
}
ADDRESS = ("Ministre de l’Intérieur", "Pedro Alba Montes", "Calle Ejemplo 1", "Bogotá", "Colombie")


def long(letter: Letter, paragraphs: int) -> Letter:
    """Return the same letter with that many paragraphs; the last one stays last."""
    first = [f"{number}. {letter.paragraphs[number % 2]}" for number in range(paragraphs - 1)]
    return dataclasses.replace(letter, paragraphs=(*first, letter.paragraphs[-1]))


def target(
    position: int = 1, kind: str = "primary", country: str | None = "CO", emails: tuple[str, ...] = (), **more: object
) -> TargetView:
    """Return a target with the given values."""
    values: dict[str, object] = {
        "role": "Minister",
        "name": None,
        "address": (),
        "salutation": None,
        "faxes": (),
        "phones": (),
        "social": {},
    }
    return TargetView(position=position, kind=kind, country=country, emails=emails, **(values | more))  # type: ignore[arg-type]


def text_of_pdf(content: bytes) -> str:
    """Return all text, in one line."""
    return " ".join(extract_text(io.BytesIO(content)).split())


def lines_of_pdf(content: bytes, number: int = 0) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return each line of a page, 0 the first, with its edges: left, top, right, bottom.

    The edges are in millimetres from the top left.
    """
    page = next(iter(extract_pages(io.BytesIO(content), page_numbers=[number])))
    found = []
    for box in page:
        for line in box if isinstance(box, LTTextContainer) else ():
            if isinstance(line, LTTextLine):
                left, bottom, right, top = line.bbox
                edges = tuple(value * 25.4 / 72 for value in (left, page.height - top, right, page.height - bottom))
                found.append((line.get_text().strip(), edges))
    return found  # type: ignore[return-value]
