"""Parsing of lines into a draft appeal: its blocks are found and read, and the warnings collected."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date

from campaign.document.draft import DraftAppeal, DraftLetter, DraftPerson, DraftTarget
from campaign.document.errors import DocumentError
from campaign.document.fields.contacts import awaits_salutation
from campaign.document.fields.languages import country_at_start
from campaign.document.labels import vocabulary
from campaign.document.structure.block_reader import BlockReader, DocumentBlocks
from campaign.document.structure.blocks import Block, LabelSearch, split_at_labels
from campaign.document.structure.case_country import find_country
from campaign.document.structure.evidence import add_evident_blocks
from campaign.document.structure.header import resolve_reference
from campaign.document.structure.headline import cut_displaced_summary, read_headline
from campaign.document.structure.issue_words import front_says_update, read_is_update
from campaign.document.structure.letter import is_salutation, read_letter
from campaign.document.structure.points import intro_lines, read_points, split_inline_points
from campaign.document.structure.short_blocks import (
    read_deadline,
    read_languages,
    read_people,
    read_previous,
    starts_with_url,
)
from campaign.document.structure.single_appeal import require_one
from campaign.document.structure.target.target_lines import has_honorific, is_name
from campaign.document.structure.target.targets import read_targets
from campaign.document.structure.wrapping import unwrap_lines
from campaign.document.text.emphasis import plain_text
from campaign.document.text.html_tags import strip_tags
from campaign.document.text.lines import Line, LineTracker, excerpt
from campaign.document.text.normalise import tokens
from campaign.document.text.page_lines import without_line_numbers, without_mail_headers, without_page_lines
from campaign.document.text.paragraphs import to_markdown

_MAX_LABEL_LENGTH = 160  # characters
_MIN_LABEL_WORDS = 3
_MAX_TOP_LINES = 8  # of the front, in which the people are named
_TARGET_KINDS = {  # by kind of the block that holds the addresses
    "act": "primary",
    "appeals": "primary",
    "contact": "primary",
    "copies": "copy",
    "diplomatic": "embassy",
}


def parse_lines(lines: list[Line]) -> DraftAppeal:
    """Return the appeal in these lines. Raises DocumentError if they hold no Urgent Action or several."""
    if all(line.is_blank for line in lines):
        raise DocumentError("empty", "the document is empty")
    tracker = LineTracker.from_lines(lines)
    lines = without_mail_headers(without_line_numbers(strip_tags(lines, tracker)), tracker)
    lines = without_page_lines(lines, tracker)
    lines = split_at_labels(split_inline_points(unwrap_lines(lines, tracker)))
    language = find_language(lines)
    document = BlockReader(lines, tracker, language).run()
    require_one(document)
    add_evident_blocks(document, tracker)
    return _assemble_draft(document, lines, language, tracker)


def find_language(lines: list[Line]) -> str:
    """Return the language with the highest score: its number of kinds of label, plus a share for function words."""
    labels = LabelSearch(lines)
    kinds_by_language: dict[str, set[str]] = {}
    for index, line in enumerate(lines):
        if not line.is_blank and (match := labels.find(index)):
            for phrase in vocabulary().labels[match.phrase.words[0]]:
                if phrase.words == match.phrase.words:
                    kinds_by_language.setdefault(phrase.language, set()).add(match.phrase.kind)
    function_words = vocabulary().function_words
    counts = dict.fromkeys(function_words, 0)
    for line in lines[:2000]:
        frequencies = Counter(tokens(line.text[:2000]))
        for language, words_of_language in function_words.items():
            counts[language] += sum(frequencies[word] for word in frequencies.keys() & words_of_language)
    highest_count = max(counts.values()) or 1
    return max(
        function_words,
        key=lambda code: (len(kinds_by_language.get(code, ())) + 2.5 * counts[code] / highest_count, code == "en"),
    )


def _assemble_draft(document: DocumentBlocks, lines: list[Line], language: str, tracker: LineTracker) -> DraftAppeal:
    """Return the draft from the blocks and the lines of the document."""
    document.header.is_update = document.header.is_update or front_says_update(document, lines)
    headline, summary = read_headline(document, tracker)
    notes = [line for block in document.of_kind("boilerplate") for line in block.lines]
    reference, sequence = resolve_reference(document.header, notes, tracker)
    summary = summary or cut_displaced_summary(document, tracker)
    letter, targets = _read_letter_and_targets(document, language, tracker)
    points: list[str] = []
    for block in document.of_kind("write"):
        points += read_points(block, tracker)
    background = _read_background(document, tracker)
    languages, is_own_language_welcome = _collect_languages(document, language, tracker)
    name = document.first_of("name", "short_name")
    issued_on = document.header.issued_on
    previous = _previous_action(document, tracker)
    draft = DraftAppeal(
        language=language,
        reference=reference,
        series=reference.split()[0] if reference else None,
        sequence=sequence,
        is_update=read_is_update(document, lines, sequence, previous),
        index=document.header.index.text if document.header.index else None,
        issued_on=issued_on,
        country=find_country(document.header.country_code, headline, summary, targets, language, tracker),
        headline=headline,
        summary=summary,
        targets=tuple(targets),
        letter=letter,
        talking_points=tuple(points),
        background=background,
        languages=tuple(languages),
        own_language=is_own_language_welcome,
        deadline=_first_deadline(document, issued_on, tracker),
        people=tuple(read_people(name, document.first_of("gender"), tracker))
        if name
        else _people_below_header(document),
        previous=previous,
    )
    _warn_of_missing(draft, tracker)
    return replace(draft, warnings=tracker.all_warnings())


def _people_below_header(document: DocumentBlocks) -> tuple[DraftPerson, ...]:
    """Return the person named behind the country in capitals, below a header with a title: `INDIA Arun Example (m)`."""
    lines = [line for block in document.of_kind("front") for line in block.lines if not line.is_blank]
    for line in lines[:_MAX_TOP_LINES] if document.header.title else ():
        text = plain_text(line.text)
        country = country_at_start(text, document.language)
        if country and " ".join(text.split()[: country[1]]).isupper() and len(text) < _MAX_LABEL_LENGTH:
            rest = " ".join(text.split()[country[1] :])
            name = re.split(r"[(,]", rest, maxsplit=1)[0].strip()
            gender = re.match(r"[^(,]*\(([mf])\)", rest)
            if is_name(name) and text.split()[country[1] - 1][-1] != ":":
                return (DraftPerson(name, gender[1] if gender else None),)
    return ()


def _warn_of_missing(draft: DraftAppeal, tracker: LineTracker) -> None:
    """Warn of each value that a campaign needs and the document lacks."""
    for value, code, message in (
        (draft.reference, "no-reference", "no reference such as UA 12/22"),
        (draft.country, "no-country", "no country found"),
        (draft.summary, "no-summary", "no text between headline and call to act"),
        (draft.targets, "no-target", "nobody to write to"),
        (draft.letter or draft.talking_points, "no-letter", "neither a letter nor points to make"),
        (draft.deadline, "no-deadline", "no deadline found"),
        (draft.people, "no-people", "no name of the person whom the case is about"),
    ):
        if not value and not any(warning.code == code for warning in tracker.warnings):
            tracker.warn(code, message, 1)


def _read_letter_and_targets(
    document: DocumentBlocks, language: str, tracker: LineTracker
) -> tuple[DraftLetter | None, list[DraftTarget]]:
    """Return the letter and the targets.

    The letter is under its label. Without a label it begins at the first salutation below the targets.
    """
    letter: DraftLetter | None = None
    targets: list[DraftTarget] = []
    for block in document.blocks:
        if block.kind in _TARGET_KINDS or block.kind == "letter":
            block.lines[:] = [_without_quote_mark(line) for line in block.lines]
    letter_block = document.first_of("letter")
    if letter_block:
        letter = read_letter(letter_block.lines, tracker)
    has_salutation = any(
        _letter_start(block.lines) is not None for block in document.blocks if block.kind in _TARGET_KINDS
    )
    for block in document.blocks:
        kind = _TARGET_KINDS.get(block.kind)
        if kind is None:
            continue
        lines = list(block.lines)
        if (
            block.kind == "appeals"
            and lines
            and lines[0].is_label_rest
            and any(char.isdigit() for char in lines[0].text)
        ):
            lines = _lines_below_deadline(lines)
        start = _letter_start(lines, is_lone=not has_salutation) if letter is None else None
        if start is not None:
            letter = read_letter(lines[start:], tracker)
            lines = lines[:start]
        targets += read_targets(lines, kind, language, tracker)
    return letter, targets


def _lines_below_deadline(lines: list[Line]) -> list[Line]:
    """Return the lines below the sentence of the label, in which the deadline is."""
    index = 0
    while (
        index < len(lines)
        and not lines[index].is_blank
        and not lines[index].text.rstrip(" *_").endswith((":", "TO", "to"))
    ):
        index += 1
        if index < len(lines) and not lines[index].is_label_rest and index >= 1 and not lines[index].text[:1].islower():
            return lines[index:]
    return lines[index + 1 :]


def _without_quote_mark(line: Line) -> Line:
    """Return the line without quote marks, which some sections put before a letter or an address."""
    if not line.text.lstrip().startswith(">"):
        return line
    return replace(line, text=line.text.lstrip().lstrip("> "))


def _letter_start(lines: list[Line], *, is_lone: bool = False) -> int | None:
    """Return the index of the letter's salutation, or None.

    With `is_lone`, a paragraph of one line that could be a salutation counts too.
    """
    for index, line in enumerate(lines):
        if line.is_blank or (index and awaits_salutation(lines[index - 1].text)):
            continue
        if has_honorific(line.text) and is_name(line.text) and line.text.rstrip(" *_")[-1:].isalpha():
            continue  # a name with its title, such as the Turkish `Sayın Example`
        stands_alone = (not index or lines[index - 1].is_blank) and (
            index + 1 == len(lines) or lines[index + 1].is_blank
        )
        if is_salutation(line.text, is_lone=is_lone and stands_alone):
            return index
    return None


def _read_background(document: DocumentBlocks, tracker: LineTracker) -> str | None:
    """Return the background as Markdown, with a warning for each line that looks like a label."""
    for block in document.of_kind("background"):
        for line in block.lines:
            if _looks_like_label(plain_text(line.text[:_MAX_LABEL_LENGTH])):
                tracker.warn(
                    "label-unknown", f"taken as text, but looks like a label: {excerpt(line.text)}", line.number
                )
    parts = [text for block in document.of_kind("background") if (text := to_markdown(block.lines, tracker))]
    return "\n\n".join(parts) or None


def _looks_like_label(text: str) -> bool:
    """Return whether a line begins like a label, with words in capitals before a colon."""
    label, colon, _ = text.partition(":")
    return bool(colon) and label.isupper() and len(tokens(label)) >= _MIN_LABEL_WORDS


def _collect_languages(document: DocumentBlocks, language: str, tracker: LineTracker) -> tuple[list[str], bool]:
    """Return the codes of the languages to write in, and whether the writer's own language is welcome."""
    languages: list[str] = []
    is_own_welcome = bool(document.of_kind("own"))
    for block in (*document.of_kind("languages"), *document.of_kind("write")):
        part = replace(block, lines=intro_lines(block)) if block.kind == "write" else block
        if not part.lines:
            continue
        codes, is_own = read_languages(part, language, tracker)
        languages += [code for code in codes if code not in languages]
        is_own_welcome = is_own_welcome or is_own
    return languages, is_own_welcome


