"""Scripts that may be mixed in one word, and letters that look like the signs of a link.

`evil` and `kz` with a Thai vowel between them look like a host name. So Latin, Greek and Cyrillic letters may be mixed
with each other and with ideographs, but only a space may separate them from letters of any other script.
"""

from __future__ import annotations

import re
import unicodedata

# Latin with its modifier letters, Greek, Cyrillic.
_EUROPEAN = re.compile(
    "[A-Za-zªµºÀ-ÖØ-öø-\u02c1\u02c6-\u02d1\u02e0-\u02e4\u02ec\u02ee\u0370-\u0373\u0376-\u052f\u1c80-\u1c8f"
    "\u1d00-\u1dbf"
    "\u1e00-\u1fff\u2071\u207f\u2090-\u209c\u2c60-\u2c7f\ua640-\ua66e\ua680-\ua69d\ua722-\ua787\ua78b-\ua7ff"
    "\uab30-\uab6f\ufb00-\ufb06\U00010780-\U000107ba\U0001df00-\U0001dfff]"
)
# The form of most names. Such names need no further checks.
_ONE_SCRIPT = re.compile(f"(?:{_EUROPEAN.pattern}|[ .'’-])*")
# Ideographs, kana, Hangul.
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u30ff\u3105-\u318e\u31a0-\u31bf"
    "\u31f0-\u31ff"
    "\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003fffd]"
)
# East Asian characters that look like a full stop, a slash or a colon. They are allowed only among East Asian
# characters.
_ASIAN_SIGNS = frozenset("丿丶丨亅乀乁ノヽヾゝゞ〳〴〵ㆍㆎ\u119e\u11a1\u11a2ㄧㄟㇱ")
# Signs that names in Hebrew, Tibetan and Ethiopic scripts contain beside letters.
_SIGNS = frozenset("׳״་፡")
# Characters that look like a full stop, a slash or a colon, and that names do not contain.
_LOOK_ALIKES = frozenset("\ua78f\u02d0\u02d1\u02ca\u02cb\u02cc\u02cd\u02ce\u02cf\u02c9\ua717\ua718\ua719")
_OVERLAY = 1


def is_look_alike(character: str) -> bool:
    """Return whether names must not contain the letter or mark: it looks like a sign, strikes out, or is musical."""
    if character in _LOOK_ALIKES:
        return True
    if character.isascii() or unicodedata.category(character)[0] != "M":
        return False
    return unicodedata.combining(character) == _OVERLAY or unicodedata.name(character, "").startswith("MUSICAL")


def is_mixed(name: str) -> bool:
    """Return whether a word of the name mixes scripts that do not occur in one word."""
    if _ONE_SCRIPT.fullmatch(name):
        return False
    previous = ""
    for character in name:
        script = _script(character, previous)
        if {previous, script} == {"european", "other"}:
            return True
        previous = script
    return False


def _script(character: str, previous: str) -> str:
    """Return the character's group of scripts: `european`, `asian` or `other`; "" for a separator of words.

    A mark that letters of any script may have gets the group of the previous character.
    """
    if character in _SIGNS or character in _ASIAN_SIGNS:
        return "other"
    if _EUROPEAN.fullmatch(character):
        return "european"
    category = unicodedata.category(character)
    if category[0] == "M":
        return previous if unicodedata.name(character, "").startswith(("COMBINING", "VARIATION")) else "other"
    if _EAST_ASIAN.fullmatch(character):
        return "asian"
    return "other" if category[0] == "L" or category == "Cn" else ""
