"""Evidence of an appeal where no label says it: a letter by its salutation and close, addresses by their shape."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from campaign.document.fields.contacts import has_contact
from campaign.document.fields.languages import country_at_end
from campaign.document.structure.block_reader import DocumentBlocks
from campaign.document.structure.blocks import Block
from campaign.document.structure.letter import is_salutation, starts_closing
from campaign.document.structure.target.one_line_target import is_whole_target
from campaign.document.structure.target.target_lines import has_honorific, is_embassy, is_name, is_role
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import Line, LineTracker, split_paragraphs
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import words

TARGET_KINDS = frozenset({"act", "appeals", "contact", "copies", "diplomatic"})
_TEXT_KINDS = frozenset({"front", "loose", "write", "letter"})  # flows in which an address can stand without a label
_INLINE_TARGET = re.compile(r"[, ](?:to|à|a|an|para|naar|till|do)\s?:\s+(?=\S)")
_MAX_ADDRESS_WORDS = 14  # of a line of an address without contacts
_MAX_LETTER_LINES = 80
_MIN_ADDRESS_LINES = 3


def find_letter(lines: list[Line]) -> tuple[int, int] | None:
    """Return the first and last index of a letter: from its salutation to its close; None without both."""
    salutations: deque[int] = deque()  # near enough for the next close
    for index, line in enumerate(lines):
        if line.is_blank:
            continue
        while salutations and index - salutations[0] >= _MAX_LETTER_LINES:
            salutations.popleft()
        if salutations and starts_closing(line.text):
            return salutations[0], index
        if is_salutation(line.text, is_lone=_stands_alone(lines, index)):
            salutations.append(index)
    return None


def _stands_alone(lines: list[Line], index: int) -> bool:
    """Return whether a line is a paragraph of its own."""
    above = index == 0 or lines[index - 1].is_blank
    return above and (index + 1 == len(lines) or lines[index + 1].is_blank)


def is_address(paragraph: list[Line], language: str) -> bool:
    """Return whether a paragraph is an address: short lines, first an office or a person, then a place or contact."""
    texts = [plain_text(line.text) for line in paragraph]
    if len(texts) < _MIN_ADDRESS_LINES or any(
        len(words(text, 30)) > _MAX_ADDRESS_WORDS and not has_contact(text) for text in texts
    ):
        return False
    if any(is_bullet(line.text) or text.endswith("?") for line, text in zip(paragraph, texts, strict=True)):
        return False
    names_someone = any(
        is_role(text) or is_embassy(text) or (is_name(text) and has_honorific(text)) for text in texts[:2]
    )
    has_place = any(country_at_end(text, language) for text in texts[1:])
    return names_someone and (has_place or any(has_contact(line.text) for line in paragraph))


def count_evidence(document: DocumentBlocks) -> int:
    """Return how many of these a document has: a whole letter, an address, points to make."""
    lines = [line for block in document.blocks for line in block.lines]
    has_address = any(
        is_address(paragraph, document.language)
        for block in document.blocks
        for paragraph in split_paragraphs(block.lines)
    )
    has_inline_target = any(
        (match := _INLINE_TARGET.search(line.text))
        and is_whole_target(replace(line, text=line.text[match.end() :]), document.language)
        for block in document.of_kind("write")
        for line in block.lines
    )
    has_points = any(is_bullet(line.text) for block in document.of_kind("write") for line in block.lines)
    return (find_letter(lines) is not None) + (has_address or has_inline_target) + has_points


def add_evident_blocks(document: DocumentBlocks, tracker: LineTracker) -> None:
    """Make a letter and addresses that stand under no label blocks of their own, if no label leads to any."""
    _part_letter_block(document)
    _add_letter_block(document)
    _cut_inline_targets(document, tracker)
    if any(has_contact(line.text) for block in document.blocks if block.kind in TARGET_KINDS for line in block.lines):
        return
    for block in [block for block in document.blocks if block.kind in _TEXT_KINDS]:
        lines = _cut_addresses(block, document.language)
        if lines:
            document.blocks.append(Block("contact", lines[0].number, lines))
            tracker.warn("target-unlabelled", "no label leads to these addresses", lines[0].number)


def _cut_inline_targets(document: DocumentBlocks, tracker: LineTracker) -> None:
    """Make a target that ends the sentence of a call a block of its own: `Please send letters to: The President, …`."""
    for block in document.of_kind("write"):
        for index, line in enumerate(block.lines):
            match = _INLINE_TARGET.search(line.text)
            target = replace(line, text=line.text[match.end() :]) if match else line
            if match and is_whole_target(target, document.language):
                block.lines[index] = replace(line, text=line.text[: match.end()])
                document.blocks.append(Block("contact", line.number, [target]))
                tracker.warn("target-unlabelled", "an address at the end of a sentence", line.number)


def _add_letter_block(document: DocumentBlocks) -> None:
    """Make a whole letter in running text a block of its own, unless there is a letter in its usual places."""
    usual = [block for block in document.blocks if block.kind == "letter" or block.kind in TARGET_KINDS]
    if any(find_letter(block.lines) for block in usual):
        return
    for block in [block for block in document.blocks if block.kind in {"front", "loose", "write"}]:
        if span := find_letter(block.lines):
            lines = block.lines[span[0] : span[1] + 1]
            block.lines[span[0] : span[1] + 1] = [Line(line.number, "") for line in lines]
            document.blocks.append(Block("letter", lines[0].number, lines))
            return


def _part_letter_block(document: DocumentBlocks) -> None:
    """Make the address above the salutation of a labelled letter a block of its own."""
    for block in document.of_kind("letter"):
        start = next((index for index, line in enumerate(block.lines) if is_salutation(line.text)), 0)
        above = [line for line in block.lines[:start] if not line.is_blank]
        texts = [plain_text(line.text) for line in above]
        if len(above) >= 2 and all(len(words(text, 20)) <= _MAX_ADDRESS_WORDS for text in texts) and is_role(texts[0]):
            block.lines[:start] = []
            document.blocks.append(Block("contact", above[0].number, above))


def _cut_addresses(block: Block, language: str) -> list[Line]:
    """Return the lines of the block's addresses, which are taken out of it, each followed by a blank line."""
    found: list[Line] = []
    for paragraph in split_paragraphs(block.lines):
        end = next((index for index, line in enumerate(paragraph) if is_salutation(line.text)), len(paragraph))
        if is_address(paragraph[:end], language):
            found += [*paragraph[:end], Line(0, "")]
    numbers = {line.number for line in found if line.number}
    block.lines[:] = [Line(line.number, "") if line.number in numbers else line for line in block.lines]
    return found
