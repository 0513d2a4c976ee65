"""What the templates call their blocks, and the words around names and addresses: one data file per language.

A language is added by adding its file; every part of the reader takes its words from here.
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
    """A label in one language: folded words, `GAP` where up to 25 words vary."""

    kind: str
    language: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All languages together: a document may mix them, so each phrase knows its own."""

    languages: tuple[str, ...]
    labels: dict[str, tuple[Phrase, ...]]  # by first word
    header: dict[str, tuple[Phrase, ...]]  # by kind, longest first
    contacts: dict[str, tuple[Phrase, ...]]
    lists: dict[str, tuple[Phrase, ...]]
    ordinals: dict[tuple[str, ...], int]
    functions: dict[str, frozenset[str]]  # by language
    countries: dict[str, dict[str, list[str]]]  # by language, code → names
    tongues: dict[str, dict[str, list[str]]]

    def words(self, name: str) -> frozenset[str]:
        """The single words of a list, in every language."""
        return _single(self, name)

    def starts(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The phrases of a list, longest first."""
        return tuple(phrase.words for phrase in self.lists[name])


_cache: dict[str, frozenset[str]] = {}


def _single(vocabulary: Vocabulary, name: str) -> frozenset[str]:
    if name not in _cache:
        _cache[name] = frozenset(p.words[0] for p in vocabulary.lists[name] if len(p.words) == 1)
    return _cache[name]


def _phrase(kind: str, language: str, text: str) -> Phrase:
    parts: list[str] = []
    for piece in text.split(GAP):
        parts += [word.text for word in words(piece)]
        parts.append(GAP)
    return Phrase(kind, language, tuple(parts[:-1]))


def _gather(tables: dict[str, Any], section: str) -> dict[str, tuple[Phrase, ...]]:
    """Each kind of a section with its phrases of all languages, longest first."""
    found: dict[str, dict[tuple[str, tuple[str, ...]], Phrase]] = {}
    for language, table in tables.items():
        for kind, texts in table[section].items():
            if kind == "ordinals":
                continue
            for text in texts:
                phrase = _phrase(kind, language, text)
                if phrase.words:
                    found.setdefault(kind, {})[language, phrase.words] = phrase
    return {kind: tuple(sorted(each.values(), key=lambda phrase: -len(phrase.words))) for kind, each in found.items()}


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of every language file beside this module."""
    tables: dict[str, Any] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            tables[table["language"]] = table
    by_first: dict[str, list[Phrase]] = {}
    for phrases in _gather(tables, "labels").values():
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
        header=_gather(tables, "header"),
        contacts=_gather(tables, "contacts"),
        lists=_gather(tables, "words"),
        ordinals=ordinals,
        functions={
            code: frozenset(w.text for text in table["words"]["functions"] for w in words(text))
            for code, table in tables.items()
        },
        countries={code: table["names"]["countries"] for code, table in tables.items()},
        tongues={code: table["names"]["languages"] for code, table in tables.items()},
    )
