"""Header lines, dates and contact lines in every form that documents use."""

# ruff: noqa: E501 (tables read best in whole lines)

from __future__ import annotations

import pytest

from campaign.document import DraftTarget, parse_text

TEMPLATE = """URGENT ACTION

## WEAVER DETAINED AFTER MARKET PROTEST

She was detained.

TAKE ACTION: WRITE AN APPEAL IN YOUR OWN WORDS OR USING THIS MODEL LETTER

Minister of Justice
Juma Sample
PO Box 1
{contact}

Dear Minister,

Release her.

Yours sincerely,

PLEASE TAKE ACTION AS SOON AS POSSIBLE UNTIL: {deadline}

NAME AND PREFERRED PRONOUN: Mary Sample (she/her)
"""


def _compose(contact: str = "", deadline: str = "1 July 2030") -> str:
    return TEMPLATE.format(contact=contact, deadline=deadline)


HEADERS = [
    ("UA: 4/18 Index: ASA 16/7698/2018", "UA 4/18", 1, "ASA 16/7698/2018", None, None),
    ("UA: 004/2018 Index: ASA 16/7698/2018 Myanmar Date: 18 May 2018", "UA 4/18", 1, "ASA 16/7698/2018", "2018-05-18", "MM"),
    ("First UA: 12/22 Index: EUR 57/5387/2022 Kazakhstan Date: 17 March 2022", "UA 12/22", 1, "EUR 57/5387/2022", "2022-03-17", "KZ"),
    ("**Second UA:** 12/22 | **Index:** EUR 57/5387/2022 | **Date:** 17 March 2022 | Kazakhstan", "UA 12/22", 2, "EUR 57/5387/2022", "2022-03-17", "KZ"),
    ("Third UA: 12/22\nIndex: EUR 57/5387/2022\nKazakhstan\nDate: 17 March 2022", "UA 12/22", 3, "EUR 57/5387/2022", "2022-03-17", "KZ"),
    ("Fourth UA 12/22, EUR 57/5387/2022", "UA 12/22", 4, "EUR 57/5387/2022", None, None),
    ("6th Update UA 3/13", "UA 3/13", 7, None, None, None),
    ("6th Update on UA: 3/13 Index: MDE 28/001/2014 Algeria Date: 25 May, 2014", "UA 3/13", 7, "MDE 28/001/2014", "2014-05-25", "DZ"),
    ("Second update to UA 3/13", "UA 3/13", 3, None, None, None),
    ("Further information on UA 167/07", "UA 167/07", 2, None, None, None),
    ("2nd Further information on UA: 167/07 Index: ASA 17/1/2007", "UA 167/07", 3, None, None, None),
    ("Further information on UA: 61/16 Index: AFR 54/3909/2016 Sudan Date: 27 April 2016", "UA 61/16", 2, "AFR 54/3909/2016", "2016-04-27", "SD"),
    ("Action complémentaire sur l'AU 229/14, AMR 23/036/2014, 15 décembre 2014", "UA 229/14", 2, "AMR 23/036/2014", "2014-12-15", None),
    ("Action complémentaire sur l’AU 229/14 – AMR 23/036/2014 – Colombie – 1er mai 2014", "UA 229/14", 2, "AMR 23/036/2014", "2014-05-01", "CO"),
    ("Première AU : 12/22 Index : EUR 57/5387/2022 Kazakhstan Date : 5 août 2014", "UA 12/22", 1, "EUR 57/5387/2022", "2014-08-05", "KZ"),
    ("Deuxième AU : 12/22", "UA 12/22", 2, None, None, None),
    ("Primera AU: 107/23 | Índice: MDE 13/7361/2023 | Fecha: 1 de agosto de 2016 | Irán", "UA 107/23", 1, "MDE 13/7361/2023", "2016-08-01", "IR"),
    ("Segunda AU: 107/23 | Índice: MDE 13/7361/2023 | Fecha: Martes, 19 de noviembre, 2019 | Irán", "UA 107/23", 2, "MDE 13/7361/2023", "2019-11-19", "IR"),
    ("Tercera AU: 107/23 Índice: MDE 13/7361/2023 Irán Fecha: 19 de noviembre de 2019", "UA 107/23", 3, "MDE 13/7361/2023", "2019-11-19", "IR"),
    ("Más información sobre AU: 105/15", "UA 105/15", 2, None, None, None),
    ("(Egypt: UA 16.20)", "UA 16/20", 1, None, None, "EG"),
    ("FI 132/19-11", "UA 132/19", 12, None, None, None),
    ("FI: 132/19-1 ASA 12/6100/2022 China", "UA 132/19", 2, "ASA 12/6100/2022", None, "CN"),
    ("UA-257-1/2014", "UA 257/14", 2, None, None, None),
    ("UA-257/2014", "UA 257/14", 1, None, None, None),
    ("UA-Nr: UA-257-3/2014 AI-Index: MDE 13/1052/2015 Datum: 27. Januar 2015", "UA 257/14", 4, "MDE 13/1052/2015", "2015-01-27", None),
    ("UA 143/93 Fear of torture 30 April 1993", "UA 143/93", 1, None, "1993-04-30", None),
    ("EXTERNAL AI Index: AMR 34/24/93\nUA 143/93 30 April 1993", "UA 143/93", 1, "AMR 34/24/93", "1993-04-30", None),
    ("AU: 100/05 Indice : AFR 16/002/2005", "UA 100/05", 1, "AFR 16/002/2005", None, None),
    ("Segunda AU: 41/21 Índice: AMR 19/4200/2021 Brasil Data: 7 de junho de 2021", "UA 41/21", 2, "AMR 19/4200/2021", "2021-06-07", "BR"),
    ("UA: 88/24 Index: MDA 13/8000/2024 Iran Date: 2024-04-23", "UA 88/24", 1, "MDA 13/8000/2024", "2024-04-23", "IR"),
    ("UA: 88/24 Index: AMR 34/16/908 Guatemala", "UA 88/24", 1, "AMR 34/16/908", None, "GT"),
    ("UA 12/22, Côte d’Ivoire", "UA 12/22", 1, None, None, "CI"),
    ("UA: 12/22 Index: EUR 44/5387/2022 Türkiye Date: 16.08.2025", "UA 12/22", 1, "EUR 44/5387/2022", "2025-08-16", "TR"),
    ("UA: 12/22 Index: AMR 51/5387/2022 USA Date: May 26, 2020", "UA 12/22", 1, "AMR 51/5387/2022", "2020-05-26", "US"),
]  # fmt: skip


