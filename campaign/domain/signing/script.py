"""Scripts that may be mixed in one word, and letters that look like the signs of a link.

`evil` and `kz` with a Thai vowel between them look like a host's name, or like one with a colon. So Latin, Greek and
Cyrillic letters may be mixed with each other and with ideographs; letters of any other script need a space between.
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
# The form of most names; they need no further checks.
_ONE_SCRIPT = re.compile(f"(?:{_EUROPEAN.pattern}|[ .'’-])*")
# Ideographs, kana, Hangul.
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u30ff\u3105-\u318e\u31a0-\u31bf"
    "\u31f0-\u31ff"
    "\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003fffd]"
)
# East Asian characters that look like a point, a stroke or a colon; allowed only among their own script.
_ASIAN_SIGNS = frozenset("丿丶丨亅乀乁ノヽヾゝゞ〳〴〵ㆍㆎ\u119e\u11a1\u11a2ㄧㄟㇱ")
# Signs in names of Hebrew, Tibetan and Ethiopic scripts that are no letters.
_SIGNS = frozenset("׳״་፡")
# Characters that look like a point, a stroke or a colon, and occur in no name.
_LOOK_ALIKES = frozenset("\ua78f\u02d0\u02d1\u02ca\u02cb\u02cc\u02cd\u02ce\u02cf\u02c9\ua717\ua718\ua719")
_OVERLAY = 1


def is_look_alike(character: str) -> bool:
    """Return whether a letter or mark is no part of names: it looks like a sign, strikes out, or is musical."""
    if character in _LOOK_ALIKES:
        return True
    if character.isascii() or unicodedata.category(character)[0] != "M":
        return False
    return unicodedata.combining(character) == _OVERLAY or unicodedata.name(character, "").startswith("MUSICAL")


def is_mixed(name: str) -> bool:
    """Return whether the name mixes letters, marks or signs of scripts that do not occur in one word."""
    if _ONE_SCRIPT.fullmatch(name):
        return False
    before = ""
    for character in name:
        script = _script(character, before)
        if {before, script} == {"european", "other"}:
            return True
        before = script
    return False


def _script(character: str, before: str) -> str:
    """Return `european`, `asian` or `other`; "" for a separator of words.

    A mark that any letter may have gets the script of the letter before it.
    """
    if character in _SIGNS or character in _ASIAN_SIGNS:
        return "other"
    if _EUROPEAN.fullmatch(character):
        return "european"
    category = unicodedata.category(character)
    if category[0] == "M":
        return before if unicodedata.name(character, "").startswith(("COMBINING", "VARIATION")) else "other"
    if _EAST_ASIAN.fullmatch(character):
        return "asian"
    return "other" if category[0] == "L" or category == "Cn" else ""
