"""Lines become a draft appeal: finds the blocks, reads each, and says what was doubtful."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from campaign.document.draft import DraftAppeal, DraftLetter, DraftTarget
from campaign.document.errors import DocumentError
from campaign.document.fields.contacts import awaits_salutation
from campaign.document.labels import vocabulary
from campaign.document.structure.block_walk import BlockWalk, BlockWalker
from campaign.document.structure.blocks import Block, Labels, parted
from campaign.document.structure.case_country import find_country
from campaign.document.structure.header import settle
from campaign.document.structure.headline import displaced_summary, read_front
from campaign.document.structure.letter import is_salutation, read_letter
from campaign.document.structure.points import intro_lines, read_points
from campaign.document.structure.short_blocks import (
    is_address,
    read_deadline,
    read_languages,
    read_people,
    read_previous,
)
from campaign.document.structure.single_appeal import require_one
from campaign.document.structure.targets import read_targets
from campaign.document.structure.wrapping import unwrapped
from campaign.document.text.emphasis import plain
from campaign.document.text.html_tags import without_tags
from campaign.document.text.lines import Ledger, Line, shown
from campaign.document.text.normalise import names
from campaign.document.text.paragraphs import markdown

_LABEL = 160  # characters
_LABEL_WORDS = 3
_TARGETS = {
    "act": "primary",
    "appeals": "primary",
    "contact": "primary",
    "copies": "copy",
    "diplomatic": "embassy",
}


def parse_lines(lines: list[Line]) -> DraftAppeal:
    """The appeal in these lines.

    Raises DocumentError where they hold no Urgent Action or several.
    """
    if all(line.is_blank for line in lines):
        raise DocumentError("empty", "the document is empty")
    ledger = Ledger.of(lines)
    lines = parted(unwrapped(without_tags(lines, ledger), ledger))
    language = find_language(lines)
    walk = BlockWalker(lines, ledger, language).run()
    require_one(walk)
    return _assemble(walk, language, ledger)


def find_language(lines: list[Line]) -> str:
    """The language most labels are in; between equals, the one whose small words are most frequent."""
    labels = Labels(lines)
    seen: dict[str, set[str]] = {}
    for at, line in enumerate(lines):
        if not line.is_blank and (match := labels.at(at)):
            for phrase in vocabulary().labels[match.phrase.words[0]]:
                if phrase.words == match.phrase.words:
                    seen.setdefault(phrase.language, set()).add(match.phrase.kind)
    known = vocabulary().functions
    counts = dict.fromkeys(known, 0)
    for line in lines[:2000]:
        said = Counter(names(line.text[:2000]))
        for language, small in known.items():
            counts[language] += sum(said[word] for word in said.keys() & small)
    most = max(counts.values()) or 1
    return max(known, key=lambda code: (len(seen.get(code, ())) + 2.5 * counts[code] / most, code == "en"))


def _assemble(walk: BlockWalk, language: str, ledger: Ledger) -> DraftAppeal:
    headline, summary = read_front(walk, ledger)
    notes = [line for block in walk.all("boilerplate") for line in block.lines]
    reference, sequence = settle(walk.header, notes, ledger)
    summary = summary or displaced_summary(walk, ledger)
    letter, targets = _letter_and_targets(walk, language, ledger)
    points: list[str] = []
    for block in walk.all("write"):
        points += read_points(block, ledger)
    background = _background(walk, ledger)
    tongues, own = _languages(walk, language, ledger)
    name = walk.first("name", "short_name")
    issued_on = walk.header.issued_on
    draft = DraftAppeal(
        language=language,
        reference=reference,
        sequence=sequence,
        index=walk.header.index.text if walk.header.index else None,
        issued_on=issued_on,
        country=find_country(walk.header.country, headline, summary, targets, language, ledger),
        headline=headline,
        summary=summary,
        targets=tuple(targets),
        letter=letter,
        talking_points=tuple(points),
        background=background,
        languages=tuple(tongues),
        own_language=own,
        deadline=_deadline(walk, issued_on, ledger),
        people=tuple(read_people(name, walk.first("gender"), ledger)) if name else (),
        previous=_previous(walk, ledger),
    )
    _missing(draft, ledger)
    return _with_warnings(draft, ledger)


def _with_warnings(draft: DraftAppeal, ledger: Ledger) -> DraftAppeal:
    return replace(draft, warnings=ledger.close())


def _missing(draft: DraftAppeal, ledger: Ledger) -> None:
    """What a campaign needs and the document does not say."""
    for value, code, message in (
        (draft.reference, "no-reference", "no reference such as UA 12/22"),
        (draft.country, "no-country", "no country found"),
        (draft.summary, "no-summary", "no text between headline and call to act"),
        (draft.targets, "no-target", "nobody to write to"),
        (draft.letter or draft.talking_points, "no-letter", "neither a letter nor points to make"),
        (draft.deadline, "no-deadline", "no deadline found"),
        (draft.people, "no-people", "nobody is named as the person the case is about"),
    ):
        if not value and not any(warning.code == code for warning in ledger.warnings):
            ledger.warn(code, message, 1)


def _letter_and_targets(walk: BlockWalk, language: str, ledger: Ledger) -> tuple[DraftLetter | None, list[DraftTarget]]:
    """A letter under its label, else from the first salutation below the targets on."""
    letter: DraftLetter | None = None
    targets: list[DraftTarget] = []
    for block in walk.blocks:
        if block.kind in _TARGETS or block.kind == "letter":
            block.lines[:] = [_unquoted(line) for line in block.lines]
    labelled = walk.first("letter")
    if labelled:
        letter = read_letter(labelled.lines, ledger)
    marked = any(_letter_start(block.lines) is not None for block in walk.blocks if block.kind in _TARGETS)
    for block in walk.blocks:
        kind = _TARGETS.get(block.kind)
        if kind is None:
            continue
        lines = list(block.lines)
        if block.kind == "appeals" and lines and lines[0].is_cut and any(char.isdigit() for char in lines[0].text):
            lines = _after_date(lines)
        start = _letter_start(lines, is_lone=not marked) if letter is None else None
        if start is not None:
            letter = read_letter(lines[start:], ledger)
            lines = lines[:start]
        targets += read_targets(lines, kind, language, ledger)
    return letter, targets


def _after_date(lines: list[Line]) -> list[Line]:
    """The lines below the label's own sentence, which held the deadline."""
    at = 0
    while at < len(lines) and not lines[at].is_blank and not lines[at].text.rstrip(" *_").endswith((":", "TO", "to")):
        at += 1
        if at < len(lines) and not lines[at].is_cut and at >= 1 and not lines[at].text[:1].islower():
            return lines[at:]
    return lines[at + 1 :]


