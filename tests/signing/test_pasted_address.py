"""Extraction of an address from pasted text; ambiguous text is refused."""

from __future__ import annotations

import pytest

from campaign.domain.errors import InputError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.pasted_address import pasted_address

PASTED_TEXTS = [
    # Punctuation around the address, in any order and with spaces between.
    *(
        "jeanne@mail.example ;",
        "jeanne@mail.example .",
        "; jeanne@mail.example ;,",
        "jeanne@mail.example…",
        "{jeanne@mail.example}.",
    ),
    *(
        "„jeanne@mail.example“,",
        "'jeanne@mail.example',",
        "«\u00a0jeanne@mail.example\u00a0».",
        "【jeanne@mail.example】",
    ),
    *("**jeanne@mail.example**", "_jeanne@mail.example_", "`jeanne@mail.example`.", "jeanne@mail.example |"),
    *("• jeanne@mail.example", "- jeanne@mail.example", "→ jeanne@mail.example", "jeanne@mail.example/"),
    # A label before the address, in the languages of the pages.
    *("E-mail: jeanne@mail.example", "E-Mail-Adresse : jeanne@mail.example", "Courriel : jeanne@mail.example"),
    *("mon adresse mail est jeanne@mail.example", "Correo electrónico: jeanne@mail.example"),
    *("Адрес электронной почты: jeanne@mail.example", "البريد الإلكتروني: jeanne@mail.example"),
    "Adresse e\u0301lectronique: jeanne@mail.example",
    # A name beside the address, or brackets around one of the two.
    *("Jeanne Martin jeanne@mail.example", "MARTIN, Jeanne jeanne@mail.example", "jeanne@mail.example Jeanne M."),
    *("Jeanne (jeanne@mail.example)", "M. Dupont [jeanne@mail.example]", '"M. Dupont" "jeanne@mail.example"'),
    *("jeanne@mail.example (privat)", "(work) jeanne@mail.example", "M. Dupont &lt;jeanne@mail.example&gt;;"),
    # Links as programs copy them.
    *("[jeanne@mail.example](mailto:jeanne@mail.example)", "[write](mailto:jeanne@mail.example)"),
    *('<a href="mailto:jeanne@mail.example">write</a>', "mailto:M.%20Dupont%20%3Cjeanne@mail.example%3E"),
    *("jeanne%40mail.example", "jeanne&#64;mail.example", "&nbsp;jeanne@mail.example&nbsp;"),
    "jeanne@mail.example <mailto:JEANNE@mail.example>",
    # Other forms of the same signs, and characters that a phone's keyboard inserts.
    *("jeanne﹫mail.example", "jeanne@mail․example", "jeanne@mail﹒example", "𝐣𝐞𝐚𝐧𝐧𝐞@mail.example"),
    *("jeanne @mail.example", "jeanne@ mail.example", "jeanne@mail. example", "jeanne @ mail . example"),
]


@pytest.mark.parametrize("text", PASTED_TEXTS, ids=ascii)
def test_an_address_is_found_in_what_was_pasted(text: str) -> None:
    assert str(parse_address(text)).casefold() == "jeanne@mail.example"


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        ("ﬁona@mail.example", "fiona@mail.example"),
        ("o’neil@mail.example", "o'neil@mail.example"),
        ("O’Neil <o’neil@mail.example>", "o'neil@mail.example"),
        ("anne‑marie@saint‑denis.example", "anne-marie@saint-denis.example"),
        *((text, text) for text in ("_x_@mail.example", "*a@mail.example", "-a@mail.example", "{a}@mail.example")),
        *((text, text) for text in ("a+b@mail.example", "a|b@mail.example", "a&lt@mail.example", "x%40y@mail.example")),
        *((text, text) for text in ('"a b"@mail.example', '"a@b"@mail.example', "jérôme@mail.example")),
        *((text, text) for text in ("用户@mail.example", "josé.núñez@mail.example", "почта@mail.example")),
    ],
    ids=ascii,
)
def test_the_address_itself_is_not_changed(text: str, extracted: str) -> None:
    assert str(parse_address(text)) == extracted


TEXTS_WITH_SPACES = [
    # A space, a comma or a colon may be a typing error within the address; a part of it is another person's address.
    *("anna maria@mail.example", "anna,maria@mail.example", "anna;maria@mail.example", "max:muster@mail.example"),
    *("jean dupont@mail.example", "j martin@mail.example", "j. martin@mail.example", "anna maria @mail.example"),
    *("max@yahoo.co uk", "max@mail.example au", "12 max@mail.example", "de gaulle@mail.example", "al ali@mail.example"),
    *("call me at max@mail.example", "max@mail.example thanks", "my max@mail.example", "e max@mail.example"),
]
NO_ADDRESS = [
    # Two addresses: it is unclear which one is meant.
    *("a@mail.example b@mail.example", "a@mail.example, b@mail.example", "a@mail.example;b@mail.example"),
    *("<a@mail.example> <b@mail.example>", "[a@mail.example](mailto:b@mail.example)", "a@mail.example/b@mail.example"),
    *("@max", "max@", "max@mail", "max@@mail.example", "a@b@mail.example", "max(at)mail.example"),
    "max[at]mail[dot]example",
    *("max@mail,example", "max at mail.example", "@max max", "max @ max", "www.mail.example", "max#mail.example"),
    *("https://max@mail.example", "https://mail.example/?m=max@mail.example", "Max https://x.example max@mail.example"),
    *("max@mail.example\r\nBcc: max", "max\x00 max@mail.example", "max\n<max@mail.example>", "max@mail..example"),
    *("max@-mail.example", "ma x", ";", "<>", "mailto:", "&lt;&gt;", "max@.example"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"), [*((one, "words") for one in TEXTS_WITH_SPACES), *((one, None) for one in NO_ADDRESS)], ids=ascii
)
def test_an_ambiguous_text_is_not_guessed(text: str, code: str | None) -> None:
    with pytest.raises(InputError) as error:
        parse_address(text)
    assert error.value.code == code if code else error.value.code in {"not-an-address", "missing"}


def test_an_extracted_address_is_extracted_from_itself() -> None:
    for text in PASTED_TEXTS:
        extracted = pasted_address(text)
        assert pasted_address(extracted) == extracted, text


@pytest.mark.parametrize(
    "text", ["<" * 1000, "@ " * 500, " . " * 330, '"\\' * 500, "a@b.c d@e.f " * 80, "(" * 500 + ")" * 500]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    with pytest.raises(InputError):
        parse_address(text)