@pytest.mark.parametrize("position", ["above", "below"])
@pytest.mark.parametrize(("header", "reference", "sequence", "index", "issued_on", "country"), HEADERS)
def test_a_header_is_read_in_every_form(
    header: str,
    reference: str,
    sequence: int,
    index: str | None,
    issued_on: str | None,
    country: str | None,
    position: str,
) -> None:
    body = _compose()
    text = (
        f"{header}\n\n{body}"
        if position == "above"
        else body.replace("URGENT ACTION\n", f"URGENT ACTION\n\n{header}\n", 1)
    )
    draft = parse_text(text)
    assert (draft.reference, draft.sequence) == (reference, sequence)
    if index:
        assert draft.index == index
    assert (draft.issued_on and str(draft.issued_on), draft.country) == (issued_on, country)
    assert draft.headline == "WEAVER DETAINED AFTER MARKET PROTEST"
    assert draft.summary == "She was detained."
    codes = {warning.code for warning in draft.warnings} - {"no-country"}
    lacks_number = header.lower().startswith(
        ("further information on", "action complémentaire", "más información sobre")
    )
    assert ("sequence-unknown" in codes) == lacks_number
    assert ("index-malformed" in codes) == (index in {"MDA 13/8000/2024", "AMR 34/16/908"} or "17/1/2007" in header)


DATES = {
    "12 MAI 2022": "2022-05-12", "1er MAI 2014": "2014-05-01", "1ER MAI 2014": "2014-05-01", "5 AOÛT 2014": "2014-08-05", "5 AOUT 2014": "2014-08-05",
    "18 May 2020": "2020-05-18", "May 26, 2020": "2020-05-26", "25 May, 2017": "2017-05-25", "1 de agosto de 2016": "2016-08-01",
    "Martes, 19 de noviembre, 2019": "2019-11-19", "27. Januar 2015": "2015-01-27", "21 März 2017": "2017-03-21", "16.08.2025": "2025-08-16",
    "2018-01-23": "2018-01-23", "3rd of March 2021": "2021-03-03", "Friday 2 July 2021": "2021-07-02", "Monday, July 5th, 2021": "2021-07-05",
    "1º de septiembre de 2020": "2020-09-01", "7 de março de 2021": "2021-03-07", "1° marzo 2021": "2021-03-01", "9 Sept. 2019": "2019-09-09",
    "**12 May 2022**": "2022-05-12", "12 May 2022.": "2022-05-12", "the 12 May 2022": "2022-05-12", "31/12/2021": "2021-12-31", "12 FÉVRIER 2020": "2020-02-12",
}  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_a_deadline_is_read_in_every_form(text: str) -> None:
    draft = parse_text(_compose(deadline=text))
    assert str(draft.deadline) == DATES[text]
    assert {warning.code for warning in draft.warnings} <= {"no-reference", "no-country"}


