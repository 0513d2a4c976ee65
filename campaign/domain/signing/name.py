"""Names of people: what is one, and which two are the same in a search.

A name is printed in letters, lists and mails. So it holds no link, nothing invisible and no sign that names are not
written with; and it stays as it was typed, or the person is told why not.
"""

from __future__ import annotations

import re
import unicodedata

import idna

from campaign.domain.errors import InputError
from campaign.domain.signing.provider import is_known_ending
from campaign.domain.signing.script import is_look_alike, is_mixed

NAME_LENGTH = 200
# More marks on one letter than any script writes.
_MOST_MARKS = 8

_APOSTROPHES = frozenset("'’‘‛ʼʻʹ`´′՚׳״＇")
_HYPHENS = frozenset("-‐‑‒–—־֊᐀᠆﹣－")
# A Tibetan syllable's end and an Ethiopic word's: what spaces are elsewhere.
_WORD_MARKS = frozenset("་፡")
_MIDDLE_DOTS = frozenset("·・･")
_JOINERS = frozenset("\u200c\u200d\u180e")
# The letter that such an accent stands beside, in Pe̍h-ōe-jī; elsewhere it looks like a full stop.
_DOT_BESIDE = frozenset("\u0358\u1df8")
# Look like a full stop, and are tone letters of Lisu.
_LISU_TONES = frozenset("ꓸꓹꓺꓻꓼꓽ")
# Invisible, though Unicode has them among letters and marks.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Written another way only: full-width and half-width forms, the forms of Arabic letters, letters of mathematics.
_FORMS = ("<wide>", "<narrow>", "<font>", "<initial>", "<medial>", "<final>", "<isolated>", "<noBreak>")
# Ideographs that normalising would turn into others, which the person would not write (Unicode 15.0, 12.1).
_COMPATIBLE = re.compile("[\uf900-\ufaff\U0002f800-\U0002fa1f]")
# What most names are, so that they cost nothing.
_ORDINARY = re.compile(rf"[A-Za-z](?:[A-Za-z]|[ '-](?=[A-Za-z])){{0,{NAME_LENGTH - 1}}}")
# A word with its marks, at the end of what stands before a point and at the beginning of what stands behind it.
_WORD = r"[^\W\d_][^\s.@'’-]{0,62}"
_LAST_WORD, _FIRST_WORD = re.compile(rf"(?<![^\s.'’-]){_WORD}$"), re.compile(_WORD)
# Endings that are names of people, under which nobody but one company has a host.
_SURNAMES = frozenset(
    "bloomberg bosch dell dior ferrari ferrero ford fox gallo george hermes honda hughes jaguar lamborghini lincoln "
    "olayan pohl schmidt shaw suzuki toyota walter weir".split()
)
# `Prof`, `Thos`, `Дж`.
_LONGEST_SHORT = 4
_LINK = re.compile(r"[@/\\:⁄∕⧸]|\bwww\.", re.IGNORECASE)


def clean_name(text: str) -> str:
    """Return the name as it will be printed: composed (NFC), single spaces, nothing invisible.

    It is of letters, marks, spaces, hyphens, apostrophes, and points behind initials or before a space. What a script
    needs stays: joiners, middle dots, tones. Raise InputError (`missing`, `unreadable`, `too-long`, `characters`,
    `scripts`, `no-letters`, `link`).
    """
    if text.isascii() and _ORDINARY.fullmatch(ordinary := " ".join(text.split())):
        return ordinary
    if "\ufffd" in text:  # what decoding leaves of bytes that were no UTF-8
        raise InputError("name", "unreadable", "the name was not sent as UTF-8")
    name = " ".join(_visible(text[: NAME_LENGTH * 20]).split())
    if not name:
        raise InputError("name", "missing", "the name is empty")
    if len(name) > NAME_LENGTH:
        raise InputError("name", "too-long", f"the name is longer than {NAME_LENGTH} characters")
    if _LINK.search(name) or _is_dotted(name):
        raise InputError("name", "link", "the name holds a link or an address")
    if not any(_is_letter(character) for character in name):
        raise InputError("name", "no-letters", "the name holds no letter")
    if not _is_written(name):
        raise InputError("name", "characters", "the name holds what names are not written with")
    if is_mixed(name):
        raise InputError("name", "scripts", "letters of different scripts stand side by side")
    return name


