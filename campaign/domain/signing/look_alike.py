"""Letters of other scripts that look like Latin ones, and get into domains by other keyboards or by forgery."""

from __future__ import annotations

import unicodedata

import idna

# Small letters only, because domains have no capitals: Cyrillic, Greek, Armenian, Cherokee, and other Latin letters.
_LOOK_ALIKES = {
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
    """Return for each letter the Latin letters that it looks like, the likeliest first."""
    readings_of: dict[str, str] = {}
    for plain, letters in _LOOK_ALIKES.items():
        for letter in letters:
            if plain not in readings_of.get(letter, ""):
                readings_of[letter] = readings_of.get(letter, "") + plain
    return readings_of


_LATIN_LETTERS = _latin_letters()
_MOST_READINGS = 16


def latin_readings(domain: str) -> tuple[str, ...]:
    """Return the ASCII domains that the domain looks like, the likeliest first; none if it is in ASCII itself.

    `domain` is in A-labels (`xn--…`). Accents are ignored, because a provider's name has none.
    """
    if "xn--" not in domain:
        return ()
    try:
        unicode_domain = idna.decode(domain)
    except idna.IDNAError:
        return ()
    readings = [""]
    for character in unicodedata.normalize("NFKD", unicode_domain):
        if unicodedata.combining(character):
            continue
        letters = character if character.isascii() else _LATIN_LETTERS.get(character, "")
        readings = [start + letter for start in readings for letter in letters][:_MOST_READINGS]
    return tuple(readings)


def is_of_two_scripts(domain: str) -> bool:
    """Return whether a label mixes letters of two of the scripts Latin, Cyrillic, Greek and Armenian.

    Registries accept no such label, so a person has typed a letter of the wrong script.
    """
    try:
        unicode_domain = idna.decode(domain)
    except idna.IDNAError:
        return False
    return any(
        len({_script(letter) for letter in label if letter.isalpha()} - {""}) > 1 for label in unicode_domain.split(".")
    )


def _script(character: str) -> str:
    script = unicodedata.name(character, "").partition(" ")[0]
    return script if script in {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"} else ""
