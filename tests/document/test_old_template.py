"""The template of 2009 to 2018 with every style of labels, bullet of points and separator of targets."""

# ruff: noqa: E501 (tables read best in whole lines)

from __future__ import annotations

from dataclasses import dataclass

import pytest

from campaign.document import parse_text
from tests.document.test_new_template import LABEL_STYLES, LabelStyle


@dataclass(frozen=True)
class OldTemplate:
    """The labels of the old template in one language."""

    header: str
    banner: str
    headline: str
    write: str
    appeals: str
    roles: tuple[str, str, str]
    country: str
    salutation: str
    copies: str
    diplomatic: str
    form: str
    late: str
    background: str
    name: str
    gender: str


OLD_TEMPLATES = {
    "en": OldTemplate(
        "UA: 12/15 Index: AFR 32/1402/2015 Kenya Issue Date: 9 April 2015", "URGENT ACTION", "BAKER HELD IN SECRET",
        "Please write immediately in Swahili, English or your own language", "PLEASE SEND APPEALS BEFORE 21 MAY 2015 TO",
        ("President", "Minister of Justice", "Ombudsman"), "Kenya", "Salutation", "And copies to",
        "Also send copies to diplomatic representatives accredited to your country. Please insert local diplomatic addresses below",
        "Name Address 1 Address 2 Address 3 Fax Fax number Email Email address Salutation Salutation",
        "Please check with your section office if sending appeals after the above date.", "ADDITIONAL INFORMATION", "Name", "Gender m/f",
    ),
    "fr": OldTemplate(
        "AU : 12/15 Index : AFR 32/1402/2015 Kenya Date : 9 avril 2015", "ACTION URGENTE", "UN BOULANGER DÉTENU AU SECRET",
        "DANS LES APPELS QUE VOUS FEREZ PARVENIR LE PLUS VITE POSSIBLE AUX DESTINATAIRES MENTIONNÉS CI-APRÈS, en swahili, en anglais "
        "ou dans votre propre langue",
        "ENVOYEZ VOS APPELS AVANT LE 21 MAI 2015 À", ("Président", "Ministre de la Justice", "Médiateur"), "Kenya", "Formule d'appel",
        "Copies à", "Veuillez également adresser des copies aux représentants diplomatiques du Kenya dans votre pays (adresse/s à compléter)",
        "Nom(s) Adresse(s) Numéro de fax Adresse électronique Formule de politesse",
        "Vérifiez auprès de votre section s'il faut encore intervenir après la date indiquée ci-dessus.", "INFORMATIONS COMPLÉMENTAIRES",
        "Nom", "Genre",
    ),
    "es": OldTemplate(
        "AU: 12/15 Índice: AFR 32/1402/2015 Kenia Fecha: 9 de abril de 2015", "ACCIÓN URGENTE", "PANADERO RECLUIDO EN SECRETO",
        "Escriban inmediatamente, en suajili, en inglés o en su propio idioma", "ENVÍEN LLAMAMIENTOS ANTES DEL 21 DE MAYO DE 2015 A",
        ("Presidente", "Ministro de Justicia", "Defensora del Pueblo"), "Kenia", "Tratamiento", "Y copias a",
        "Envíen también copias a la representación diplomática acreditada en su país. Incluyan las direcciones de las sedes diplomáticas locales",
        "Nombre Dirección 1 Dirección 2 Dirección 3 Fax Número de fax Correo-e Dirección de correo-e Tratamiento Tratamiento",
        "Consulten con la oficina de su Sección si desean enviar llamamientos después de la fecha antes indicada.", "INFORMACIÓN ADICIONAL",
        "Nombre", "Sexo",
    ),
    "de": OldTemplate(
        "UA: 12/15 Index: AFR 32/1402/2015 Kenia Datum: 9. April 2015", "URGENT ACTION", "BÄCKER IN GEHEIMER HAFT",
        "Bitte schreiben Sie unverzüglich in gutem Suaheli, Englisch oder auf Deutsch", "APPELLE BIS 21. MAI 2015 AN",
        ("Präsident", "Justizministerin", "Ombudsperson"), "Kenia", "Anrede", "KOPIEN AN", "", "", "", "HINTERGRUNDINFORMATION",
        "Name", "Geschlecht",
    ),
}  # fmt: skip
POINTS = ("Amani Muster 1 May 2014;", "Muster Amani 2 May 2014;", "Muster 2013.")
BULLETS = {
    "dash": "- {}",
    "bullet": "• {}",
    "square": "■ {}",
    "private use": "\uf0b7 {}",
    "number": "{n}. {}",
    "none": "{}",
    "indented": "  * {}",
}
OLD_LABEL_STYLES = [
    name for name in LABEL_STYLES if name not in {"value after a blank line", "over two lines", "heading", "no colon"}
]


