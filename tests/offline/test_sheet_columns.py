"""Headings of a sheet's columns, and files that are refused instead of read in part."""

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
WHOLE = """
    Full name|First and last name|Name and surname|First name & last name|Nom et prénom|NOM Prénom|Nom, prénom
    Prénom / Nom
    Nom complet|Nombre y apellidos|Apellidos y nombre|Apellidos, nombre|Nombre completo|Vor- und Nachname
    Vorname Nachname
    Name, Vorname|Vor- und Zuname|Имя и фамилия|Фамилия, имя|Фамилия Имя Отчество|ФИО|Ф.И.О.|الاسم الكامل|الاسم واللقب
"""


def heads(text: str) -> list[str]:
    return [one.strip() for line in text.strip().splitlines() for one in line.split("|")]


@pytest.mark.parametrize(
    ("head", "column"),
    [
        (head, column)
        for column, text in (("email", EMAIL), ("consent", CONSENT), ("whole", WHOLE))
        for head in heads(text)
    ],
)
def test_a_column_is_known_by_what_people_call_it(head: str, column: str) -> None:
    assert column_of(head) == column


TWO = """
    first name;last name|Given Name;Surname|First names;Family name|prénom;nom|Prénoms;Nom de famille|nombre;apellidos
    Nombres;Apellidos|Nombre(s);Apellido(s)|Nombre de pila;Apellido|Vorname;Nachname|Vorname;Name
    Vorname(n);Familienname
    имя;фамилия|Имя и отчество;Фамилия|الاسم;اسم العائلة|الاسم الأول;اللقب|الاسم;النسبة
"""


@pytest.mark.parametrize("head", heads(TWO))
def test_a_name_in_two_columns_is_put_together(head: str) -> None:
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
def test_further_parts_of_a_name_are_neither_lost_nor_doubled(head: str, cells: str, name: str) -> None:
    (row,), _ = read_csv(f"{head}\n{cells}\n".encode())
    assert row.name == name


HALF = """
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
    with pytest.raises(SheetError) as refused:
        read_csv(text.encode())
    return refused.value.code, refused.value.detail


@pytest.mark.parametrize("head", heads(HALF))
def test_half_a_name_is_refused_and_named(head: str) -> None:
    code, detail = refusal(f"{head}\nAna;\n")
    assert code == "half-name"
    assert detail in head.split(";")


@pytest.mark.parametrize("head", heads(UNKNOWN))
def test_a_file_without_a_name_is_refused(head: str) -> None:
    assert refusal(f"{head}\nAna;\n")[0] == "columns"


@pytest.mark.parametrize("head", heads(ADDRESSES))
def test_a_column_of_addresses_that_is_not_known_is_not_skipped(head: str) -> None:
    assert refusal(f"Name;{head};Agreed\nJo Smit;;\nAna Ruiz;ana@mail.example;yes\n") == ("address-column", head)
    # Beside a column of addresses it means something else.
    rows, skipped = read_csv(f"Name;{head};E-mail\nAna Ruiz;see ana@mail.example;jo@mail.example\n".encode())
    assert (rows[0].email, skipped) == ("jo@mail.example", (head,))


@pytest.mark.parametrize("head", heads(CONSENTS))
def test_what_may_be_the_consent_is_neither_taken_nor_skipped(head: str) -> None:
    assert refusal(f"Name;E-mail;{head}\nAna Ruiz;ana@mail.example;yes\n") == ("columns", head)
    rows, skipped = read_csv(f"Name;E-mail;{head};Consent\nAna Ruiz;ana@mail.example;yes;no\n".encode())
    assert (rows[0].consent, skipped) == ("no", (head,))


SKIPPED = """
    No.|Street|Town|Phone|Organisation|Ort|Familienstand|Ville|Code postal|Téléphone|Ciudad|Teléfono|Straße|PLZ
    Телефон|Город
    Адрес|الهاتف|المدينة|Postal address|Adresse postale|Dirección postal|Postanschrift|Почтовый индекс|العنوان البريدي
    Situation de famille|Signature|Unterschrift|Firma|Подпись|التوقيع|Date|Twitter|Remarks|Username|Mailing list
"""


@pytest.mark.parametrize("head", heads(SKIPPED))
def test_unrelated_columns_are_skipped_and_named(head: str) -> None:
    rows, skipped = read_csv(f"Name;{head};E-mail;Consent\nAna Ruiz;@ana;ana@mail.example;yes\n".encode())
    assert skipped == (head,)
    assert len(read_rows(rows, "FR", LOCALES).sign_ups) == 1


YES = """
    I agree|Yes, I agree.|ok|√|✔︎|J’accepte|d'accord|accepté|De acuerdo|acepto|Sí, acepto|einverstanden|Ich stimme zu
    Zugestimmt|Согласен|согласна|да, согласен|صح|أوافق|موافقة|نعم، أوافق|oui !|1|x|X|ja.|WAHR|VRAI|Verdadero
    ИСТИНА|صحيح
"""
NO = """
    no|No.|non|refusé|No acepto|nein|abgelehnt|nicht einverstanden|нет|не согласен|не согласна|لا|لا أوافق
    غير موافق|0|☐|false|FAUX|FALSCH|FALSO|ЛОЖЬ|خطأ
"""
NEITHER = "perhaps|peut-être|later|2|?|✗|❌|ja nein|yes no|oui/non|möglich|может быть|ربما|por favor|call me|yes but no"


@pytest.mark.parametrize(("answers", "said"), [(YES, True), (NO, False), (NEITHER, None)])
def test_an_answer_is_yes_or_no_or_asked_about(answers: str, said: bool | None) -> None:
    for answer in heads(answers):
        (row,), _ = read_csv(f"name;email;consent\nAna Ruiz;ana@mail.example;{answer}\n".encode())
        sheet = read_rows([row], "FR", LOCALES)
        assert (bool(sheet.sign_ups) if not sheet.faults else None) is said, answer
