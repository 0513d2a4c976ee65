"""Names of people: their check, and the key by which a search finds a name.

A name is printed in letters, lists and mails. So it must not contain a link, invisible characters or signs that names
are not written with. A valid name is stored as typed. For another one the form reports the reason.
"""

from __future__ import annotations

import re
import unicodedata

import idna

from campaign.domain.errors import InputError
from campaign.domain.signing.provider import is_known_ending
from campaign.domain.signing.script import is_look_alike, is_mixed

NAME_LENGTH = 200
# More marks than any script writes on one letter.
_MOST_MARKS = 8

_APOSTROPHES = frozenset("'’‘‛ʼʻʹ`´′՚׳״＇")
_HYPHENS = frozenset("-‐‑‒–—־֊᐀᠆﹣－")
# The marks at the end of a syllable in Tibetan and of a word in Ethiopic scripts, which use them like spaces.
_WORD_MARKS = frozenset("་፡")
_MIDDLE_DOTS = frozenset("·・･")
_JOINERS = frozenset("\u200c\u200d\u180e")
# Accents beside the letter o in Pe̍h-ōe-jī. After other letters they look like a full stop.
_DOTS_BESIDE_O = frozenset("\u0358\u1df8")
# Tone letters of Lisu that look like a full stop.
_LISU_TONES = frozenset("ꓸꓹꓺꓻꓼꓽ")
# Invisible characters that Unicode classifies as letters and marks.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Variants of other characters: full-width and half-width forms, forms of Arabic letters, letters of mathematics.
_FORMS = ("<wide>", "<narrow>", "<font>", "<initial>", "<medial>", "<final>", "<isolated>", "<noBreak>")
# Ideographs that normalising would replace by other ones, with which the person does not write their name (Unicode
# 15.0, 12.1).
_COMPATIBILITY_IDEOGRAPHS = re.compile("[\uf900-\ufaff\U0002f800-\U0002fa1f]")
# The form of most names. Such names need no further checks.
_ORDINARY = re.compile(rf"[A-Za-z](?:[A-Za-z]|[ '-](?=[A-Za-z])){{0,{NAME_LENGTH - 1}}}")
# A word with its marks: the last one before a full stop, and the first one after it.
_WORD = r"[^\W\d_][^\s.@'’-]{0,62}"
_LAST_WORD, _FIRST_WORD = re.compile(rf"(?<![^\s.'’-]){_WORD}$"), re.compile(_WORD)
# Endings of domains that are also surnames. Only one company has hosts under each of them.
_SURNAMES = frozenset(
    "bloomberg bosch dell dior ferrari ferrero ford fox gallo george hermes honda hughes jaguar lamborghini lincoln "
    "olayan pohl schmidt shaw suzuki toyota walter weir".split()
)
# The length of abbreviations such as `Prof`, `Thos` and `Дж`.
_LONGEST_ABBREVIATION = 4
_LINK = re.compile(r"[@/\\:⁄∕⧸]|\bwww\.", re.IGNORECASE)


def clean_name(text: str) -> str:
    """Return the name as it will be printed: in NFC, with single spaces, and without invisible characters.

    It consists of letters, marks, spaces, hyphens, apostrophes, and full stops after initials or before a space.
    Joiners, middle dots and tones stay where a script needs them.

    Raises:
        InputError: `missing`, `unreadable`, `too-long`, `characters`, `scripts`, `no-letters` or `link`.
    """
    if text.isascii() and _ORDINARY.fullmatch(ordinary := " ".join(text.split())):
        return ordinary
    if "\ufffd" in text:  # the result of decoding bytes that are not UTF-8
        raise InputError("name", "unreadable", "the name was not sent as UTF-8")
    name = " ".join(_visible(text[: NAME_LENGTH * 20]).split())
    if not name:
        raise InputError("name", "missing", "the name is empty")
    if len(name) > NAME_LENGTH:
        raise InputError("name", "too-long", f"the name is longer than {NAME_LENGTH} characters")
    if _LINK.search(name) or _has_host_point(name):
        raise InputError("name", "link", "the name holds a link or an address")
    if not any(_is_letter(character) for character in name):
        raise InputError("name", "no-letters", "the name holds no letter")
    if not _has_written_characters(name):
        raise InputError("name", "characters", "the name holds what names are not written with")
    if is_mixed(name):
        raise InputError("name", "scripts", "letters of different scripts stand side by side")
    return name


