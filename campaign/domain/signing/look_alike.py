"""Letters of other scripts that look like Latin ones, which enter domains by other keyboards or by forgery."""

from __future__ import annotations

import unicodedata

import idna

# Small letters, for domains have no others: Cyrillic, Greek, Armenian, Cherokee, and Latin with another code.
_LOOKS = {
    "a": "аαаɑաꭺ",
    "b": "вьЬɓƅβᏏꮟ",
    "c": "сϲⅽᴄꮯ",
    "d": "ԁժɖɗꮷ",
    "e": "еҽєεҿꭼ",
    "f": "ƒքẝ",
    "g": "ɡցգԍᶃ",
    "h": "һհнհɦ",
    "i": "іıιɩӏꭵǐ",
    "j": "јϳյ",
    "k": "кκĸҝ",
    "l": "ӏⅼіıɭǀⲓ",
    "m": "мϻᴍʍ",
    "n": "пηոռɴ",
    "o": "оοօᴏσօ०٥ഠ",
    "p": "рρþᴩ",
    "q": "ԛզɋ",
    "r": "гᴦꭱɼ",
    "s": "ѕꜱʂꮪ",
    "t": "тτᴛꭲ",
    "u": "υսцᴜʋи",
    "v": "ѵνᴠט",
    "w": "ԝωաɯᴡш",
    "x": "хχ×ҳ",
    "y": "уүγỿყʏ",
    "z": "ᴢʐꮓ",
    "3": "зӡʒ",
    "4": "ч",
    "6": "бϬ",
}


def _latin_letters() -> dict[str, str]:
    """Return for each letter the Latin ones that it may stand for, the likeliest first."""
    found: dict[str, str] = {}
    for plain, letters in _LOOKS.items():
        for letter in letters:
            if plain not in found.get(letter, ""):
                found[letter] = found.get(letter, "") + plain
    return found


_LATIN_LETTERS = _latin_letters()
_MOST_READINGS = 16  # readings of one domain


def latin_readings(domain: str) -> tuple[str, ...]:
    """Return the domains in ASCII that this one looks like, the likeliest first; none where it is in ASCII itself.

    `domain` as the DNS has it (`xn--…`). Accents count as what they stand on: nobody types them by intent in the name
    of a provider that has none.
    """
    if "xn--" not in domain:
        return ()
    try:
        shown = idna.decode(domain)
    except idna.IDNAError:
        return ()
    readings = [""]
    for character in unicodedata.normalize("NFKD", shown):
        if unicodedata.combining(character):
            continue
        plain = character if character.isascii() else _LATIN_LETTERS.get(character, "")
        readings = [before + one for before in readings for one in plain][:_MOST_READINGS]
    return tuple(readings)


def is_of_two_scripts(domain: str) -> bool:
    """Return whether a label has letters of Latin and of Cyrillic, Greek or Armenian side by side.

    Registries accept no such label; a person who meant one script has typed a letter of the other.
    """
    try:
        shown = idna.decode(domain)
    except idna.IDNAError:
        return False
    return any(len({_script(one) for one in label if one.isalpha()} - {""}) > 1 for label in shown.split("."))


def _script(character: str) -> str:
    script = unicodedata.name(character, "").partition(" ")[0]
    return script if script in {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"} else ""