def _first_deadline(document: DocumentBlocks, issued_on: date | None, tracker: LineTracker) -> date | None:
    """Return the first deadline, with a warning for each other one."""
    deadline: date | None = None
    for block in document.blocks:
        if block.kind == "deadline":
            day = read_deadline(block, issued_on, tracker)
        elif block.kind in {"appeals", "write"} and block.lines and block.lines[0].is_label_rest:
            day = read_deadline(replace(block, lines=_opening_sentence(block)), issued_on, tracker)
        else:
            continue
        if day and deadline and day != deadline:
            tracker.warn("deadline-conflict", f"another deadline: {day}", block.line)
        deadline = deadline or day
    return deadline


def _previous_action(document: DocumentBlocks, tracker: LineTracker) -> str | None:
    """Return the text under the label of the previous action, else the web address in a sentence on an update."""
    candidates = [
        (read_previous(block, tracker), block.kind) for block in document.blocks if block.kind in {"previous", "update"}
    ]
    texts = [text for text, kind in candidates if text and (kind == "previous" or starts_with_url(text))]
    labelled_texts = [text for text, kind in candidates if text in texts and kind == "previous"]
    return next(iter(labelled_texts or texts), None)


def _opening_sentence(block: Block) -> list[Line]:
    """Return the lines of the sentence that the block's label begins."""
    if block.kind == "write":
        return intro_lines(block)
    numbers_below = {line.number for line in _lines_below_deadline(list(block.lines))}
    return [line for line in block.lines if line.number not in numbers_below]


__all__ = ["find_language", "parse_lines"]
