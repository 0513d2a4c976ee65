"""Documents composed from a table of labels: the style of the labels and their order do not change the fields."""

# ruff: noqa: E501 (tables read best in whole lines)

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from campaign.document import DraftAppeal, parse_text


@dataclass(frozen=True)
class NewTemplate:
    """The labels of the new template in one language, and the content of the blocks."""

    banner: str
    headline: str
    act: str
    role: str
    email: str
    country: str
    code: str
    salutation: str
    closing: str
    background: str
    languages: str
    language_names: str
    own: str
    deadline: str
    day: str
    late: str
    name: str
    previous: str


NEW_TEMPLATES = {
    "en": NewTemplate(
        "URGENT ACTION", "BAKER HELD WITHOUT CHARGE",
        "TAKE ACTION: WRITE AN APPEAL IN YOUR OWN WORDS OR USING THIS MODEL LETTER", "Minister of Justice", "Email", "Kenya", "KE",
        "Dear Minister,", "Yours sincerely,", "ADDITIONAL INFORMATION", "PREFERRED LANGUAGE TO ADDRESS TARGET", "Swahili, English",
        "You can also write in your own language.", "PLEASE TAKE ACTION AS SOON AS POSSIBLE UNTIL", "18 June 2024",
        "Please check with the Amnesty office in your country if you wish to send appeals after the deadline.",
        "NAME AND PREFERRED PRONOUN", "LINK TO PREVIOUS UA",
    ),
    "fr": NewTemplate(
        "ACTION URGENTE", "UN BOULANGER DÉTENU SANS INCULPATION",
        "PASSEZ À L'ACTION : ENVOYEZ UN APPEL EN UTILISANT VOS PROPRES MOTS OU EN VOUS INSPIRANT DU MODÈLE DE LETTRE CI-DESSOUS",
        "Ministre de la Justice", "Courriel", "Kenya", "KE", "Monsieur le Ministre,",
        "Veuillez agréer, Monsieur le Ministre, l'expression de ma haute considération,", "COMPLÉMENT D'INFORMATION",
        "LANGUE(S) À PRIVILÉGIER POUR LA RÉDACTION DE VOS APPELS", "swahili, anglais", "Vous pouvez également écrire dans votre propre langue.",
        "MERCI D'AGIR DANS LES PLUS BREFS DÉLAIS ET AVANT LE", "18 JUIN 2024",
        "Au-delà de cette date, vérifiez auprès de votre section s'il faut encore intervenir.", "PRÉNOM, NOM ET PRONOM À UTILISER",
        "LIEN VERS L'AU PRÉCÉDENTE",
    ),
    "es": NewTemplate(
        "ACCIÓN URGENTE", "PANADERO DETENIDO SIN CARGOS", "ACTÚEN: REDACTEN SU PROPIO LLAMAMIENTO O UTILICEN ESTA CARTA MODELO",
        "Ministro de Justicia", "Correo-e", "Kenia", "KE", "Señor Ministro:", "Atentamente,", "INFORMACIÓN COMPLEMENTARIA",
        "IDIOMA(S) PREFERIDO(S) PARA DIRIGIRSE AL DESTINATARIO", "suajili, inglés", "También pueden escribir en su propio idioma.",
        "ACTÚEN LO ANTES POSIBLE Y NO MÁS TARDE DEL", "18 de junio de 2024",
        "Consulten con la oficina de su Sección si desean enviar llamamientos después de la fecha indicada.", "NOMBRE Y GÉNERO",
        "ENLACE A LA AU ANTERIOR",
    ),
    "de": NewTemplate(
        "URGENT ACTION", "BÄCKER OHNE ANKLAGE IN HAFT", "Setzt euch für Amani Muster ein", "Justizminister", "E-Mail", "Kenia", "KE",
        "Sehr geehrter Herr Minister,", "Mit freundlichen Grüßen", "HINTERGRUNDINFORMATION", "Schreiben Sie in gutem", "Suaheli, Englisch",
        "oder auf Deutsch", "Appelle bis", "18. Juni 2024", "", "NAME UND PRONOMEN", "LINK ZUR VORHERIGEN UA",
    ),
}  # fmt: skip
LabelStyle = Callable[[str, str], str]


def _plain_label(label: str, value: str) -> str:
    return f"{label}: {value}".rstrip()


LABEL_STYLES: dict[str, LabelStyle] = {
    "plain": _plain_label,
    "bold label": lambda label, value: f"**{label}:** {value}".rstrip(),
    "bold label, colon outside": lambda label, value: f"**{label}**: {value}".rstrip(),
    "bold over both": lambda label, value: f"**{label}: {value}**" if value else f"**{label}**",
    "heading": lambda label, value: f"### {label}\n\n{value}".rstrip(),
    "bold, value below": lambda label, value: f"**{label}**\n{value}".rstrip(),
    "value below": lambda label, value: f"{label}:\n{value}".rstrip(),
    "value after a blank line": lambda label, value: f"**{label}:**\n\n{value}".rstrip(),
    "no colon": lambda label, value: f"{label} {value}".rstrip(),
    "space before the colon": lambda label, value: f"{label}\u00a0: {value}".rstrip(),
    "underscores": lambda label, value: f"__{label}:__ {value}".rstrip(),
    "list item": lambda label, value: f"- **{label}:** {value}".rstrip(),
    "small letters": lambda label, value: _plain_label(label.capitalize(), value),
    "over two lines": lambda label, value: _plain_label(_over_two_lines(label), value),
    "without accents": lambda label, value: _plain_label(_without_accents(label), value),
    "curly": lambda label, value: _plain_label(label.replace("'", "’"), value),
    "wide spaces": lambda label, value: f"{label.replace(' ', '  ')} :   {value}".rstrip(),
}


