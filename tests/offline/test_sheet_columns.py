"""Headings of a sheet's columns, and files that are refused because a column is unclear."""

from __future__ import annotations

import pytest

from campaign.config import LOCALES
from campaign.domain.offline.paper_sheet import read_csv, read_rows
from campaign.domain.offline.sheet_columns import SheetError, column_of

EMAIL = """
    email|E-mail|Email address|E-mail address (optional)|Your e-mail address:|Mail|Courriel|Adresse e-mail *
    Adresse mail
    Adresse électronique|adresse de courrier électronique|Correo|Correo electrónico|Dirección de correo
    DIRECCIÓN DE CORREO ELECTRÓNICO|Mail-Adresse|E-Mail-Adresse|Эл. почта|Электронная почта|Адрес электронной почты
    Электронный адрес|البريد|البريد الإلكتروني|البريد الالكتروني|عنوان البريد الإلكتروني
"""
CONSENT = """
    consent|I agree|Agree|Agreed|May be mailed|Accord|D'accord|J’accepte|Consentement|Consentimiento|Acepto|De acuerdo
    Einwilligung|Einverstanden|Zugestimmt|Zustimmung|Ich stimme zu|Согласие|Согласен|Согласна|Согласие на обработку
    الموافقة|موافق|أوافق
"""
WHOLE_NAMES = """
    Full name|First and last name|Name and surname|First name & last name|Nom et prénom|NOM Prénom|Nom, prénom
    Prénom / Nom
    Nom complet|Nombre y apellidos|Apellidos y nombre|Apellidos, nombre|Nombre completo|Vor- und Nachname
    Vorname Nachname
    Name, Vorname|Vor- und Zuname|Имя и фамилия|Фамилия, имя|Фамилия Имя Отчество|ФИО|Ф.И.О.|الاسم الكامل|الاسم واللقب
"""