def name_key(name: str) -> str:
    """Return what is equal for two names that differ in how they are written only.

    Capitals, accents, spaces, hyphens, apostrophes, points and other signs, the forms of Arabic and Persian letters,
    and strokes through Latin ones make no difference.
    """
    if name.isascii():  # most are, and a search opens very many
        return name.casefold().translate(_UNHEARD_ASCII)
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(_PLAIN.get(one, one) for one in decomposed if not _is_unheard(one))


def _is_unheard(character: str) -> bool:
    """Signs, marks, spaces, and what was pasted along with the name that is searched."""
    category = unicodedata.category(character)
    return (
        category[0] in "PSZ"
        or category in {"Cc", "Cf"}
        or unicodedata.combining(character) > 0
        or character in _UNHEARD_LETTERS
    )


# Letters by Unicode's count, which look like an apostrophe or like signs beside it: modifiers, the saltillo, tones.
_SIGN = re.compile(r"APOSTROPHE|PRIME|COMMA|SALTILLO|HALF RING|GRAVE|ACUTE|VERTICAL LINE|GLOTTAL STOP|COLON|TRIANGULAR")
_MODIFIERS = (*range(0x2B0, 0x300), *range(0x7F4, 0x7F6), *range(0xA700, 0xA722), *range(0xA788, 0xA78D))
_UNHEARD_LETTERS = _INVISIBLE | {
    "\u0640",
    *(one for one in map(chr, _MODIFIERS) if _SIGN.search(unicodedata.name(one))),
}
_UNHEARD_ASCII = {code: None for code in range(128) if _is_unheard(chr(code))}
# Where letters with a stroke or bar stand in Unicode.
_LATIN = (
    *(range(0xC0, 0x2B0), range(0x1D00, 0x1DC0), range(0x1E00, 0x1F00), range(0x2C60, 0x2C80)),
    *(range(0xA720, 0xA800), range(0xAB30, 0xAB70), range(0x10780, 0x107C0), range(0x1DF00, 0x1E000)),
)
_STROKED = re.compile(
    r"LATIN (?:SMALL |CAPITAL |SMALL CAPITAL )?LETTER (?:SMALL CAPITAL |LONG |DOTLESS |BARRED )?([A-Z]|AE|OE|THORN|ETH)"
    r"(?: WITH (?:[A-Z]+ )*(?:STROKE|BAR|OVERLAY)S?| BAR)?(?: AND .*| WITH .*)?"
)


def _stroked() -> dict[str, str]:
    """Each letter with a stroke or bar that is not taken apart by normalising, with the letter below it."""
    found = {}
    for character in (chr(code) for codes in _LATIN for code in codes):
        name = unicodedata.name(character, "")
        if ("STROKE" in name or "BAR" in name.split() or "BARRED" in name) and (base := _STROKED.fullmatch(name)):
            found[character] = {"THORN": "th", "ETH": "d"}.get(base[1], base[1].lower())
    return found


_PLAIN = {
    **_stroked(),
    **dict(zip("đðħıŋ", ("d", "d", "h", "i", "n"), strict=True)),
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ɫ": "l",
    # Yeh, kaf, heh and alef as Arabic, Persian, Urdu and Kurdish keyboards have them.
    **dict.fromkeys("ىیېےۍێ", "ي"),
    **dict.fromkeys("کڪګ", "ك"),
    **dict.fromkeys("ةەہھۃ", "ه"),
    **dict.fromkeys("ٱٲٳ", "ا"),
}


def _visible(text: str) -> str:
    """The text composed, its spaces plain, without control, direction and tag characters; forms made plain."""
    kept: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if character.isspace():
            kept.append(" ")
        elif category in {"Cc", "Cs"} or (category == "Cf" and character not in _JOINERS) or character in _INVISIBLE:
            continue
        elif character not in _HYPHENS and unicodedata.decomposition(character).startswith(_FORMS):
            kept.append(unicodedata.normalize("NFKC", character))
        else:
            kept.append(character)
    return _composed("".join(kept))