def _targets(old: OldTemplate, separator: str) -> str:
    """Return two targets that are separated by a salutation, by a blank line, or by both."""
    texts = []
    for number, role in enumerate(old.roles[:2], start=1):
        lines = [role, "Juma Muster", f"PO Box {number}", f"Nairobi, {old.country}", f"Fax: +254 20 555 000{number}"]
        if separator != "blank":
            lines.append(f"{old.salutation}: Muster {number}")
        texts.append("\n".join(lines))
    return ("\n" if separator == "salutation" else "\n\n").join(texts)


def _compose(
    old: OldTemplate, style: LabelStyle, bullet: str = "- {}", separator: str = "both", has_blank_lines: bool = False
) -> str:
    points = ("\n\n" if has_blank_lines else "\n").join(
        bullet.format(point, n=n) for n, point in enumerate(POINTS, start=1)
    )
    parts = [
        old.header, old.banner, old.headline, "Amani Muster 3 2015.", "Muster.",
        style(old.write, "").rstrip(": ") + ":\n" + points if "*" not in style("x", "") else style(old.write + ":", "") + "\n" + points,
        style(old.appeals, "").removesuffix(":") + ":" if "*" not in style("x", "") else style(old.appeals + ":", "").replace("::", ":"),
        _targets(old, separator),
        style(old.copies, ""), f"{old.roles[2]}\nWanjiku Muster\nNairobi, {old.country}",
        f"{old.diplomatic}:\n{old.form}" if old.diplomatic else "", old.late, f"{old.banner}\n\n{old.headline}",
        style(old.background, "").rstrip(": "), "Muster 2 May 2012.", f"{style(old.name, 'Amani Muster')}\n{style(old.gender, 'm')}", old.header,
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _check_fields(document: str, old: OldTemplate, language: str, separator: str = "both") -> None:
    draft = parse_text(document)
    assert (draft.language, draft.headline) == (language, old.headline)
    assert (draft.reference, draft.sequence, draft.index) == ("UA 12/15", 1, "AFR 32/1402/2015")
    assert draft.summary == "Amani Muster 3 2015.\n\nMuster."
    assert draft.talking_points == POINTS
    assert draft.letter is None
    primary = [target for target in draft.targets if target.kind == "primary"]
    assert [(each.role, each.name) for each in primary] == [(role, "Juma Muster") for role in old.roles[:2]]
    assert [each.address for each in primary] == [(f"PO Box {n}", f"Nairobi, {old.country}") for n in (1, 2)]
    assert [each.faxes for each in primary] == [(f"+254 20 555 000{n}",) for n in (1, 2)]
    assert [each.salutation for each in primary] == ([None, None] if separator == "blank" else ["Muster 1", "Muster 2"])
    (copy,) = [target for target in draft.targets if target.kind != "primary"]
    assert (copy.kind, copy.role, copy.name, copy.country) == ("copy", old.roles[2], "Wanjiku Muster", "KE")
    assert draft.background == "Muster 2 May 2012."
    assert (draft.languages, draft.own_language, str(draft.deadline)) == (("sw", "en"), True, "2015-05-21")
    assert [(each.name, each.pronoun) for each in draft.people] == [("Amani Muster", "m")]
    assert draft.warnings == ()


@pytest.mark.parametrize("style", OLD_LABEL_STYLES)
@pytest.mark.parametrize("language", OLD_TEMPLATES)
def test_the_old_template_has_the_same_fields_in_every_label_style(language: str, style: str) -> None:
    _check_fields(_compose(OLD_TEMPLATES[language], LABEL_STYLES[style]), OLD_TEMPLATES[language], language)


@pytest.mark.parametrize("has_blank_lines", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("bullet", BULLETS)
@pytest.mark.parametrize("language", OLD_TEMPLATES)
def test_points_are_split_at_every_kind_of_bullet(language: str, bullet: str, has_blank_lines: bool) -> None:
    document = _compose(
        OLD_TEMPLATES[language], LABEL_STYLES["bold label"], bullet=BULLETS[bullet], has_blank_lines=has_blank_lines
    )
    _check_fields(document, OLD_TEMPLATES[language], language)


@pytest.mark.parametrize("separator", ["salutation", "blank", "both"])
@pytest.mark.parametrize("language", OLD_TEMPLATES)
def test_targets_are_split_at_a_salutation_or_a_blank_line(language: str, separator: str) -> None:
    _check_fields(
        _compose(OLD_TEMPLATES[language], LABEL_STYLES["plain"], separator=separator),
        OLD_TEMPLATES[language],
        language,
        separator,
    )
