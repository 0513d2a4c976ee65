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

# Labels whose sentence may continue with any words.
_SENTENCE_KINDS = frozenset({"late", "boilerplate", "diplomatic", "act", "write", "appeals", "update"})
_MAX_GAP_WORDS = 25
_LINK_TARGET = re.compile(r"(?<=\])\([^()]*\)")
_NUMBER = re.compile(r"^[\s*_>]*\d{1,2}[.)]")
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def lost_lines(data: bytes, name: str, draft: DraftAppeal) -> list[str]:
    """Return the lines that are in no field, belong to no label and have no warning of their own."""
    fields = _fields(draft)
    code_words = _words_of_codes(draft)
    warned_lines = {warning.line for warning in draft.warnings if not warning.code.startswith("no-")}
    is_marked = any(warning.code == "markup-dropped" for warning in draft.warnings)
    lines: list[str] = []
    for paragraph in _paragraphs(read_lines(data, name)):
        label_positions = _label_positions(paragraph)
        for line in paragraph:
            lost_words = _lost_words(
                line, label_positions.get(line.number, set()), fields, code_words, is_marked=is_marked
            )
            if lost_words and line.number not in warned_lines:
                lines.append(f"{line.number}: {line.text.strip()} ({' '.join(lost_words)})")
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


def _words_of_codes(draft: DraftAppeal) -> set[str]:
    """Return the words for the codes in the JSON (countries, languages, references), and the joining words."""
    code_words = set(
        vocabulary().single_words("or")
        | vocabulary().single_words("connectors")
        | vocabulary().single_words("everybody")
    )
    for name in ("nothing", "placeholders"):
        code_words |= {word for phrase in vocabulary().phrases(name) for word in phrase}
    code_words |= _names_of_codes(draft)
    for phrases in vocabulary().header.values():
        code_words |= {word for phrase in phrases for word in phrase.words}
    code_words |= {word for form in vocabulary().ordinals for word in form}
    for number in normalised(draft.reference or "").split():
        code_words |= {number, number.zfill(2), number.zfill(3), "20" + number, "19" + number}
    code_words |= {str(draft.sequence), str(draft.sequence - 1), "fi", "au", "ua", "x"}
    code_words.add("i")  # a capital I separates a phone from a fax
    return code_words


def _names_of_codes(draft: DraftAppeal) -> set[str]:
    """Return the words of the names of the countries and languages in the JSON, and of all months and weekdays."""
    code_words: set[str] = set()
    codes = {draft.country, *(target.country for target in draft.targets)} - {None}
    for locale in _locales():
        for names in (locale.days["format"]["wide"], locale.months["format"]["wide"]):
            code_words |= {word for name in names.values() for word in normalised(name).split()}
        for code in codes:
            code_words |= set(normalised(locale.territories.get(str(code), "")).split())
        for code in draft.languages:
            code_words |= set(normalised(locale.languages.get(code, "")).split())
    for names in (*vocabulary().country_names.values(), *vocabulary().language_names.values()):
        for code, variants in names.items():
            if code in codes or code in draft.languages:
                code_words |= {word.text for variant in variants for word in words(variant)}
    return code_words


@cache
def _locales() -> tuple[Locale, ...]:
    return tuple(Locale.parse(language) for language in vocabulary().languages)


def _label_positions(paragraph: list[Line]) -> dict[int, set[int]]:
    """Return the positions of the words that belong to labels, by line. A label may be broken over several lines."""
    visible_texts = {
        line.number: _LINK_TARGET.sub(lambda match: " " * len(match.group()), line.text) for line in paragraph
    }
    line_words = [(line, word) for line in paragraph for word in words(visible_texts[line.number])]
    texts = [word.text for _, word in line_words]
    positions_by_line: dict[int, set[int]] = {}
    for index, (line, word) in enumerate(line_words):
        is_first = not has_words(_NUMBER.sub("", line.text[: word.start]))
        for phrase in _phrases(word.text):
            end = _phrase_end(phrase.words, texts, index)
            if end is None or not (is_first or end - index >= 3 or phrase.kind in vocabulary().contacts):
                continue
            stops = "" if phrase.kind == "update" else ".!?" if phrase.kind in {"late", "boilerplate"} else ".!?:"
            while phrase.kind in _SENTENCE_KINDS and end < len(line_words) and not _is_end(*line_words[end - 1], stops):
                end += 1
            for covering, part in line_words[index:end]:
                positions_by_line.setdefault(covering.number, set()).add(part.start)
            break
    return positions_by_line