def headings(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


@pytest.mark.parametrize(
    ("head", "column"),
    [
        (head, column)
        for column, text in (("email", EMAIL), ("consent", CONSENT), ("whole", WHOLE_NAMES))
        for head in headings(text)
    ],
)
def test_a_column_is_recognised_by_common_headings(head: str, column: str) -> None:
    assert column_of(head) == column


NAMES_IN_TWO_COLUMNS = """
    first name;last name|Given Name;Surname|First names;Family name|prénom;nom|Prénoms;Nom de famille|nombre;apellidos
    Nombres;Apellidos|Nombre(s);Apellido(s)|Nombre de pila;Apellido|Vorname;Nachname|Vorname;Name
    Vorname(n);Familienname
    имя;фамилия|Имя и отчество;Фамилия|الاسم;اسم العائلة|الاسم الأول;اللقب|الاسم;النسبة
"""


@pytest.mark.parametrize("head", headings(NAMES_IN_TWO_COLUMNS))
def test_a_name_in_two_columns_is_joined(head: str) -> None:
    turned = ";".join(reversed(head.split(";")))
    for columns, cells in ((head, "Ana María;Ruiz Vega"), (turned, "Ruiz Vega;Ana María")):
        rows, skipped = read_csv(f"{columns};E-mail\n{cells};\n".encode())
        assert (rows[0].name, skipped) == ("Ana María Ruiz Vega", ())


@pytest.mark.parametrize(
    ("head", "cells", "name"),
    [
        ("Nombre,Primer apellido,Segundo apellido", "Ana,Ruiz,Vega", "Ana Ruiz Vega"),
        ("Apellido paterno,Apellido materno,Nombres", "Ruiz,Vega,Ana", "Ana Ruiz Vega"),
        ("Фамилия,Имя,Отчество", "Лебедева,Анна,Ивановна", "Анна Ивановна Лебедева"),
        ("First name,Middle name,Last name", "Ana,M.,Ruiz", "Ana M. Ruiz"),
        ("Full name,First name,Last name", "Ana Ruiz,Ana,Ruiz", "Ana Ruiz"),
        ("Name,Vorname,Nachname", "Eva Lind,Eva,Lind", "Eva Lind"),
        ("Nom et prénom,Nom", "Lind Eva,Lind", "Lind Eva"),
        ("First name,Last name,Maiden surname", "Ana,Ruiz,Vega", "Ana Ruiz"),
        ('"Nom, prénom";E-mail', "Lind Eva;", "Lind Eva"),
    ],
)
def test_further_parts_of_a_name_are_used_once(head: str, cells: str, name: str) -> None:
    (row,), _ = read_csv(f"{head}\n{cells}\n".encode())
    assert row.name == name


HALF_NAMES = """
    First name;E-mail|Last name;E-mail|Prénom;Courriel|Apellidos;Correo|Vorname;E-Mail|Фамилия;Эл. почта|اللقب;البريد
    First name;Surname at birth;E-mail|Nombre;Tercer apellido|Name;Nachname der Mutter|Имя;Девичья фамилия
    Nom;Prénom usuel
    Nombre;Segundo apellido|Middle name;E-mail|Nombres;Correo|Vornamen;Ort|Forename;Town|Given names;Town
    Nom;Nom de famille de naissance|Prénoms;Ville|Отчество;Фамилия|Family name;Mail
"""
UNKNOWN = """
    Street;Town|Rue;Ville|Calle;Ciudad|Straße;Ort|Улица;Город|الشارع;المدينة|E-mail;Country|Organisation;E-mail
    Telephone;E-mail|Username;E-mail
"""
ADDRESSES = """
    Address|Adresse|Contact|Kontakt|Dirección|Адрес|العنوان|Login|Remarks|E-Mail privat/dienstlich|Mail 1
"""
CONSENTS = """
    Consent to calls|Consent (mail) 2026|J'accepte les appels|Accord téléphonique|Acepto llamadas|Einwilligung Telefon
    Согласие на звонки|Agrees to something|Zustimmung zu allem
"""


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(SheetError) as error:
        read_csv(text.encode())
    return error.value.code, error.value.detail


@pytest.mark.parametrize("head", headings(HALF_NAMES))
def test_a_file_with_half_a_name_is_refused(head: str) -> None:
    code, detail = refusal(f"{head}\nAna;\n")
    assert code == "half-name"
    assert detail in head.split(";")


@pytest.mark.parametrize("head", headings(UNKNOWN))
def test_a_file_without_a_name_is_refused(head: str) -> None:
    assert refusal(f"{head}\nAna;\n")[0] == "columns"


@pytest.mark.parametrize("head", headings(ADDRESSES))
def test_an_unrecognised_column_of_addresses_is_refused(head: str) -> None:
    assert refusal(f"Name;{head};Agreed\nJo Smit;;\nAna Ruiz;ana@mail.example;yes\n") == ("address-column", head)
    # Beside a column of addresses the heading means something else.
    rows, skipped = read_csv(f"Name;{head};E-mail\nAna Ruiz;see ana@mail.example;jo@mail.example\n".encode())
    assert (rows[0].email, skipped) == ("jo@mail.example", (head,))


@pytest.mark.parametrize("head", headings(CONSENTS))
def test_a_column_that_may_be_the_consent_is_refused(head: str) -> None:
    assert refusal(f"Name;E-mail;{head}\nAna Ruiz;ana@mail.example;yes\n") == ("columns", head)
    rows, skipped = read_csv(f"Name;E-mail;{head};Consent\nAna Ruiz;ana@mail.example;yes;no\n".encode())
    assert (rows[0].consent, skipped) == ("no", (head,))


SKIPPED_COLUMNS = """
    No.|Street|Town|Phone|Organisation|Ort|Familienstand|Ville|Code postal|Téléphone|Ciudad|Teléfono|Straße|PLZ
    Телефон|Город
    Адрес|الهاتف|المدينة|Postal address|Adresse postale|Dirección postal|Postanschrift|Почтовый индекс|العنوان البريدي
    Situation de famille|Signature|Unterschrift|Firma|Подпись|التوقيع|Date|Twitter|Remarks|Username|Mailing list
"""


@pytest.mark.parametrize("head", headings(SKIPPED_COLUMNS))
def test_unrelated_columns_are_skipped_and_named(head: str) -> None:
    rows, skipped = read_csv(f"Name;{head};E-mail;Consent\nAna Ruiz;@ana;ana@mail.example;yes\n".encode())
    assert skipped == (head,)
    assert len(read_rows(rows, "FR", LOCALES).sign_ups) == 1


YES_ANSWERS = """
    I agree|Yes, I agree.|ok|√|✔︎|J’accepte|d'accord|accepté|De acuerdo|acepto|Sí, acepto|einverstanden|Ich stimme zu
    Zugestimmt|Согласен|согласна|да, согласен|صح|أوافق|موافقة|نعم، أوافق|oui !|1|x|X|ja.|WAHR|VRAI|Verdadero
    ИСТИНА|صحيح
"""
NO_ANSWERS = """
    no|No.|non|refusé|No acepto|nein|abgelehnt|nicht einverstanden|нет|не согласен|не согласна|لا|لا أوافق
    غير موافق|0|☐|false|FAUX|FALSCH|FALSO|ЛОЖЬ|خطأ
"""
UNCLEAR_ANSWERS = (
    "perhaps|peut-être|later|2|?|✗|❌|ja nein|yes no|oui/non|möglich|может быть|ربما|por favor|call me|yes but no"
)


@pytest.mark.parametrize(("answers", "said"), [(YES_ANSWERS, True), (NO_ANSWERS, False), (UNCLEAR_ANSWERS, None)])
def test_an_answer_is_yes_or_no_or_questioned(answers: str, said: bool | None) -> None:
    for answer in headings(answers):
        (row,), _ = read_csv(f"name;email;consent\nAna Ruiz;ana@mail.example;{answer}\n".encode())
        sheet = read_rows([row], "FR", LOCALES)
        assert (bool(sheet.sign_ups) if not sheet.faults else None) is said, answer
