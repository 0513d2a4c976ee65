"""Where each line of a document ended, told from the outside: from its JSON and its warnings, not from the parser.

A line's words must stand in a field in the line's own order, or be a label's, a date's, a country's or a language's
that a field holds as a code; else a warning must name the line.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

from babel import Locale

from campaign.document import DraftAppeal, read_lines
from campaign.document.fields.dates import dates
from campaign.document.labels import GAP, vocabulary
from campaign.document.text.emphasis import links, plain
from campaign.document.text.lines import Line
from campaign.document.text.normalise import NormalisedWord, fold, has_words, key, words

# Labels whose sentence goes on as it likes.
_SENTENCES = frozenset({"late", "boilerplate", "diplomatic", "act", "write", "appeals", "update"})
_GAP = 25
_TARGET = re.compile(r"(?<=\])\([^()]*\)")
_NUMBER = re.compile(r"^[\s*_>]*\d{1,2}[.)]")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def lost(data: bytes, name: str, draft: DraftAppeal) -> list[str]:
    """The lines that are neither in a field nor a label's nor named by a warning of their own."""
    fields = _fields(draft)
    coded = _coded(draft)
    warned = {warning.line for warning in draft.warnings if not warning.code.startswith("no-")}
    is_marked = any(warning.code == "markup-dropped" for warning in draft.warnings)
    found: list[str] = []
    for paragraph in _paragraphs(read_lines(data, name)):
        labelled = _labelled(paragraph)
        for line in paragraph:
            rest = _unexplained(line, labelled.get(line.number, set()), fields, coded, is_marked=is_marked)
            if rest and line.number not in warned:
                found.append(f"{line.number}: {line.text.strip()} ({' '.join(rest)})")
    return found