def name_key(name: str) -> str:
    """Return a key that is equal for two names that differ only in spelling conventions.

    The key ignores capitals, accents, spaces, hyphens, apostrophes, full stops and other signs, the differences between
    Arabic and Persian letters, and strokes through Latin letters.
    """
    if name.isascii():  # a short cut: most names are in ASCII, and a search decrypts very many names
        return name.casefold().translate(_IGNORED_ASCII)
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(_BASE_LETTERS.get(character, character) for character in decomposed if not _is_ignored(character))


def _is_ignored(character: str) -> bool:
    """Return whether a search ignores the character: a sign, mark or space, or an invisible character."""
    category = unicodedata.category(character)
    return (
        category[0] in "PSZ"
        or category in {"Cc", "Cf"}
        or unicodedata.combining(character) > 0
        or character in _IGNORED_LETTERS
    )


# Letters in Unicode that look like an apostrophe or a similar sign: modifiers, the saltillo, tones.
_SIGN = re.compile(r"APOSTROPHE|PRIME|COMMA|SALTILLO|HALF RING|GRAVE|ACUTE|VERTICAL LINE|GLOTTAL STOP|COLON|TRIANGULAR")
_MODIFIERS = (*range(0x2B0, 0x300), *range(0x7F4, 0x7F6), *range(0xA700, 0xA722), *range(0xA788, 0xA78D))
_IGNORED_LETTERS = _INVISIBLE | {
    "\u0640",
    *(character for character in map(chr, _MODIFIERS) if _SIGN.search(unicodedata.name(character))),
}
_IGNORED_ASCII = {code: None for code in range(128) if _is_ignored(chr(code))}
# The ranges of Unicode that contain Latin letters with a stroke or bar.
_LATIN = (
    *(range(0xC0, 0x2B0), range(0x1D00, 0x1DC0), range(0x1E00, 0x1F00), range(0x2C60, 0x2C80)),
    *(range(0xA720, 0xA800), range(0xAB30, 0xAB70), range(0x10780, 0x107C0), range(0x1DF00, 0x1E000)),
)
_STROKED = re.compile(
    r"LATIN (?:SMALL |CAPITAL |SMALL CAPITAL )?LETTER (?:SMALL CAPITAL |LONG |DOTLESS |BARRED )?([A-Z]|AE|OE|THORN|ETH)"
    r"(?: WITH (?:[A-Z]+ )*(?:STROKE|BAR|OVERLAY)S?| BAR)?(?: AND .*| WITH .*)?"
)


def _stroked_letters() -> dict[str, str]:
    """Return the base letter of each letter with a stroke or bar, which normalising does not decompose."""
    base_letters = {}
    for character in (chr(code) for codes in _LATIN for code in codes):
        name = unicodedata.name(character, "")
        if ("STROKE" in name or "BAR" in name.split() or "BARRED" in name) and (base := _STROKED.fullmatch(name)):
            base_letters[character] = {"THORN": "th", "ETH": "d"}.get(base[1], base[1].lower())
    return base_letters


_BASE_LETTERS = {
    **_stroked_letters(),
    **dict(zip("đðħıŋ", ("d", "d", "h", "i", "n"), strict=True)),
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ɫ": "l",
    # Yeh, kaf, heh and alef on Arabic, Persian, Urdu and Kurdish keyboards.
    **dict.fromkeys("ىیېےۍێ", "ي"),
    **dict.fromkeys("کڪګ", "ك"),
    **dict.fromkeys("ةەہھۃ", "ه"),
    **dict.fromkeys("ٱٲٳ", "ا"),
}


def _visible(text: str) -> str:
    """Return the text in NFC, with plain spaces and forms, without control, direction and tag characters."""
    visible: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if character.isspace():
            visible.append(" ")
        elif category in {"Cc", "Cs"} or (category == "Cf" and character not in _JOINERS) or character in _INVISIBLE:
            continue
        elif character not in _HYPHENS and unicodedata.decomposition(character).startswith(_FORMS):
            visible.append(unicodedata.normalize("NFKC", character))
        else:
            visible.append(character)
    return _composed("".join(visible))