CONTACTS = [
    ("Fax : +7 1", {"faxes": ()}, ["contact-note"]),
    ("Fax : +8 7172 74-56-31", {"faxes": ("+8 7172 74-56-31",)}, []),
    ("Fax: (00 202) 577 4716", {"faxes": ("(00 202) 577 4716",)}, []),
    ("Fax +202 577 4716", {"faxes": ("+202 577 4716",)}, []),
    ("Phone: 202 895 5400 I Fax: 202 895 5401", {"phones": ("202 895 5400",), "faxes": ("202 895 5401",)}, []),
    ("Phone: 202 895 5400 | Fax: 202 895 5401 | Email: a@b.example", {"phones": ("202 895 5400",), "faxes": ("202 895 5401",), "emails": ("a@b.example",)}, []),
    ("Email: a@b.example", {"emails": ("a@b.example",)}, []),
    ("E-mail: a@b.example, c@b.example", {"emails": ("a@b.example", "c@b.example")}, []),
    ("Courriel : a@b.example ; c@b.example", {"emails": ("a@b.example", "c@b.example")}, []),
    ("Correo-e: a@b.example\nc@b.example", {"emails": ("a@b.example", "c@b.example")}, []),
    ("Correo electrónico: a@b.example / c@b.example", {"emails": ("a@b.example", "c@b.example")}, []),
    ("E-Mail: <a@b.example>", {"emails": ("a@b.example",)}, []),
    ("**Email:** [a@b.example](mailto:a@b.example) and [c@b.example](mailto:c@b.example)", {"emails": ("a@b.example", "c@b.example")}, []),
    ("a@b.example", {"emails": ("a@b.example",)}, []),
    ("Emails: a@b.example or c@b.example", {"emails": ("a@b.example", "c@b.example")}, []),
    ("Email: A.B-C_d@b.co.example", {"emails": ("A.B-C_d@b.co.example",)}, []),
    ("Email: a@antioquia.gov. co", {"emails": ()}, ["email-broken"]),
    ("Email: a @b.example", {"emails": ()}, ["email-broken"]),
    ("Email: [email protected]", {"emails": ()}, ["email-hidden"]),
    ("Email: [[email protected]](/cdn-cgi/l/email-protection#1a2b)", {"emails": ()}, ["link-dropped", "email-hidden"]),
    ("Twitter: @Some_One", {"social": {"twitter": "@Some_One"}}, []),
    ("Twitter/X: @Some_One", {"social": {"twitter": "@Some_One"}}, []),
    ("X: @Some_One", {"social": {"twitter": "@Some_One"}}, []),
    ("X (formerly Twitter): @Some_One", {"social": {"twitter": "@Some_One"}}, []),
    ("Facebook: @ppo.gov.eg", {"social": {"facebook": "@ppo.gov.eg"}}, []),
    ("Instagram: @some.one", {"social": {"instagram": "@some.one"}}, []),
    ("Twitter: @Some_One | Facebook: @some.one, Instagram: @some1", {"social": {"twitter": "@Some_One", "facebook": "@some.one", "instagram": "@some1"}}, []),
    ("Facebook: https://www.facebook.com/some.one", {"social": {"facebook": "https://www.facebook.com/some.one"}}, []),
    ("Tel: +254 20 222 0000 / 222 0001 / 222 0002", {"phones": ("+254 20 222 0000", "222 0001", "222 0002")}, []),
    ("Telephone: +254 (0)20 222 0000 ext. 12", {"phones": ("+254 (0)20 222 0000 ext. 12",)}, []),
    ("Fax: +254 20 222 0000 (if someone answers, ask for the fax)", {"faxes": ("+254 20 222 0000",)}, ["contact-note"]),
    ("Fax: +254 20 222 0000, +254 20 222 0001", {"faxes": ("+254 20 222 0000", "+254 20 222 0001")}, []),
    ("Tel/Fax: +254 20 222 0000", {"phones": ("+254 20 222 0000",), "faxes": ("+254 20 222 0000",)}, []),
    ("Fax:\n+254 20 222 0000", {"faxes": ("+254 20 222 0000",)}, []),
    ("Salutation: Your Excellency", {"salutation": "Your Excellency"}, []),
    ("**Salutation: Dear Minister**", {"salutation": "Dear Minister"}, []),
    ("Salutation:\nDear Sir", {"salutation": "Dear Sir"}, []),
    ("Fax: 022 000 000; Email: a@b.example; Twitter: @one; Salutation: Dear Minister",
     {"faxes": ("022 000 000",), "emails": ("a@b.example",), "social": {"twitter": "@one"}, "salutation": "Dear Minister"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "codes"), CONTACTS)
def test_a_contact_line_is_split_into_its_details(text: str, expected: dict[str, object], codes: list[str]) -> None:
    draft = parse_text(_compose(contact=text))
    (target,) = draft.targets
    expected_target = DraftTarget("primary", "Minister of Justice", "Juma Sample", ("PO Box 1",), **expected)  # type: ignore[arg-type]
    assert target == expected_target
    assert [warning.code for warning in draft.warnings if warning.code not in {"no-reference", "no-country"}] == codes
