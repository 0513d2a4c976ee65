"""Words that leave the writer's gender open (`préoccupé-e`, `Unterstützer*in`, `preocupado/a`), in the signer's form.

A signer may choose the masculine or the feminine form for sentences in the first person; without a choice the letter
stays as it is. Words about others stay open: a word in the singular refers to the writer only in a sentence with `je`
or `ich`, one in the plural only in a sentence with `nous`, `wir` or `nosotros`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class GenderForm(StrEnum):
    """The form that the signer chose. OPEN leaves the letter as it is."""

    OPEN = ""
    MASCULINE = "m"
    FEMININE = "f"


@dataclass(frozen=True, slots=True)
class _Rule:
    """The rules of one language: its open words, their spelling in each form, and the sentences about the writer."""

    words: re.Pattern[str]
    spelling: Callable[[re.Match[str], GenderForm], str]
    is_plural: Callable[[re.Match[str]], bool]
    singular: re.Pattern[str]
    plural: re.Pattern[str]


def has_open_forms(parts: Iterable[str], language: str) -> bool:
    """Return whether choosing a form would change any of these parts."""
    return any(
        in_form(part, language, form) != part for part in parts for form in (GenderForm.MASCULINE, GenderForm.FEMININE)
    )


def in_form(text: str, language: str, form: GenderForm) -> str:
    """Return the text with the writer's open words in that form; unchanged for OPEN and in other languages."""
    rule = _RULES.get(language)
    if rule is None or form is GenderForm.OPEN:
        return text

    def spelling(match: re.Match[str]) -> str:
        writer_pattern = rule.plural if rule.is_plural(match) else rule.singular
        sentence = _sentence(text, match.start(), match.end())
        return rule.spelling(match, form) if writer_pattern.search(sentence) else match[0]

    return rule.words.sub(spelling, text)


def _sentence(text: str, start: int, end: int) -> str:
    """Return the sentence that contains the text from `start` to `end`."""
    before = max((match.end() for match in _SENTENCE_END.finditer(text, 0, start)), default=0)
    after = _SENTENCE_END.search(text, end)
    return text[before : after.start() if after else len(text)]


_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)|\n")

# French: the ending after the sign, and the letters that the word loses in the feminine (`heureux·se` loses the x).
_FRENCH = {
    "e": "", "ne": "", "le": "", "te": "", "sse": "", "se": "x", "euse": "eur", "rice": "eur", "trice": "teur",
    "ère": "er", "ète": "et", "ve": "f", "che": "c",
}  # fmt: skip
_SIGNS = r"[-\u2010\u2011·•.]"
_ENDINGS = "|".join(sorted(_FRENCH, key=len, reverse=True))
_FRENCH_OPEN = re.compile(
    rf"(?P<stem>[^\W\d_]{{2,40}})(?:{_SIGNS}(?P<ending>{_ENDINGS})(?:{_SIGNS}?(?P<plural>s))?"
    rf"|\((?P<ending2>{_ENDINGS})\)(?P<plural2>s)?)(?![\w(]|{_SIGNS}\w)"
)


def _french(match: re.Match[str], form: GenderForm) -> str:
    """Return the word in that form; unchanged where it is not an open form."""
    stem, ending = match["stem"], match["ending"] or match["ending2"]
    plural = "s" if _is_french_plural(match) else ""
    lost_letters = _FRENCH[ending]
    if not _is_french_word(stem, ending):
        return match[0]
    if form is GenderForm.MASCULINE:
        return stem if stem.endswith(("s", "x")) else stem + plural
    return stem[: len(stem) - len(lost_letters)] + ending + plural


def _is_french_word(stem: str, ending: str) -> bool:
    """Return whether the word is an open form, by its letters before the sign.

    `dit-e` is one, `est-ce` and `rendez-le` are not.
    """
    if ending == "e":
        return stem[-1].lower() in "éiudtnsrl"
    if ending in {"ne", "le", "te"}:
        return stem.endswith(ending[0])
    return stem.endswith(_FRENCH[ending])


def _is_french_plural(match: re.Match[str]) -> bool:
    return bool(match["plural"] or match["plural2"])


_GERMAN_OPEN = re.compile(
    r"(?P<stem>[^\W\d_]{2,40}?)(?:[*:_/]-?(?P<ending>innen|in)|(?P<inner>Innen|In))\b"
    r"|\b(?P<article>ein|kein|mein)[*:_/]-?e\b"
)


def _german(match: re.Match[str], form: GenderForm) -> str:
    """Return the word, or the article, in that form."""
    if match["article"]:
        return match["article"] + ("e" if form is GenderForm.FEMININE else "")
    stem = match["stem"]
    ending = (match["ending"] or match["inner"]).lower()
    if form is GenderForm.FEMININE:
        return str(stem + ending)
    return str(stem if ending == "in" or stem.endswith(("er", "en", "el")) else stem + "en")


def _is_german_plural(match: re.Match[str]) -> bool:
    return (match["ending"] or match["inner"] or "").lower() == "innen"


_SPANISH_OPEN = re.compile(
    r"\b(?:(?P<stem>\w{2,40}?)o(?:(?P<os>s)/-?as|/-?a|\(a\)(?P<brackets>s?))"
    r"|(?P<bare>\w{2,40}?[rnl])(?:(?P<es>es)/-?as|/-?a|\(a\)(?P<bare_brackets>s?))"
    r"|(?P<at>\w{2,40})@(?P<at_plural>s?))(?!\w)"
)


def _spanish(match: re.Match[str], form: GenderForm) -> str:
    plural = "s" if _is_spanish_plural(match) else ""
    if match["bare"]:  # `defensor/a`: the masculine has no ending of its own
        return str(match["bare"] + (("es" if plural else "") if form is GenderForm.MASCULINE else "a" + plural))
    return (match["stem"] or match["at"]) + ("o" if form is GenderForm.MASCULINE else "a") + plural


def _is_spanish_plural(match: re.Match[str]) -> bool:
    return any(match[name] for name in ("os", "brackets", "es", "bare_brackets", "at_plural"))


_RULES = {
    "fr": _Rule(
        _FRENCH_OPEN,
        _french,
        _is_french_plural,
        re.compile(r"\b(?:je|me|moi)\b|\b[jm]['’]", re.IGNORECASE),
        re.compile(r"\bnous\b", re.IGNORECASE),
    ),
    "de": _Rule(
        _GERMAN_OPEN,
        _german,
        _is_german_plural,
        re.compile(r"\b(?:ich|mich|mir)\b", re.IGNORECASE),
        re.compile(r"\b(?:wir|uns)\b", re.IGNORECASE),
    ),
    # Spanish shows its subject by the verb, so every singular may refer to the writer.
    "es": _Rule(
        _SPANISH_OPEN,
        _spanish,
        _is_spanish_plural,
        re.compile(""),
        re.compile(r"\bnos\b|nosotr|\w{2}mos\b", re.IGNORECASE),
    ),
}
