"""Assignment of each line to the header, to a label or to the current block, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign.document.fields.dates import find_dates
from campaign.document.fields.references import find_references
from campaign.document.structure.blocks import FLOWS, Block, LabelMatch, LabelSearch, cut_label, ends_sentence
from campaign.document.structure.header import Header, add_header_parts, read_header
from campaign.document.structure.letter import is_salutation, starts_closing
from campaign.document.structure.target_lines import is_role
from campaign.document.text.emphasis import is_marked, plain_text
from campaign.document.text.lines import Line, LineTracker
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import normalised, words

_WRAPPED = 45  # characters; a line of this length can be hard-wrapped
_COURTESY = 2  # words; `Thank you.`
_LETTER = 60  # lines above in which a letter's salutation is searched
_NEAR = 12  # lines below a label that a short block's value can cover
_VALUED = frozenset({"deadline", "previous", "update", "name", "languages"})
_DATE_WITHIN = 20  # characters before the date, such as a weekday or a mark
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
    """The reading of one document's blocks, with the current flow and the short block that interrupts it."""

    def __init__(self, lines: list[Line], tracker: LineTracker, language: str) -> None:
        """Start with the flow `front`, the text above the first label."""
        self._lines = lines
        self._tracker = tracker
        self._language = language
        self._labels = LabelSearch(lines)
        self._document = DocumentBlocks(language)
        self._flow = Block("front", None, 1)
        self._short: Block | None = None
        self._document.blocks.append(self._flow)

    def run(self) -> DocumentBlocks:
        """Return the blocks of all lines."""
        index = 0
        while index < len(self._lines):
            index = self._step(index)
        return self._document

    def _step(self, index: int) -> int:
        """Assign the line at `index` and return the index of the next line to assign."""
        line = self._lines[index]
        if line.is_blank:
            self._blank(line)
            return index + 1
        match = self._labels.find(index)
        if match and self._is_wanted(match):
            return self._label(index, match)
        if not self._awaits_value() and (line_count := self._header(index)):
            return index + line_count
        if not line.is_margin:
            self._body(line)
        return index + 1

    def _is_wanted(self, match: LabelMatch) -> bool:
        """Return whether a label counts here.

        Short labels for people count only outside the lines of targets, and courtesies (`Thank you.`) only outside a
        letter.
        """
        if match.phrase.kind in {"short_name", "gender"}:
            return self._flow.kind in _PEOPLE_FLOWS
        if match.phrase.kind == "boilerplate" and len(match.phrase.words) <= _COURTESY:
            return not self._is_in_letter()
        return True

    def _is_in_letter(self) -> bool:
        """Return whether a letter is open in the flow: its salutation is above, its close is not."""
        lines = self._flow.lines if self._short is None else []
        for line in reversed(lines[-_LETTER:]):
            if starts_closing(line.text):
                return False
            if is_salutation(line.text):
                return True
        return self._flow.kind == "letter" and self._short is None

    def _awaits_value(self) -> bool:
        """Return whether the current short block has no value yet, so that a date or reference here is its value."""
        short = self._short
        return short is not None and short.kind in _VALUED and all(line.is_blank for line in short.lines)

    def _header(self, index: int) -> int:
        """Read a header at this line, if there is one, and return the number of its lines, else 0."""
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
        only_date = not (parts.references or parts.indexes)
        if only_date and not self._is_above_text():
            return 0
        if not only_date and self._flow.kind in {"letter", "write"} and not parts.references:
            return 0
        add_header_parts(self._document.header, self._lines[index : index + count], parts, self._tracker)
        return count

    def _is_above_text(self) -> bool:
        """Return whether the front has no text yet or ends in a headline.

        A date on a line of its own is then the date of the document.
        """
        above = [each for each in self._flow.lines if not each.is_blank]
        if self._flow.kind not in {"front", "banner"} or not above:
            return self._flow.kind == "front"
        title = self._document.header.title
        is_above_title = title is not None and above[-1].number < title.number
        return is_above_title or above[-1].is_label_rest or is_marked(above[-1].text)

    def _label(self, index: int, match: LabelMatch) -> int:
        """Open the block of a label and return the index of the next line to assign."""
        kind = match.phrase.kind
        block = Block(kind, match.phrase.language, self._lines[index].number)
        if kind == "update":
            self._update(index, match)
        rest = cut_label(self._lines, index, match, self._tracker)
        after = index + match.extra_lines
        if kind == "appeals" and rest.is_blank:
            below = next(
                (n for n in range(after + 1, after + 4) if n < len(self._lines) and not self._lines[n].is_blank), 0
            )
            if below and (value := self._dated(below)):
                rest, after = value, below
        if kind in {"appeals", "write"} and not rest.is_blank:
            block.lines.append(rest)
            after += self._sentence(block, after)
            if kind == "appeals" and not _announces_addressees(block):
                block.kind = "deadline"
            self._open(block)
            return after + 1
        self._open(block)
        if rest.is_blank:
            return after + 1
        if kind in {"boilerplate", "late"}:
            self._tracker.mark_used(rest)
            block.lines.append(rest)
            return after + 1 + self._take_boilerplate(after, block)
        if kind in FLOWS:
            self._labels.replace(after, rest)
            return after
        block.lines.append(rest)
        return after + 1

    def _dated(self, index: int) -> Line | None:
        """Return the line below a label if it begins with the date that the label announces, else None."""
        line = self._lines[index]
        found_dates = find_dates(line.text[:80])
        if not found_dates or found_dates[0].start > _DATE_WITHIN:
            return None
        return Line(line.number, line.text, is_label_rest=True)

    def _update(self, index: int, match: LabelMatch) -> None:
        """Add the reference of a sentence on follow-ups: `This is the third update of UA 57/10`."""
        text = plain_text(" ".join(line.text for line in self._lines[index : index + match.extra_lines + 1])[:500])
        self._document.header.references += [(each, self._lines[index].number) for each in find_references(text)]

    def _sentence(self, block: Block, index: int) -> int:
        """Add the lines over which the label's sentence goes on to the block, and return their number."""
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

    def _take_boilerplate(self, index: int, block: Block) -> int:
        """Add boilerplate up to the end of its sentence, within its paragraph, and return the number of lines."""
        count, line, kind = 0, self._lines[index], block.kind
        while not ends_sentence(line.text) and (kind == "late" or len(line.text) > _WRAPPED):
            position = index + 1 + count
            if position >= len(self._lines) or self._lines[position].is_blank or self._labels.find(position):
                break
            line = self._lines[position]
            self._tracker.mark_used(line)
            block.lines.append(line)
            count += 1
        return count

    def _open(self, block: Block) -> None:
        if self._short:
            self._resume()
        self._document.blocks.append(block)
        if block.kind in FLOWS:
            self._flow, self._short = block, None
        else:
            self._short = block

    def _blank(self, line: Line) -> None:
        if self._short and self._short.lines:
            self._resume()
        (self._short or self._flow).lines.append(line)

    def _resume(self) -> None:
        """End the short block; its flow goes on only if more of it can be expected, else `loose` begins."""
        short, self._short = self._short, None
        if self._flow.kind in {"front", "loose"} or (short and short.kind in {"banner", "boilerplate", "late"}):
            return
        if self._flow.kind in {"letter", "background", "write", "act"} and any(
            not x.is_blank for x in self._flow.lines
        ):
            self._flow = Block("loose", None, 0)
            self._document.blocks.append(self._flow)

    def _body(self, line: Line) -> None:
        if self._short and self._belongs(line):
            self._short.lines.append(line)
            return
        if self._short:
            self._resume()
        if self._flow.kind == "solidarity" and self._is_authority(line):
            self._flow = Block("contact", None, line.number)
            self._document.blocks.append(self._flow)
        if self._flow.kind == "loose" and is_salutation(line.text) and not self._document.first_of("letter"):
            self._flow = Block("letter", None, line.number)
            self._document.blocks.append(self._flow)
        self._flow.lines.append(line)

    def _is_authority(self, line: Line) -> bool:
        """Return whether a paragraph below the addressees of solidarity begins with an office."""
        above = self._flow.lines
        is_first = bool(above) and above[-1].is_blank and any(not each.is_blank for each in above)
        return is_first and is_role(plain_text(line.text)) and len(words(line.text, 12)) < 12

    def _belongs(self, line: Line) -> bool:
        """Return whether a line without a label continues the short block above it."""
        short = self._short
        if short is None or short.kind in {"boilerplate", "late", "own"}:
            return False
        lines = [each for each in short.lines if not each.is_blank]
        if short.kind == "banner":
            return not lines or not short.lines[-1].is_blank
        return not lines or (len(lines) < _NEAR and not short.lines[-1].is_blank)


def _announces_addressees(block: Block) -> bool:
    """Return whether the addressees follow an appeals label: it ends in “to” or a colon, or has no digit of a date."""
    text = block.text().rstrip(" *_")
    last = normalised(text[-40:]).split()[-1:]
    ends = text.endswith(":") or bool(last and last[0] in {"to", "a", "an", "au", "aux", "al", "ai"})
    return ends or not any(char.isdigit() for char in text)