def _composed(text: str) -> str:
    """NFC, without the ideographs that it would replace."""
    parts, at = [], 0
    for found in _COMPATIBLE.finditer(text):
        parts += [unicodedata.normalize("NFC", text[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, unicodedata.normalize("NFC", text[at:])])


def _is_letter(character: str) -> bool:
    """Ideographs newer than our tables, too: planes 2 and 3 hold nothing else (Unicode 15.0, 2.8)."""
    category = unicodedata.category(character)
    return category[0] == "L" or (category == "Cn" and 0x20000 <= ord(character) < 0x3FFFE)


def _is_dotted(name: str) -> bool:
    """Return whether a point stands as in a host's name: before a letter, and not behind what is shortened."""
    for place, character in enumerate(name):
        following = name[place + 1 : place + 2]
        if character == "." and following and _is_letter(following) and not _is_shortened(name, place):
            return True
    return False


def _is_shortened(name: str, point: int) -> bool:
    """Return whether a shortened name or title stands before that point, and a capital behind it.

    `J.Top`, `Дж.Оруэлл`, `Prof.Mann`, not `t.me`. Of more than one letter it is none where an ending of hosts follows
    (`Bit.Ly`).
    """
    found = _LAST_WORD.search(name, 0, point)
    if found is None or not _is_capital(found[0][0]) or not _is_capital(name[point + 1]):
        return False
    letters = sum(_is_letter(one) for one in found[0])
    return letters == 1 or (letters <= _LONGEST_SHORT and not _is_ending(name[point + 1 :]))


def _is_ending(text: str) -> bool:
    """Return whether the word that the text begins with is an ending of hosts."""
    word = _FIRST_WORD.match(text)
    if word is None or word[0].casefold() in _SURNAMES:
        return False
    try:
        return is_known_ending(idna.encode(word[0].casefold(), uts46=True).decode())
    except idna.IDNAError:
        return False


def _is_capital(character: str) -> bool:
    """Scripts without capitals have nothing else."""
    return _is_letter(character) and character.title() == character


def _is_written(name: str) -> bool:
    marks = 0
    for place, character in enumerate(name):
        before, after = name[place - 1 : place] if place else "", name[place + 1 : place + 2]
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Mc"} else 0
        if marks > _MOST_MARKS or not _stands_well(character, before, after):
            return False
    return True


def _stands_well(character: str, before: str, after: str) -> bool:
    """Return whether a name may hold that character between those two ("" at either end)."""
    if is_look_alike(character):
        return False
    if character in _DOT_BESIDE:
        return before.lower() == "o"
    if character in _LISU_TONES:
        return bool(before) and "\ua4d0" <= before <= "\ua4fd"
    if _is_letter(character) or character == " " or character in _APOSTROPHES or character in _HYPHENS:
        return True
    if unicodedata.category(character) in {"Mn", "Mc"}:
        return bool(before) and (_is_letter(before) or unicodedata.category(before)[0] == "M" or before in _JOINERS)
    if character == ".":
        return bool(before) and (_is_letter(before) or unicodedata.category(before)[0] == "M")
    if character in _WORD_MARKS:
        return bool(before) and before != " "
    if character in _MIDDLE_DOTS:
        # Catalan (RFC 5892, A.3), and what parts foreign names in Chinese and Japanese (A.7).
        return (before.lower(), after.lower()) == ("l", "l") or (_is_ideograph(before) and _is_ideograph(after))
    return character in _JOINERS and _takes_joiners(before)


# Kana, ideographs and their extensions.
_IDEOGRAPHS = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
# Arabic and its kin, the scripts of India, Burmese, Khmer, Mongolian: no other writes joiners.
_JOINED = re.compile("[\u0620-\u0dff\u1000-\u109f\u1780-\u18af]")


def _is_ideograph(character: str) -> bool:
    return _IDEOGRAPHS.fullmatch(character) is not None


def _takes_joiners(character: str) -> bool:
    return _JOINED.fullmatch(character) is not None