def _paragraphs(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = [[]]
    for line in lines:
        if has_words(line.text):
            groups[-1].append(replace(line, text=" ".join(line.text.split())))
        elif not line.text.strip():
            groups.append([])
    return [group for group in groups if group]


def _fields(draft: DraftAppeal) -> list[list[str]]:
    """The words of each text in the JSON."""
    values = draft.to_json()
    values.pop("warnings")
    texts: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                gather(item)
        elif isinstance(value, str):
            texts.append(value)

    gather(values)
    if draft.letter:
        texts.append(" ".join(draft.letter.paragraphs))
    return [[word.text for word in words(plain(text) + " " + text)] for text in texts]


def _coded(draft: DraftAppeal) -> set[str]:
    """The words for what the JSON holds as a code: countries, languages, numbers of references, small words."""
    found = set(vocabulary().words("or") | vocabulary().words("connectors") | vocabulary().words("everybody"))
    for name in ("nothing", "placeholders"):
        found |= {word for phrase in vocabulary().starts(name) for word in phrase}
    found |= _named(draft)
    for phrases in vocabulary().header.values():
        found |= {word for phrase in phrases for word in phrase.words}
    found |= {word for form in vocabulary().ordinals for word in form}
    for number in key(draft.reference or "").split():
        found |= {number, number.zfill(2), number.zfill(3), "20" + number, "19" + number}
    found |= {str(draft.sequence), str(draft.sequence - 1), "fi", "au", "ua", "x"}
    found.add("i")  # a capital I parts a phone from a fax
    return found


def _named(draft: DraftAppeal) -> set[str]:
    """The names of the countries and languages that the JSON holds, of months and of days."""
    found: set[str] = set()
    codes = {draft.country, *(target.country for target in draft.targets)} - {None}
    for locale in _locales():
        for names in (locale.days["format"]["wide"], locale.months["format"]["wide"]):
            found |= {word for name in names.values() for word in key(name).split()}
        for code in codes:
            found |= set(key(locale.territories.get(str(code), "")).split())
        for code in draft.languages:
            found |= set(key(locale.languages.get(code, "")).split())
    for names in (*vocabulary().countries.values(), *vocabulary().tongues.values()):
        for code, variants in names.items():
            if code in codes or code in draft.languages:
                found |= {word.text for variant in variants for word in words(variant)}
    return found


@cache
def _locales() -> tuple[Locale, ...]:
    return tuple(Locale.parse(language) for language in vocabulary().languages)


def _labelled(paragraph: list[Line]) -> dict[int, set[int]]:
    """The places in each line of the words that make a label, which may be broken over several lines."""
    shown = {line.number: _TARGET.sub(lambda found: " " * len(found.group()), line.text) for line in paragraph}
    stream = [(line, word) for line in paragraph for word in words(shown[line.number])]
    texts = [word.text for _, word in stream]
    covered: dict[int, set[int]] = {}
    for at, (line, word) in enumerate(stream):
        is_first = not has_words(_NUMBER.sub("", line.text[: word.start]))
        for phrase in _phrases(word.text):
            end = _end(phrase.words, texts, at)
            if end is None or not (is_first or end - at >= 3 or phrase.kind in vocabulary().contacts):
                continue
            stops = "" if phrase.kind == "update" else ".!?" if phrase.kind in {"late", "boilerplate"} else ".!?:"
            while phrase.kind in _SENTENCES and end < len(stream) and not _is_end(*stream[end - 1], stops):
                end += 1
            for covering, part in stream[at:end]:
                covered.setdefault(covering.number, set()).add(part.start)
            break
    return covered


def _is_end(line: Line, word: NormalisedWord, stops: str) -> bool:
    """Whether a sentence ends after a word."""
    after = line.text[word.end :].lstrip("*_)")
    return after[:1] in tuple(stops) and not after[1:2].isalnum() and not word.text.isdigit()


@cache
def _phrases(first: str) -> tuple[Any, ...]:
    """The labels and contact words that begin with a word, the longest first."""
    contacts = [phrase for each in vocabulary().contacts.values() for phrase in each if phrase.words[0] == first]
    return tuple(sorted([*vocabulary().labels.get(first, ()), *contacts], key=lambda phrase: -len(phrase.words)))


def _end(pattern: tuple[str, ...], texts: list[str], at: int) -> int | None:
    for number, part in enumerate(pattern):
        if part == GAP:
            rest = pattern[number + 1 :]
            return next((end for skip in range(_GAP) if (end := _end(rest, texts, at + skip)) is not None), None)
        if at >= len(texts) or texts[at] != part:
            return None
        at += 1
    return at


def _unexplained(
    line: Line, labelled: set[int], fields: list[list[str]], coded: set[str], *, is_marked: bool
) -> list[str]:
    """The words of a line that nothing holds; text between two punctuation marks must stand together in a field."""
    text = _TAG.sub(lambda tag: " " * len(tag.group()), line.text) if is_marked else line.text
    targets = {word for link in links(text) for word in key(link.target).split()}
    dated = {place for day in dates(text) for place in range(day.start, day.end)}
    stream = [word for word in words(text) if word.start not in labelled and word.start not in dated]
    pieces = 2 + sum(not char.isalnum() and not char.isspace() for char in fold(text))
    rest: list[str] = []
    at = 0
    while at < len(stream):
        size = _held([word.text for word in stream[at:]], fields) if pieces else 0
        if size:
            pieces -= 1
        elif stream[at].text not in coded | targets:
            rest.append(stream[at].text)
        at += max(size, 1)
    return rest


def _held(stream: list[str], fields: list[list[str]]) -> int:
    """How many of the next words stand together in one field."""
    best = 0
    for field in fields:
        for start, word in enumerate(field):
            if word == stream[0]:
                size = 1
                while size < len(stream) and start + size < len(field) and field[start + size] == stream[size]:
                    size += 1
                best = max(best, size)
    return best


def label_end(line: str, kinds: frozenset[str] | None = None) -> int | None:
    """Where the label ends with which a line begins, or None where it begins with none."""
    found = words(line)
    texts = [word.text for word in found]
    for phrase in vocabulary().labels.get(texts[0], ()) if texts else ():
        end = _end(phrase.words, texts, 0)
        if end is not None and (kinds is None or phrase.kind in kinds):
            after = line[found[end - 1].end :].lstrip(" *_\u00a0\u202f")
            if not has_words(after) or after.startswith(":") or end >= 4:
                return found[end - 1].end
    return None
