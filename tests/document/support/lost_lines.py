"""The lines of a document that its draft lost, found from its JSON and warnings, independently of the parser.

A line is accounted for if its words are in a field in their order, or belong to a label, date, country or language that
a field holds as a code. Otherwise a warning must name the line.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

from babel import Locale

from campaign.document import DraftAppeal, read_lines
from campaign.document.fields.dates import find_dates
from campaign.document.labels import GAP, vocabulary
from campaign.document.text.emphasis import find_links, plain_text
from campaign.document.text.lines import Line
from campaign.document.text.normalise import NormalisedWord, has_words, normalise, normalised, words

# Labels whose sentence goes on with any words.
_SENTENCES = frozenset({"late", "boilerplate", "diplomatic", "act", "write", "appeals", "update"})
_GAP = 25
_TARGET = re.compile(r"(?<=\])\([^()]*\)")
_NUMBER = re.compile(r"^[\s*_>]*\d{1,2}[.)]")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def lost_lines(data: bytes, name: str, draft: DraftAppeal) -> list[str]:
    """Return the lines that are in no field, belong to no label and have no warning of their own."""
    fields = _fields(draft)
    coded = _coded(draft)
    warned = {warning.line for warning in draft.warnings if not warning.code.startswith("no-")}
    is_marked = any(warning.code == "markup-dropped" for warning in draft.warnings)
    lines: list[str] = []
    for paragraph in _paragraphs(read_lines(data, name)):
        labelled = _labelled(paragraph)
        for line in paragraph:
            rest = _unexplained(line, labelled.get(line.number, set()), fields, coded, is_marked=is_marked)
            if rest and line.number not in warned:
                lines.append(f"{line.number}: {line.text.strip()} ({' '.join(rest)})")
    return lines


def _paragraphs(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = [[]]
    for line in lines:
        if has_words(line.text):
            groups[-1].append(replace(line, text=" ".join(line.text.split())))
        elif not line.text.strip():
            groups.append([])
    return [group for group in groups if group]


def _fields(draft: DraftAppeal) -> list[list[str]]:
    """Return the words of each text in the JSON."""
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
    return [[word.text for word in words(plain_text(text) + " " + text)] for text in texts]


def _coded(draft: DraftAppeal) -> set[str]:
    """Return the words for values that the JSON holds as codes: countries, languages, references, small words."""
    known = set(
        vocabulary().single_words("or")
        | vocabulary().single_words("connectors")
        | vocabulary().single_words("everybody")
    )
    for name in ("nothing", "placeholders"):
        known |= {word for phrase in vocabulary().phrases(name) for word in phrase}
    known |= _named(draft)
    for phrases in vocabulary().header.values():
        known |= {word for phrase in phrases for word in phrase.words}
    known |= {word for form in vocabulary().ordinals for word in form}
    for number in normalised(draft.reference or "").split():
        known |= {number, number.zfill(2), number.zfill(3), "20" + number, "19" + number}
    known |= {str(draft.sequence), str(draft.sequence - 1), "fi", "au", "ua", "x"}
    known.add("i")  # a capital I parts a phone from a fax
    return known


def _named(draft: DraftAppeal) -> set[str]:
    """Return the names of the countries and languages in the JSON, of the months and of the days."""
    known: set[str] = set()
    codes = {draft.country, *(target.country for target in draft.targets)} - {None}
    for locale in _locales():
        for names in (locale.days["format"]["wide"], locale.months["format"]["wide"]):
            known |= {word for name in names.values() for word in normalised(name).split()}
        for code in codes:
            known |= set(normalised(locale.territories.get(str(code), "")).split())
        for code in draft.languages:
            known |= set(normalised(locale.languages.get(code, "")).split())
    for names in (*vocabulary().country_names.values(), *vocabulary().language_names.values()):
        for code, variants in names.items():
            if code in codes or code in draft.languages:
                known |= {word.text for variant in variants for word in words(variant)}
    return known


@cache
def _locales() -> tuple[Locale, ...]:
    return tuple(Locale.parse(language) for language in vocabulary().languages)


def _labelled(paragraph: list[Line]) -> dict[int, set[int]]:
    """Return by line the positions of words that belong to a label, which may be broken over several lines."""
    visible = {line.number: _TARGET.sub(lambda match: " " * len(match.group()), line.text) for line in paragraph}
    stream = [(line, word) for line in paragraph for word in words(visible[line.number])]
    texts = [word.text for _, word in stream]
    covered: dict[int, set[int]] = {}
    for index, (line, word) in enumerate(stream):
        is_first = not has_words(_NUMBER.sub("", line.text[: word.start]))
        for phrase in _phrases(word.text):
            end = _end(phrase.words, texts, index)
            if end is None or not (is_first or end - index >= 3 or phrase.kind in vocabulary().contacts):
                continue
            stops = "" if phrase.kind == "update" else ".!?" if phrase.kind in {"late", "boilerplate"} else ".!?:"
            while phrase.kind in _SENTENCES and end < len(stream) and not _is_end(*stream[end - 1], stops):
                end += 1
            for covering, part in stream[index:end]:
                covered.setdefault(covering.number, set()).add(part.start)
            break
    return covered


def _is_end(line: Line, word: NormalisedWord, stops: str) -> bool:
    """Return whether a sentence ends after a word."""
    after = line.text[word.end :].lstrip("*_)")
    return after[:1] in tuple(stops) and not after[1:2].isalnum() and not word.text.isdigit()


@cache
def _phrases(first: str) -> tuple[Any, ...]:
    """Return the labels and contact words that begin with a word, the longest first."""
    contacts = [phrase for each in vocabulary().contacts.values() for phrase in each if phrase.words[0] == first]
    return tuple(sorted([*vocabulary().labels.get(first, ()), *contacts], key=lambda phrase: -len(phrase.words)))


def _end(pattern: tuple[str, ...], texts: list[str], index: int) -> int | None:
    for number, part in enumerate(pattern):
        if part == GAP:
            rest = pattern[number + 1 :]
            return next((end for skip in range(_GAP) if (end := _end(rest, texts, index + skip)) is not None), None)
        if index >= len(texts) or texts[index] != part:
            return None
        index += 1
    return index


def _unexplained(
    line: Line, labelled: set[int], fields: list[list[str]], coded: set[str], *, is_marked: bool
) -> list[str]:
    """Return the words of a line that are in no field; text between two punctuation marks must be together."""
    text = _TAG.sub(lambda tag: " " * len(tag.group()), line.text) if is_marked else line.text
    targets = {word for link in find_links(text) for word in normalised(link.target).split()}
    dated = {position for day in find_dates(text) for position in range(day.start, day.end)}
    stream = [word for word in words(text) if word.start not in labelled and word.start not in dated]
    pieces = 2 + sum(not char.isalnum() and not char.isspace() for char in normalise(text))
    rest: list[str] = []
    index = 0
    while index < len(stream):
        size = _together_in_field([word.text for word in stream[index:]], fields) if pieces else 0
        if size:
            pieces -= 1
        elif stream[index].text not in coded | targets:
            rest.append(stream[index].text)
        index += max(size, 1)
    return rest


def _together_in_field(stream: list[str], fields: list[list[str]]) -> int:
    """Return how many of the next words stand together in one field."""
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
    """Return the end of the label with which a line begins, or None if it begins with none."""
    line_words = words(line)
    texts = [word.text for word in line_words]
    for phrase in vocabulary().labels.get(texts[0], ()) if texts else ():
        end = _end(phrase.words, texts, 0)
        if end is not None and (kinds is None or phrase.kind in kinds):
            after = line[line_words[end - 1].end :].lstrip(" *_\u00a0\u202f")
            if not has_words(after) or after.startswith(":") or end >= 4:
                return line_words[end - 1].end
    return None
