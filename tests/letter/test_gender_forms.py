"""Open words take the signer's gender form, but only in sentences about the writer."""

from __future__ import annotations

import pytest

from campaign.letter.gender_forms import GenderForm, has_open_forms, in_form

CASES = [
    ("fr", "Je suis préoccupé-e.", "Je suis préoccupé.", "Je suis préoccupée."),
    ("fr", "J’en suis fâché·e, inquiet-ète.", "J’en suis fâché, inquiet.", "J’en suis fâchée, inquiète."),
    ("fr", "Préoccupé(e), je vous écris.", "Préoccupé, je vous écris.", "Préoccupée, je vous écris."),
    ("fr", "Je serais heureux-se.", "Je serais heureux.", "Je serais heureuse."),
    ("fr", "Je suis citoyen·ne et lecteur·rice.", "Je suis citoyen et lecteur.", "Je suis citoyenne et lectrice."),
    ("fr", "Nous sommes indigné-e-s.", "Nous sommes indignés.", "Nous sommes indignées."),
    ("de", "Ich bin ein*e Freund:in.", "Ich bin ein Freund.", "Ich bin eine Freundin."),
    ("de", "Ich, Lehrer_in, bitte Sie.", "Ich, Lehrer, bitte Sie.", "Ich, Lehrerin, bitte Sie."),
    ("de", "Wir Unterstützer*innen bitten.", "Wir Unterstützer bitten.", "Wir Unterstützerinnen bitten."),
    ("de", "Wir, Student:innen, Kolleg_innen.", "Wir, Studenten, Kollegen.", "Wir, Studentinnen, Kolleginnen."),
    ("es", "Estoy preocupado/a.", "Estoy preocupado.", "Estoy preocupada."),
    ("es", "Estoy harto(a), soy defensor/a.", "Estoy harto, soy defensor.", "Estoy harta, soy defensora."),
    ("es", "Estamos indignad@s.", "Estamos indignados.", "Estamos indignadas."),
]  # fmt: skip
UNCHANGED_TEXTS = [
    ("fr", "Les futur-e-s délégué-e-s furent arrêté-e-s."),
    ("fr", "Je sais qu’est-ce que c’est-à-dire là-dessus, dit-elle ; rendez-le."),
    ("fr", "Elle reste détenu-e. Je vous écris."),
    ("de", "Die Lehrer*innen wurden verhaftet."),
    ("de", "Ich schreibe dem Innenministerium und dem Innenminister."),
    ("es", "Los abogados/as fueron detenidos; y/o a 100 km/h, casa/apartamento."),
    ("en", "I am worried-e about him/her."),
    ("ru", "Я обеспокоен/а."),
]


@pytest.mark.parametrize(("language", "text", "masculine", "feminine"), CASES)
def test_words_about_the_writer_take_the_chosen_form(language: str, text: str, masculine: str, feminine: str) -> None:
    assert in_form(text, language, GenderForm.MASCULINE) == masculine
    assert in_form(text, language, GenderForm.FEMININE) == feminine
    assert in_form(text, language, GenderForm.OPEN) == text
    assert has_open_forms([text], language)


@pytest.mark.parametrize(("language", "text"), UNCHANGED_TEXTS)
def test_words_about_others_and_ordinary_hyphens_stay(language: str, text: str) -> None:
    for form in GenderForm:
        assert in_form(text, language, form) == text
    assert not has_open_forms([text], language)


@pytest.mark.parametrize("language", ["fr", "de", "es"])
def test_a_hostile_text_is_read_quickly(language: str) -> None:
    for text in (
        "je " + "é" * 100_000,
        "nous " + "a-" * 50_000,
        "ich " + "x*in" * 20_000,
        "@" * 50_000,
        "estoy " + "no" * 50_000,
    ):
        in_form(text, language, GenderForm.FEMININE)  # fmt: skip