def _over_two_lines(label: str) -> str:
    parts = label.split(" ")
    return label if len(parts) < 3 else " ".join(parts[: len(parts) // 2]) + "\n" + " ".join(parts[len(parts) // 2 :])


def _without_accents(label: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", label) if not unicodedata.combining(char))


def _compose(new: NewTemplate, style: LabelStyle, order: int = 0) -> str:
    head = [f"# {new.banner}", f"## {new.headline}", "Amani Muster 3 2024.", style(new.act, "").rstrip(": ")]
    letter = [
        f"{new.role}\nJuma Muster\nPO Box 1\nNairobi, {new.country}\n{new.email}: justice@example.ke",
        f"*{new.salutation}*", "*Amani Muster 1 May 2023.*", "***Amani Muster!***", f"*{new.closing}*",
    ]  # fmt: skip
    background = [style(new.background, "").rstrip(": "), "Muster 2 May 2022.\n\nMuster *2021*."]
    tail = [
        style(new.languages, new.language_names) + f"\n{new.own}",
        style(new.deadline, new.day) + (f"\n{new.late}" if new.late else ""),
        style(new.name, "Amani Muster (x/y)"),
        style(new.previous, "https://www.example.org/ua/1"),
    ]
    parts = [
        [*head, *letter, *background, *tail],
        [*head, *letter, *background, *reversed(tail)],
        [*head[:2], *tail, *head[2:], *letter, *background],
        [*head, *letter, *tail, *background],
        [*head[:2], tail[1], *head[2:], *letter, tail[0], *tail[2:], *background],
    ]
    return "\n\n".join(parts[order])


def _check_fields(draft: DraftAppeal, new: NewTemplate, language: str) -> None:
    assert draft.language == language
    assert draft.headline == new.headline
    assert draft.summary == "Amani Muster 3 2024."
    (target,) = draft.targets
    assert (target.role, target.name, target.address) == (
        new.role,
        "Juma Muster",
        ("PO Box 1", f"Nairobi, {new.country}"),
    )
    assert (target.emails, target.country, draft.country) == (("justice@example.ke",), new.code, new.code)
    assert draft.letter
    assert (draft.letter.salutation, draft.letter.closing) == (new.salutation, new.closing)
    assert draft.letter.paragraphs == ("Amani Muster 1 May 2023.", "Amani Muster!")
    assert draft.background == "Muster 2 May 2022.\n\nMuster *2021*."
    assert (draft.languages, draft.own_language) == (("sw", "en"), True)
    assert str(draft.deadline) == "2024-06-18"
    assert [(each.name, each.pronoun) for each in draft.people] == [("Amani Muster", "x/y")]
    assert draft.previous == "https://www.example.org/ua/1"
    assert [warning.code for warning in draft.warnings] == ["no-reference"]


@pytest.mark.parametrize("style", LABEL_STYLES)
@pytest.mark.parametrize("language", NEW_TEMPLATES)
def test_the_new_template_has_the_same_fields_in_every_label_style(language: str, style: str) -> None:
    _check_fields(parse_text(_compose(NEW_TEMPLATES[language], LABEL_STYLES[style])), NEW_TEMPLATES[language], language)


@pytest.mark.parametrize("order", range(1, 5))
@pytest.mark.parametrize("language", NEW_TEMPLATES)
def test_the_new_template_has_the_same_fields_in_every_order(language: str, order: int) -> None:
    _check_fields(
        parse_text(_compose(NEW_TEMPLATES[language], LABEL_STYLES["bold label"], order)),
        NEW_TEMPLATES[language],
        language,
    )


@pytest.mark.slow
@pytest.mark.parametrize("style", LABEL_STYLES)
@pytest.mark.parametrize("language", NEW_TEMPLATES)
def test_the_new_template_has_the_same_fields_in_every_style_and_order(language: str, style: str) -> None:
    for order in range(1, 5):
        _check_fields(
            parse_text(_compose(NEW_TEMPLATES[language], LABEL_STYLES[style], order)), NEW_TEMPLATES[language], language
        )


@pytest.mark.parametrize("language", NEW_TEMPLATES)
def test_other_salutations_do_not_end_a_target(language: str) -> None:
    new = replace(NEW_TEMPLATES[language], headline=NEW_TEMPLATES[language].headline + " 2024")
    _check_fields(parse_text(_compose(new, _plain_label)), new, language)


PRONOUNS = {
    "en": "he,\nhim, his",
    "fr": "elle,\nelles",
    "es": "él,\nella",
    "de": "sie,\nihr",
    "pt": "ela,\nelas",
    "it": "lei,\nloro",
}


@pytest.mark.parametrize("quote", ["", "> "])
@pytest.mark.parametrize("language", NEW_TEMPLATES)
def test_pronouns_wrapped_within_their_brackets_stay_together(language: str, quote: str) -> None:
    text = _compose(NEW_TEMPLATES[language], LABEL_STYLES["plain"]).replace("(x/y)", f"({PRONOUNS[language]})")
    draft = parse_text("\n".join(f"{quote}{line}" for line in text.split("\n")))
    assert [(each.name, each.pronoun) for each in draft.people] == [
        ("Amani Muster", " ".join(PRONOUNS[language].split()))
    ]
    assert [warning.code for warning in draft.warnings] == ["no-reference"]
