"""Labels of the templates' blocks and the words around names and addresses: one data file per language.

Adding a file adds a language; all parts of the reader take their words from here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from campaign.document.text.normalise import words

GAP = "…"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label in one language as normalised words; `GAP` stands for up to 25 words that vary."""

    kind: str
    language: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The phrases of all languages. A document may mix languages, so each phrase knows its own."""

    languages: tuple[str, ...]
    labels: dict[str, tuple[Phrase, ...]]  # by first word
    header: dict[str, tuple[Phrase, ...]]  # by kind, longest first
    contacts: dict[str, tuple[Phrase, ...]]
    lists: dict[str, tuple[Phrase, ...]]
    ordinals: dict[tuple[str, ...], int]
    function_words: dict[str, frozenset[str]]  # by language
    country_names: dict[str, dict[str, list[str]]]  # by language, code → names
    language_names: dict[str, dict[str, list[str]]]

    def single_words(self, name: str) -> frozenset[str]:
        """Return the phrases of a list that are single words, in every language."""
        return _single_words_of(self, name)

    def phrases(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return the phrases of a list as words, longest first."""
        return tuple(phrase.words for phrase in self.lists[name])


_single_words: dict[str, frozenset[str]] = {}


def _single_words_of(vocabulary: Vocabulary, name: str) -> frozenset[str]:
    if name not in _single_words:
        _single_words[name] = frozenset(p.words[0] for p in vocabulary.lists[name] if len(p.words) == 1)
    return _single_words[name]


def _phrase(kind: str, language: str, text: str) -> Phrase:
    parts: list[str] = []
    for piece in text.split(GAP):
        parts += [word.text for word in words(piece)]
        parts.append(GAP)
    return Phrase(kind, language, tuple(parts[:-1]))


def _collect_phrases(tables: dict[str, Any], section: str) -> dict[str, tuple[Phrase, ...]]:
    """Return the phrases of each kind in a section, of all languages, longest first."""
    phrases_by_kind: dict[str, dict[tuple[str, tuple[str, ...]], Phrase]] = {}
    for language, table in tables.items():
        for kind, texts in table[section].items():
            if kind == "ordinals":
                continue
            for text in texts:
                phrase = _phrase(kind, language, text)
                if phrase.words:
                    phrases_by_kind.setdefault(kind, {})[language, phrase.words] = phrase
    return {
        kind: tuple(sorted(each.values(), key=lambda phrase: -len(phrase.words)))
        for kind, each in phrases_by_kind.items()
    }


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of all language files beside this module, read once."""
    tables: dict[str, Any] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            tables[table["language"]] = table
    by_first: dict[str, list[Phrase]] = {}
    for phrases in _collect_phrases(tables, "labels").values():
        for phrase in phrases:
            by_first.setdefault(phrase.words[0], []).append(phrase)
    ordinals = {
        tuple(word.text for word in words(form)): number
        for table in tables.values()
        for number, forms in enumerate(table["header"]["ordinals"], start=1)
        for form in forms
    }
    return Vocabulary(
        languages=tuple(tables),
        labels={first: tuple(sorted(each, key=lambda p: -len(p.words))) for first, each in by_first.items()},
        header=_collect_phrases(tables, "header"),
        contacts=_collect_phrases(tables, "contacts"),
        lists=_collect_phrases(tables, "words"),
        ordinals=ordinals,
        function_words={
            code: frozenset(w.text for text in table["words"]["functions"] for w in words(text))
            for code, table in tables.items()
        },
        country_names={code: table["names"]["countries"] for code, table in tables.items()},
        language_names={code: table["names"]["languages"] for code, table in tables.items()},
    )
