"""Labels of the templates' blocks and the words around names and addresses: one data file per language.

A new file adds a language: all parts of the reader take their words from here.
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
    """The phrases of all languages. A document may mix languages, so each phrase has a language."""

    languages: tuple[str, ...]
    labels: dict[str, tuple[Phrase, ...]]  # by first word
    header: dict[str, tuple[Phrase, ...]]  # by kind, longest first
    contacts: dict[str, tuple[Phrase, ...]]  # by kind, longest first
    lists: dict[str, tuple[Phrase, ...]]  # by name, longest first
    ordinals: dict[tuple[str, ...], int]  # by words
    function_words: dict[str, frozenset[str]]  # by language
    country_names: dict[str, dict[str, list[str]]]  # by language, code → names
    language_names: dict[str, dict[str, list[str]]]

    def single_words(self, name: str) -> frozenset[str]:
        """Return the phrases of a list that are single words, in every language."""
        return _single_words_of(self, name)

    def begins_with(self, name: str, tokens: tuple[str, ...]) -> bool:
        """Return whether the words begin with a phrase of a list."""
        if not tokens:
            return False
        return any(tokens[: len(phrase)] == phrase for phrase in _phrases_by_first_word(self, name).get(tokens[0], ()))

    def phrases(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return the phrases of a list as words, longest first."""
        return _phrases_of(self, name)


_phrases_by_list: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}  # by languages and name of the list
_single_words_by_list: dict[str, frozenset[str]] = {}
_phrases_by_start: dict[str, dict[str, list[tuple[str, ...]]]] = {}


def _phrases_by_first_word(vocabulary: Vocabulary, name: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the phrases of a list by their first word."""
    if name not in _phrases_by_start:
        by_first_word: dict[str, list[tuple[str, ...]]] = {}
        for phrase in vocabulary.phrases(name):
            by_first_word.setdefault(phrase[0], []).append(phrase)
        _phrases_by_start[name] = by_first_word
    return _phrases_by_start[name]


def _phrases_of(vocabulary: Vocabulary, name: str) -> tuple[tuple[str, ...], ...]:
    key = (*vocabulary.languages, name)
    if key not in _phrases_by_list:
        _phrases_by_list[key] = tuple(phrase.words for phrase in vocabulary.lists[name])
    return _phrases_by_list[key]


def _single_words_of(vocabulary: Vocabulary, name: str) -> frozenset[str]:
    if name not in _single_words_by_list:
        _single_words_by_list[name] = frozenset(p.words[0] for p in vocabulary.lists[name] if len(p.words) == 1)
    return _single_words_by_list[name]


def _parse_phrase(kind: str, language: str, text: str) -> Phrase:
    """Return the phrase of a label's text in a language file."""
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
                phrase = _parse_phrase(kind, language, text)
                if phrase.words:
                    phrases_by_kind.setdefault(kind, {})[language, phrase.words] = phrase
    return {
        kind: tuple(sorted(phrases.values(), key=lambda phrase: -len(phrase.words)))
        for kind, phrases in phrases_by_kind.items()
    }


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of all language files beside this module, read once."""
    tables: dict[str, Any] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            tables[table["language"]] = table
    phrases_by_first_word: dict[str, list[Phrase]] = {}
    for phrases in _collect_phrases(tables, "labels").values():
        for phrase in phrases:
            phrases_by_first_word.setdefault(phrase.words[0], []).append(phrase)
    ordinals = {
        tuple(word.text for word in words(form)): number
        for table in tables.values()
        for number, forms in enumerate(table["header"]["ordinals"], start=1)
        for form in forms
    }
    return Vocabulary(
        languages=tuple(tables),
        labels={
            first_word: tuple(sorted(phrases, key=lambda phrase: -len(phrase.words)))
            for first_word, phrases in phrases_by_first_word.items()
        },
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
