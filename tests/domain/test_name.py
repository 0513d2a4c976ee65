"""What counts as a name, that nothing of it changes without a word, and which two names a search takes for one."""

from __future__ import annotations

import unicodedata

import pytest

from campaign.domain.errors import InputError
from campaign.domain.name import clean_name, name_key


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("O", "O"),
        ("  Jeanne\t Martin ", "Jeanne Martin"),
        ("Jean\x00ne\x07", "Jeanne"),
        ("\u202eeve\u202c", "eve"),
        ("محمد", "محمد"),
        ("نیما\u200cنژاد", "نیما\u200cنژاد"),
        ("Zoe\u0308", "Zoë"),
        ("Ａｎａ", "Ana"),
        ("ﺍﺣﻤﺪ", "احمد"),
        # Direction marks and tag characters show nothing: they go.
        ("\u200fمحمد\u200e", "محمد"),
        ("\u061cمحمد\u2069", "محمد"),
        ("Ana\U000e0065\U000e0076\U000e007f", "Ana"),
        ("\u3164Ana\u115f", "Ana"),
    ],
)
def test_a_name_is_kept_as_it_will_be_printed(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("\u202e\x00 ", "missing"),
        ("x" * 10_000, "too-long"),
        ("12 345", "no-letters"),
        ("win at http://x.example", "link"),
        ("www.example.com", "link"),
        ("me@x.example", "link"),
        ("evil.kz", "link"),
        ("evil.kz/pay", "link"),
        ("bit.ly/abc", "link"),
        ("t.me/xy", "link"),
        ("t.me", "link"),
        ("x.com", "link"),
        ("www.evil", "link"),
        ("J. Martin evil.kz", "link"),
        ("Evil.Kz", "link"),
        ("A.evil.kz", "link"),
        ("evil .kz", "link"),
        # Look like a full stop or a slash.
        *((f"evil{dot}kz", "characters") for dot in "․。｡•‧∙⋅·・٠۔܁܂⸳"),
        ("evil．kz", "link"),
        ("evil⁄kz", "link"),
        ("evil∕kz", "link"),
        ("evilꓸkz", "characters"),
        ("evil,kz", "characters"),
        # Joiners where no script needs them, and what hides between letters.
        ("ev\u200dil", "characters"),
        ("ev\u200cil", "characters"),
        ("evil\u200d.kz", "link"),
        ("ev\u2060il.kz", "link"),
        ("ev\u034fil.kz", "link"),
        ("\ue000Ana", "characters"),
        ("Ana \U0010fffd", "characters"),
        ("Ana\u0378", "characters"),
        ("King, Jr.", "characters"),
        ("Louis 14", "characters"),
        ("Ana ☎", "characters"),
        ("K👍", "characters"),
        ("e\u20dd", "characters"),
        ("a" + "\u0327" * 20, "characters"),
        ("\u0301Ana", "characters"),
        ("\u3164", "missing"),
        ("...", "no-letters"),
        ("\ufffd\ufffd", "unreadable"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(typed: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        clean_name(typed)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name",
    [
        "J.Top",
        "J. R. R. Tolkien",
        "J.R.R. Tolkien",
        "J.-P. Martin",
        "Martin Luther King Jr.",
        "Md. Rahim",
        "M.ª José",
        "Mª José",
        "ע.לוי",
        "გ.ბერიძე",
        "D’Arcy-O'Neil",
        "D´Angelo",
        "'t Hooft",
        "Hawaiʻi Kaʻiulani",
        "ע״ה כהן",
        "Gal·la Marcel·lí",
        "ジャン・マルタン",
        "古力娜扎·拜合提亚尔",
        "བསྟན་འཛིན",
        "ꓡꓲꓢꓴꓸ",
        "บุญทองคำ",
        "नि\u200dखिल",
        "نیما\u200cنژاد",
        "Ĳsbrand Œuvrard",
        "\ufa19田 \ufa11",  # ideographs that normalising would replace
        "葛\U000e0100城",  # a form chosen by a variation selector
        "\U0002ebf0\U0002ee5d \U000323af",  # CJK extensions I and H, newer than our tables
        "O",
    ],
    ids=ascii,
)
def test_a_name_is_never_changed_without_a_word(name: str) -> None:
    assert clean_name(name) == name


def test_every_character_is_kept_made_plain_or_refused() -> None:
    """What is neither kept nor refused is invisible, or another form of the same."""
    for code in range(0x110000):
        character = chr(code)
        try:
            kept = clean_name(f"Á{character}Á")
        except InputError:
            continue
        category = unicodedata.category(character)
        plain = unicodedata.normalize("NFKC", kept)
        if category[0] in "LMN" and character not in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0":
            assert plain == unicodedata.normalize("NFKC", f"Á{character}Á"), hex(code)
        # Whatever it is, nothing comes out of it that no name is written with.
        for one in plain:
            written = (
                unicodedata.category(one)[0] in "LM" or one in " .'-`·་፡" or unicodedata.category(one) in {"Cn", "Pd"}
            )
            assert written or not one.isascii(), (hex(code), plain)


@pytest.mark.parametrize(
    ("signed", "typed"),
    [
        ("D’Arcy-O'Neil", "darcy oneil"),
        ("O’Neil", "O`NEIL"),
        ("Jean-Pierre  Martin", "jean pierre martin"),
        ("J.-P. Martin", "J P Martin"),
        ("Van der Berg", "Vanderberg"),
        ("Łukasz Đorđević", "Lukasz Dordevic"),
        ("Søren Ærø", "Soren Aero"),
        ("İbrahim Işık", "ibrahim isik"),
        ("Großmann", "GROSSMANN"),
        ("یاسمین کریمی", "ياسمين كريمي"),
        ("فاطمة", "فاطمه"),
        ("أحمد", "احمد"),
        ("مـحـمـد", "محمد"),
        ("نیما\u200cنژاد", "نیما نژاد"),
        ("Gal·la", "galla"),
        ("Jeanne", "ＪＥＡＮＮＥ"),
        ("محمد", "\u200fمحمد\u200e"),
        ("J.Top", "j top"),
    ],
)
def test_a_search_takes_ways_to_write_a_name_for_one(signed: str, typed: str) -> None:
    assert name_key(signed) == name_key(typed)


def test_a_search_tells_other_names_apart() -> None:
    assert name_key("Jeanne Martin") != name_key("Jeanne Martine")
    assert name_key("علی") != name_key("عالی")