def _composed(text: str) -> str:
    """Return the text in NFC, except for ideographs that NFC would replace by others."""
    parts, end = [], 0
    for match in _COMPATIBILITY_IDEOGRAPHS.finditer(text):
        parts += [unicodedata.normalize("NFC", text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, unicodedata.normalize("NFC", text[end:])])


def _is_letter(character: str) -> bool:
    """Return whether it is a letter. This includes ideographs that are newer than Python's tables.

    Planes 2 and 3 contain nothing but ideographs (Unicode 15.0, 2.8).
    """
    category = unicodedata.category(character)
    return category[0] == "L" or (category == "Cn" and 0x20000 <= ord(character) < 0x3FFFE)


def _has_host_point(name: str) -> bool:
    """Return whether a full stop is placed as in a host name: before a letter, and not after an abbreviation."""
    for place, character in enumerate(name):
        following = name[place + 1 : place + 2]
        if character == "." and following and _is_letter(following) and not _ends_abbreviation(name, place):
            return True
    return False


def _ends_abbreviation(name: str, point: int) -> bool:
    """Return whether the full stop ends an abbreviated name or title, and a capital follows.

    This is so in `J.Top`, `Дж.Оруэлл` and `Prof.Mann`, but not in `t.me`. Several letters are not an abbreviation if
    the ending of a domain follows (`Bit.Ly`).
    """
    match = _LAST_WORD.search(name, 0, point)
    if match is None or not _is_capital(match[0][0]) or not _is_capital(name[point + 1]):
        return False
    letters = sum(_is_letter(character) for character in match[0])
    return letters == 1 or (letters <= _LONGEST_ABBREVIATION and not _is_ending(name[point + 1 :]))


def _is_ending(text: str) -> bool:
    """Return whether the first word of the text is the ending of a domain, and not also a surname."""
    word = _FIRST_WORD.match(text)
    if word is None or word[0].casefold() in _SURNAMES:
        return False
    try:
        return is_known_ending(idna.encode(word[0].casefold(), uts46=True).decode())
    except idna.IDNAError:
        return False


def _is_capital(character: str) -> bool:
    """Return whether it is a capital. Every letter of a script without capitals counts as a capital."""
    return _is_letter(character) and character.title() == character


def _has_written_characters(name: str) -> bool:
    """Return whether the name has only characters that names are written with, and not too many marks on a letter."""
    marks = 0
    for place, character in enumerate(name):
        previous, following = name[place - 1 : place] if place else "", name[place + 1 : place + 2]
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Mc"} else 0
        if marks > _MOST_MARKS or not _may_stand_between(character, previous, following):
            return False
    return True


def _may_stand_between(character: str, previous: str, following: str) -> bool:
    """Return whether a name may contain the character between its neighbours, which are "" at the ends of the name."""
    if is_look_alike(character):
        return False
    if character in _DOTS_BESIDE_O:
        return previous.lower() == "o"
    if character in _LISU_TONES:
        return bool(previous) and "\ua4d0" <= previous <= "\ua4fd"
    if _is_letter(character) or character == " " or character in _APOSTROPHES or character in _HYPHENS:
        return True
    if unicodedata.category(character) in {"Mn", "Mc"}:
        return bool(previous) and (
            _is_letter(previous) or unicodedata.category(previous)[0] == "M" or previous in _JOINERS
        )
    if character == ".":
        return bool(previous) and (_is_letter(previous) or unicodedata.category(previous)[0] == "M")
    if character in _WORD_MARKS:
        return bool(previous) and previous != " "
    if character in _MIDDLE_DOTS:
        # Catalan (RFC 5892, A.3), and the separator of foreign names in Chinese and Japanese (A.7).
        return (previous.lower(), following.lower()) == ("l", "l") or (
            _is_ideograph(previous) and _is_ideograph(following)
        )
    return character in _JOINERS and _uses_joiners(previous)


# Kana, ideographs and their extensions.
_IDEOGRAPHS = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
# The only scripts that use joiners: Arabic and related ones, the scripts of India, Burmese, Khmer and Mongolian.
_JOINING_SCRIPTS = re.compile("[\u0620-\u0dff\u1000-\u109f\u1780-\u18af]")


def _is_ideograph(character: str) -> bool:
    return _IDEOGRAPHS.fullmatch(character) is not None


def _uses_joiners(character: str) -> bool:
    return _JOINING_SCRIPTS.fullmatch(character) is not None