def _is_end(line: Line, word: NormalisedWord, stops: str) -> bool:
    """Return whether a sentence ends after a word."""
    after = line.text[word.end :].lstrip("*_)")
    return after[:1] in tuple(stops) and not after[1:2].isalnum() and not word.text.isdigit()


@cache
def _phrases(first: str) -> tuple[Any, ...]:
    """Return the labels and contact words that begin with a word, the longest first."""
    contacts = [phrase for each in vocabulary().contacts.values() for phrase in each if phrase.words[0] == first]
    return tuple(sorted([*vocabulary().labels.get(first, ()), *contacts], key=lambda phrase: -len(phrase.words)))


def _phrase_end(pattern: tuple[str, ...], texts: list[str], index: int) -> int | None:
    """Return the index after the words that the pattern covers from `index` on, or None."""
    for number, part in enumerate(pattern):
        if part == GAP:
            rest = pattern[number + 1 :]
            return next(
                (end for skip in range(_MAX_GAP_WORDS) if (end := _phrase_end(rest, texts, index + skip)) is not None),
                None,
            )
        if index >= len(texts) or texts[index] != part:
            return None
        index += 1
    return index


def _lost_words(
    line: Line, label_positions: set[int], fields: list[list[str]], code_words: set[str], *, is_marked: bool
) -> list[str]:
    """Return the words of a line that are in no field. Words between two punctuation marks must be in one field."""
    text = _TAG.sub(lambda tag: " " * len(tag.group()), line.text) if is_marked else line.text
    target_words = {word for link in find_links(text) for word in normalised(link.target).split()}
    date_positions = {position for day in find_dates(text) for position in range(day.start, day.end)}
    line_words = [
        word for word in words(text) if word.start not in label_positions and word.start not in date_positions
    ]
    remaining_pieces = 2 + sum(not char.isalnum() and not char.isspace() for char in normalise(text))
    lost_words: list[str] = []
    index = 0
    while index < len(line_words):
        match_length = _longest_match([word.text for word in line_words[index:]], fields) if remaining_pieces else 0
        if match_length:
            remaining_pieces -= 1
        elif line_words[index].text not in code_words | target_words:
            lost_words.append(line_words[index].text)
        index += max(match_length, 1)
    return lost_words


def _longest_match(line_words: list[str], fields: list[list[str]]) -> int:
    """Return the number of the first words that are together in one field."""
    longest = 0
    for field in fields:
        for start, word in enumerate(field):
            if word == line_words[0]:
                match_length = 1
                while (
                    match_length < len(line_words)
                    and start + match_length < len(field)
                    and field[start + match_length] == line_words[match_length]
                ):
                    match_length += 1
                longest = max(longest, match_length)
    return longest


def label_end(line: str, kinds: frozenset[str] | None = None) -> int | None:
    """Return the end of the label with which a line begins, or None if it begins with none."""
    line_words = words(line)
    texts = [word.text for word in line_words]
    for phrase in vocabulary().labels.get(texts[0], ()) if texts else ():
        end = _phrase_end(phrase.words, texts, 0)
        if end is not None and (kinds is None or phrase.kind in kinds):
            after = line[line_words[end - 1].end :].lstrip(" *_\u00a0\u202f")
            if not has_words(after) or after.startswith(":") or end >= 4:
                return line_words[end - 1].end
    return None
