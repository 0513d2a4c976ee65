"""Assignment of each line to the header, to a label or to the current block, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign.document.fields.contacts import has_contact
from campaign.document.fields.dates import find_dates
from campaign.document.fields.references import find_references
from campaign.document.labels import GAP, vocabulary
from campaign.document.structure.blocks import FLOWS, Block, LabelMatch, LabelSearch, cut_label, ends_sentence
from campaign.document.structure.header import Header, add_header_parts, read_header
from campaign.document.structure.letter import is_salutation, starts_closing
from campaign.document.structure.target.target_lines import is_role
from campaign.document.text.emphasis import is_marked, plain_text
from campaign.document.text.lines import Line, LineTracker
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import normalised, words

_MIN_WRAPPED_LENGTH = 45  # characters; a line of this length can be hard-wrapped
_MAX_COURTESY_WORDS = 2  # such as `Thank you.`
_THANKS = frozenset({"thank", "merci", "gracias", "danke", "vielen"})
_MAX_LETTER_LINES = 60  # lines above in which a letter's salutation is searched
_MAX_VALUE_LINES = 12  # lines below a label that a short block's value can cover
_KINDS_WITH_VALUE = frozenset({"deadline", "previous", "update", "name", "languages"})
_MAX_BEFORE_DATE = 20  # characters before the date, such as a weekday or a mark
_PEOPLE_FLOWS = frozenset({"background", "loose", "front", "letter", "write"})


@dataclass(slots=True)
class DocumentBlocks:
    """The blocks of a document in their order, and its header."""

    language: str
    blocks: list[Block] = field(default_factory=list)
    header: Header = field(default_factory=Header)

    def of_kind(self, kind: str) -> list[Block]:
        """Return the blocks of one kind."""
        return [block for block in self.blocks if block.kind == kind]

    def first_of(self, *kinds: str) -> Block | None:
        """Return the first block of any of these kinds, or None."""
        return next((block for block in self.blocks if block.kind in kinds), None)


class BlockReader:
    """A reader of one document's lines, with the current flow and the short block that interrupts it."""

    def __init__(self, lines: list[Line], tracker: LineTracker, language: str) -> None:
        """Start with the flow `front`, the text above the first label."""
        self._lines = lines
        self._tracker = tracker
        self._language = language
        self._labels = LabelSearch(lines)
        self._document = DocumentBlocks(language)
        self._flow = Block("front", 1)
        self._short_block: Block | None = None
        self._document.blocks.append(self._flow)

    def run(self) -> DocumentBlocks:
        """Return the blocks of all lines."""
        index = 0
        while index < len(self._lines):
            index = self._read_line(index)
        return self._document

    def _read_line(self, index: int) -> int:
        """Assign the line at `index` and return the index of the next line to assign."""
        line = self._lines[index]
        if line.is_blank:
            self._add_blank_line(line)
            return index + 1
        match = self._labels.find(index)
        if match and self._counts_here(match, index):
            return self._read_label(index, match)
        if not self._awaits_value() and (line_count := self._read_header(index)):
            return index + line_count
        if not line.is_margin:
            self._add_line(line)
        return index + 1

    def _counts_here(self, match: LabelMatch, index: int) -> bool:
        """Return whether a label counts here.

        A short label for people does not count in the lines of targets, nor a courtesy (`Thank you.`) in a letter.
        """
        if match.phrase.kind == "short_name" and (below := self._next_filled_line(index + 1)):
            other = self._labels.find(below)
            return self._flow.kind in _PEOPLE_FLOWS or (other is not None and other.phrase.kind == "gender")
        if match.phrase.kind in {"short_name", "gender"}:
            return self._flow.kind in _PEOPLE_FLOWS or self._short_block is not None
        if match.phrase.kind == "boilerplate" and len(match.phrase.words) <= _MAX_COURTESY_WORDS:
            return not self._is_in_letter()
        return True

    def _is_in_letter(self) -> bool:
        """Return whether the flow is inside a letter, after its salutation and before its close."""
        lines = self._flow.lines if self._short_block is None else []
        for line in reversed(lines[-_MAX_LETTER_LINES:]):
            if starts_closing(line.text):
                return False
            if is_salutation(line.text):
                return True
        return self._flow.kind == "letter" and self._short_block is None

    def _awaits_value(self) -> bool:
        """Return whether the current short block has no value yet. A date or reference is then its value."""
        short_block = self._short_block
        return (
            short_block is not None
            and short_block.kind in _KINDS_WITH_VALUE
            and all(line.is_blank for line in short_block.lines)
        )

    def _read_header(self, index: int) -> int:
        """Read the header at this line, if there is one, and return the number of its lines, or 0."""
        has_number = any(char.isdigit() for char in self._lines[index].text)
        if not has_number and index + 1 < len(self._lines) and len(words(self._lines[index].text, 12)) >= 12:
            return 0
        stop = 1
        while stop < 4 and index + stop < len(self._lines) and not self._labels.find(index + stop):
            stop += 1
        result = read_header(self._lines[index : index + stop], self._language)
        if result is None:
            return 0
        count, parts = result
        is_date_only = not (parts.references or parts.indexes)
        below = self._next_filled_line(index + 1)
        is_above_reference = below is not None and bool(find_references(self._lines[below].text[:200]))
        if (
            is_date_only
            and not is_above_reference
            and (not self._is_above_text() or self._lines[index].text.rstrip().endswith("."))
        ):
            return 0
        if not is_date_only and self._flow.kind in {"letter", "write"} and not parts.references:
            return 0
        add_header_parts(self._document.header, self._lines[index : index + count], parts, self._tracker)
        return count

    def _is_above_text(self) -> bool:
        """Return whether this line is in the front, above its text or directly below a headline.

        A date on a line of its own is then the issue date of the document.
        """
        above = [line for line in self._flow.lines if not line.is_blank]
        if self._short_block and self._short_block.kind == "banner":
            above += [line for line in self._short_block.lines if not line.is_blank]
        if self._flow.kind not in {"front", "banner"} or not above:
            return self._flow.kind == "front"
        title = self._document.header.title
        is_above_title = title is not None and above[-1].number < title.number
        is_below_headings = all(len(words(line.text, 16)) < 16 and not line.text.endswith(".") for line in above)
        return is_above_title or is_below_headings or above[-1].is_label_rest or is_marked(above[-1].text)

    def _read_label(self, index: int, match: LabelMatch) -> int:
        """Open the block of a label and return the index of the next line to assign."""
        kind = match.phrase.kind
        block = Block(kind, self._lines[index].number)
        self._read_inside_label(index, match)
        rest = cut_label(self._lines, index, match, self._tracker)
        after = index + match.extra_lines
        if kind == "appeals" and rest.is_blank:
            below = self._next_filled_line(after + 1)
            if below and (value := self._date_below_label(below)):
                rest, after = value, below
        if kind in {"appeals", "write"} and not rest.is_blank:
            block.lines.append(rest)
            after += self._add_sentence(block, after)
            if kind == "appeals" and not _announces_targets(block):
                block.kind = "deadline"
            self._open_block(block)
            return after + 1
        self._open_block(block)
        if rest.is_blank and not (kind == "boilerplate" and match.phrase.words[0] in _THANKS):
            return after + 1
        if kind in {"boilerplate", "late"}:
            self._tracker.mark_used(rest)
            block.lines.append(rest)
            if match.phrase.words[0] in _THANKS and any(has_contact(line.text) for line in self._flow.lines):
                self._flow = Block("loose", rest.number)  # thanks end the addresses
                self._document.blocks.append(self._flow)
            return after + 1 + self._add_boilerplate(after, block)
        if kind in FLOWS:
            self._labels.replace(after, rest)
            return after
        block.lines.append(rest)
        if kind == "languages" and rest.text.rstrip(" *_").endswith((" an:", " to:", " à :", " a:")):
            self._open_block(Block("contact", rest.number))  # `Write in good Arabic or English to:`
        return after + 1

    def _read_inside_label(self, index: int, match: LabelMatch) -> None:
        """Read what the words of a label say: that this is an update, of which case, or until which day."""
        kind = match.phrase.kind
        if kind == "banner" and match.phrase.words[-1] in vocabulary_of_updates():
            self._document.header.is_update = True
        elif kind == "update":
            self._add_update_references(index, match)
        elif kind == "appeals" and GAP in match.phrase.words:
            self._add_inner_deadline(index, match)

    def _add_inner_deadline(self, index: int, match: LabelMatch) -> None:
        """Add the date in the gap of a label as the deadline: `Please send letters until 15 March to these`."""
        line = self._lines[index + match.extra_lines]
        text = line.text[: match.end] if not match.extra_lines else self._lines[index].text
        if (dates := find_dates(text)) and dates[0].year:
            value = Line(line.number, text[dates[0].start : dates[0].end], is_label_rest=True)
            self._document.blocks.append(Block("deadline", line.number, [value]))

    def _next_filled_line(self, start: int) -> int | None:
        """Return the index of the first of three lines that is not blank, or None."""
        indexes = range(start, min(start + 3, len(self._lines)))
        return next((index for index in indexes if not self._lines[index].is_blank), None)

    def _date_below_label(self, index: int) -> Line | None:
        """Return the line at `index` as the rest of the label above it if it begins with a date, else None."""
        line = self._lines[index]
        found_dates = find_dates(line.text[:80])
        if not found_dates or found_dates[0].start > _MAX_BEFORE_DATE:
            return None
        return Line(line.number, line.text, is_label_rest=True)

    def _add_update_references(self, index: int, match: LabelMatch) -> None:
        """Add the references of a sentence on updates, such as `This is the third update of UA 57/10`."""
        text = plain_text(" ".join(line.text for line in self._lines[index : index + match.extra_lines + 1])[:500])
        self._document.header.references += [
            (reference, self._lines[index].number) for reference in find_references(text)
        ]

    def _add_sentence(self, block: Block, index: int) -> int:
        """Add to the block the lines that continue the label's sentence, and return their number."""
        count = 0
        while not ends_sentence(block.lines[-1].text) and count < 4:
            line = self._lines[index + 1 + count] if index + 1 + count < len(self._lines) else None
            if line is None or line.is_blank or is_bullet(line.text):
                break
            other = self._labels.find(index + 1 + count)
            if other and other.phrase.kind != "own":
                break
            if not line.text.strip()[:1].islower() and len(block.lines[-1].text) < 40 and block.kind == "appeals":
                break
            block.lines.append(line)
            count += 1
        return count

    def _add_boilerplate(self, index: int, block: Block) -> int:
        """Add to the block the lines that continue its sentence in the same paragraph, and return their number."""
        count, line, kind = 0, self._lines[index], block.kind
        while not ends_sentence(line.text) and (kind == "late" or len(line.text) > _MIN_WRAPPED_LENGTH):
            position = index + 1 + count
            if position >= len(self._lines) or self._lines[position].is_blank or self._labels.find(position):
                break
            line = self._lines[position]
            self._tracker.mark_used(line)
            block.lines.append(line)
            count += 1
        return count

    def _open_block(self, block: Block) -> None:
        """Make the block the current flow or, if its kind is no flow, the current short block."""
        if self._short_block:
            self._end_short_block()
        self._document.blocks.append(block)
        if block.kind in FLOWS:
            self._flow, self._short_block = block, None
        else:
            self._short_block = block

    def _add_blank_line(self, line: Line) -> None:
        if self._short_block and self._short_block.lines:
            self._end_short_block()
        (self._short_block or self._flow).lines.append(line)

    def _end_short_block(self) -> None:
        """End the short block. Its flow continues, or `loose` begins if the flow has text already and cannot go on."""
        short_block, self._short_block = self._short_block, None
        if self._flow.kind in {"front", "loose"} or (
            short_block and short_block.kind in {"banner", "boilerplate", "late"}
        ):
            return
        is_finished = self._flow.kind != "act" or any(has_contact(line.text) for line in self._flow.lines)
        if (
            self._flow.kind in {"letter", "background", "write", "act"}
            and is_finished
            and any(not line.is_blank for line in self._flow.lines)
        ):
            self._flow = Block("loose", 0)
            self._document.blocks.append(self._flow)

    def _add_line(self, line: Line) -> None:
        """Add a line without a label to the short block if it continues it, else to the flow."""
        if self._short_block and self._continues_short_block():
            self._short_block.lines.append(line)
            return
        if self._short_block:
            self._end_short_block()
        if self._flow.kind == "solidarity" and self._begins_authority(line):
            self._flow = Block("contact", line.number)
            self._document.blocks.append(self._flow)
        if self._flow.kind == "loose" and is_salutation(line.text) and not self._document.first_of("letter"):
            self._flow = Block("letter", line.number)
            self._document.blocks.append(self._flow)
        self._flow.lines.append(line)

    def _begins_authority(self, line: Line) -> bool:
        """Return whether a paragraph below the targets of solidarity begins with an office."""
        above = self._flow.lines
        begins_paragraph = bool(above) and above[-1].is_blank and any(not other.is_blank for other in above)
        return begins_paragraph and is_role(plain_text(line.text)) and len(words(line.text, 12)) < 12

    def _continues_short_block(self) -> bool:
        """Return whether a line without a label belongs to the short block above it."""
        short_block = self._short_block
        if short_block is None or short_block.kind in {"boilerplate", "late", "own"}:
            return False
        lines = [other for other in short_block.lines if not other.is_blank]
        if short_block.kind == "banner":
            return not lines or not short_block.lines[-1].is_blank
        return not lines or (len(lines) < _MAX_VALUE_LINES and not short_block.lines[-1].is_blank)


def vocabulary_of_updates() -> frozenset[str]:
    """Return the single words that call a document a follow-up."""
    return frozenset(phrase.words[0] for phrase in vocabulary().header["follow_up"] if len(phrase.words) == 1)


def _announces_targets(block: Block) -> bool:
    """Return whether the targets follow an appeals label: it ends in “to” or a colon, or has no digit of a date."""
    text = block.text().rstrip(" *_")
    last_words = normalised(text[-40:]).split()[-1:]
    if text.endswith(":") or (last_words and last_words[0] in {"to", "a", "an", "au", "aux", "al", "ai"}):
        return True
    return not any(char.isdigit() for char in text)