def _unquoted(line: Line) -> Line:
    """The line without the quote mark that a section put before its letter or address."""
    if not line.text.lstrip().startswith(">"):
        return line
    return replace(line, text=line.text.lstrip().lstrip("> "))


def _letter_start(lines: list[Line], *, is_lone: bool = False) -> int | None:
    """Where the letter begins; where nothing is marked as its salutation, a line of its own that could be one."""
    for at, line in enumerate(lines):
        if line.is_blank or (at and awaits_salutation(lines[at - 1].text)):
            continue
        alone = (not at or lines[at - 1].is_blank) and (at + 1 == len(lines) or lines[at + 1].is_blank)
        if is_salutation(line.text, is_lone=is_lone and alone):
            return at
    return None


def _background(walk: BlockWalk, ledger: Ledger) -> str | None:
    for block in walk.all("background"):
        for line in block.lines:
            if _is_like_label(plain(line.text[:_LABEL])):
                ledger.warn("label-unknown", f"taken as text, but looks like a label: {shown(line.text)}", line.number)
    parts = [text for block in walk.all("background") if (text := markdown(block.lines, ledger, "background"))]
    return "\n\n".join(parts) or None


def _is_like_label(text: str) -> bool:
    """Whether a line begins as labels do, with words in capitals before a colon."""
    label, colon, _ = text.partition(":")
    return bool(colon) and label.isupper() and len(names(label)) >= _LABEL_WORDS


def _languages(walk: BlockWalk, language: str, ledger: Ledger) -> tuple[list[str], bool]:
    found: list[str] = []
    own = bool(walk.all("own"))
    for block in (*walk.all("languages"), *walk.all("write")):
        each = block
        if block.kind == "write":
            intro = [line for line in block.lines if line.is_cut or (block.lines and line is block.lines[0])]
            each = Block("write", block.language, block.line, _intro(block) or intro[:0])
        if not each.lines:
            continue
        codes, is_own = read_languages(each, language, ledger)
        found += [code for code in codes if code not in found]
        own = own or is_own
    return found, own


def _intro(block: Block) -> list[Line]:
    """The lines of a write block that belong to its opening sentence."""
    return intro_lines(block)


def _deadline(walk: BlockWalk, issued_on: date | None, ledger: Ledger) -> date | None:
    chosen: date | None = None
    for block in walk.blocks:
        if block.kind == "deadline":
            day = read_deadline(block, issued_on, ledger)
        elif block.kind in {"appeals", "write"} and block.lines and block.lines[0].is_cut:
            day = read_deadline(Block(block.kind, block.language, block.line, _sentence(block)), issued_on, ledger)
        else:
            continue
        if day and chosen and day != chosen:
            ledger.warn("deadline-conflict", f"another deadline stands here: {day}", block.line)
        chosen = chosen or day
    return chosen


def _previous(walk: BlockWalk, ledger: Ledger) -> str | None:
    """What stands under the label for it, else the address beside the sentence on the update."""
    found = [
        (read_previous(block, ledger), block.kind) for block in walk.blocks if block.kind in {"previous", "update"}
    ]
    said = [text for text, kind in found if text and (kind == "previous" or is_address(text))]
    labelled = [text for text, kind in found if text in said and kind == "previous"]
    return next(iter(labelled or said), None)


def _sentence(block: Block) -> list[Line]:
    if block.kind == "write":
        return _intro(block)
    after = {line.number for line in _after_date(list(block.lines))}
    return [line for line in block.lines if line.number not in after]


__all__ = ["find_language", "parse_lines", "plain"]
