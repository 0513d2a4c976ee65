"""One walk over the lines that gives each to the header, to a label or to the block that is open."""

from __future__ import annotations

from dataclasses import dataclass, field

from campaign.document.fields.dates import dates
from campaign.document.fields.references import find_references
from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import FLOWS, Block, LabelMatch, Labels, cut_label, ends_sentence
from campaign.document.structure.header import Header, keep, read_header
from campaign.document.structure.letter import is_salutation, starts_closing
from campaign.document.structure.target_lines import is_role
from campaign.document.text.emphasis import is_marked, plain
from campaign.document.text.lines import Ledger, Line
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import key, words

_WRAPPED = 45  # a line at least so long can be hard-wrapped
_COURTESY = 2  # words
_LETTER = 60  # lines above in which a letter's salutation is looked for
_NEAR = 12  # how many lines past a label a short block's value can reach
_VALUED = frozenset({"deadline", "previous", "update", "name", "languages"})
_DATE_WITHIN = 20  # characters before the date: a weekday, a mark
_PEOPLE_FLOWS = frozenset({"background", "loose", "front", "letter", "write"})


@dataclass(slots=True)
class BlockWalk:
    """The blocks of a document in their order, and its header."""

    language: str
    blocks: list[Block] = field(default_factory=list)
    header: Header = field(default_factory=Header)

    def all(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def first(self, *kinds: str) -> Block | None:
        return next((block for block in self.blocks if block.kind in kinds), None)


class BlockWalker:
    """Holds the flow that is open and the short block that interrupts it."""

    def __init__(self, lines: list[Line], ledger: Ledger, language: str) -> None:
        self._lines = lines
        self._ledger = ledger
        self._language = language
        self._labels = Labels(lines)
        self._walk = BlockWalk(language)
        self._flow = Block("front", None, 1)
        self._short: Block | None = None
        self._walk.blocks.append(self._flow)

    def run(self) -> BlockWalk:
        at = 0
        while at < len(self._lines):
            at = self._step(at)
        return self._walk

    def _step(self, at: int) -> int:
        line = self._lines[at]
        if line.is_blank:
            self._blank(line)
            return at + 1
        match = self._labels.at(at)
        if match and self._is_wanted(match):
            return self._label(at, match)
        if not self._awaits_value() and (taken := self._header(at)):
            return at + taken
        if not line.is_margin:
            self._body(line)
        return at + 1

    def _is_wanted(self, match: LabelMatch) -> bool:
        """Short labels mean people only where a target's lines cannot stand."""
        if match.phrase.kind in {"short_name", "gender"}:
            return self._flow.kind in _PEOPLE_FLOWS
        if match.phrase.kind == "boilerplate" and len(match.phrase.words) <= _COURTESY:
            return not self._is_in_letter()  # `Thank you.`
        return True

    def _is_in_letter(self) -> bool:
        """Whether a letter is open in the flow: its salutation stands above, its close does not."""
        lines = self._flow.lines if self._short is None else []
        for line in reversed(lines[-_LETTER:]):
            if starts_closing(line.text):
                return False
            if is_salutation(line.text):
                return True
        return self._flow.kind == "letter" and self._short is None

    def _awaits_value(self) -> bool:
        """Whether a short label stands above that has no value yet: a date or reference here is its value."""
        short = self._short
        return short is not None and short.kind in _VALUED and all(line.is_blank for line in short.lines)

    def _header(self, at: int) -> int:
        has_number = any(char.isdigit() for char in self._lines[at].text)
        if not has_number and at + 1 < len(self._lines) and len(words(self._lines[at].text, 12)) >= 12:
            return 0
        stop = 1
        while stop < 4 and at + stop < len(self._lines) and not self._labels.at(at + stop):
            stop += 1
        read = read_header(self._lines[at : at + stop], stop, self._language)
        if read is None:
            return 0
        count, _, parts = read
        only_date = not (parts.references or parts.indexes)
        if only_date and not self._is_above_text():
            return 0
        if not only_date and self._flow.kind in {"letter", "write"} and not parts.references:
            return 0
        keep(self._walk.header, self._lines[at : at + count], parts, self._ledger)
        return count

    def _is_above_text(self) -> bool:
        """Whether the front has no text yet or a headline last, so that a date of its own is that of the document."""
        above = [each for each in self._flow.lines if not each.is_blank]
        if self._flow.kind not in {"front", "banner"} or not above:
            return self._flow.kind == "front"
        title = self._walk.header.title
        is_above_title = title is not None and above[-1].number < title.number
        return is_above_title or above[-1].is_cut or is_marked(above[-1].text)

    def _label(self, at: int, match: LabelMatch) -> int:
        kind = match.phrase.kind
        block = Block(kind, match.phrase.language, self._lines[at].number)
        if kind == "update":
            self._update(at, match)
        rest = cut_label(self._lines, at, match, self._ledger)
        after = at + match.until
        if kind == "appeals" and rest.is_blank:
            below = next(
                (n for n in range(after + 1, after + 4) if n < len(self._lines) and not self._lines[n].is_blank), 0
            )
            if below and (value := self._dated(below)):
                rest, after = value, below
        if kind in {"appeals", "write"} and not rest.is_blank:
            block.lines.append(rest)
            after += self._sentence(block, after)
            if kind == "appeals" and not _leads_on(block, self._lines, after):
                block.kind = "deadline"
            self._open(block)
            return after + 1
        self._open(block)
        if rest.is_blank:
            return after + 1
        if kind in {"boilerplate", "late"}:
            self._ledger.take(rest, f"label:{kind}")
            block.lines.append(rest)
            return after + 1 + self._swallow(after, block)
        if kind in FLOWS:
            self._labels.put(after, rest)
            return after
        block.lines.append(rest)
        return after + 1

    def _dated(self, at: int) -> Line | None:
        """The line below a label where it begins with the date that the label announces."""
        line = self._lines[at]
        found = dates(line.text[:80])
        if not found or found[0].start > _DATE_WITHIN:
            return None
        return Line(line.number, line.text, is_cut=True)

    def _update(self, at: int, match: LabelMatch) -> None:
        """`This is the third update of UA 57/10` says which follow-up a document is."""
        text = plain(" ".join(line.text for line in self._lines[at : at + match.until + 1])[:500])
        self._walk.header.references += [(each, self._lines[at].number) for each in find_references(text)]

    def _sentence(self, block: Block, at: int) -> int:
        """Adds the lines over which the label's sentence goes on; returns how many."""
        taken = 0
        while not ends_sentence(block.lines[-1].text) and taken < 4:
            line = self._lines[at + 1 + taken] if at + 1 + taken < len(self._lines) else None
            if line is None or line.is_blank or is_bullet(line.text):
                break
            other = self._labels.at(at + 1 + taken)
            if other and other.phrase.kind != "own":
                break
            if not line.text.strip()[:1].islower() and len(block.lines[-1].text) < 40 and block.kind == "appeals":
                break
            block.lines.append(line)
            taken += 1
        return taken

    def _swallow(self, at: int, block: Block) -> int:
        """Boilerplate goes on to the end of its sentence, within its paragraph."""
        taken, line, kind = 0, self._lines[at], block.kind
        while not ends_sentence(line.text) and (kind == "late" or len(line.text) > _WRAPPED):
            place = at + 1 + taken
            if place >= len(self._lines) or self._lines[place].is_blank or self._labels.at(place):
                break
            line = self._lines[place]
            self._ledger.take(line, f"label:{kind}")
            block.lines.append(line)
            taken += 1
        return taken

    def _open(self, block: Block) -> None:
        if self._short:
            self._resume()
        self._walk.blocks.append(block)
        if block.kind in FLOWS:
            self._flow, self._short = block, None
        else:
            self._short = block

    def _blank(self, line: Line) -> None:
        if self._short and self._short.lines:
            self._resume()
        (self._short or self._flow).lines.append(line)

    def _resume(self) -> None:
        """After a short block, the flow goes on only where more of it can be expected."""
        short, self._short = self._short, None
        if self._flow.kind in {"front", "loose"} or (short and short.kind in {"banner", "boilerplate", "late"}):
            return
        if self._flow.kind in {"letter", "background", "write", "act"} and any(
            not x.is_blank for x in self._flow.lines
        ):
            self._flow = Block("loose", None, 0)
            self._walk.blocks.append(self._flow)

    def _body(self, line: Line) -> None:
        if self._short and self._belongs(line):
            self._short.lines.append(line)
            return
        if self._short:
            self._resume()
        if self._flow.kind == "solidarity" and self._is_authority(line):
            self._flow = Block("contact", None, line.number)
            self._walk.blocks.append(self._flow)
        if self._flow.kind == "loose" and is_salutation(line.text) and not self._walk.first("letter"):
            self._flow = Block("letter", None, line.number)
            self._walk.blocks.append(self._flow)
        self._flow.lines.append(line)

    def _is_authority(self, line: Line) -> bool:
        """Whether a paragraph below those in solidarity with whom one writes begins with an office."""
        above = self._flow.lines
        is_first = bool(above) and above[-1].is_blank and any(not each.is_blank for each in above)
        return is_first and is_role(plain(line.text)) and len(words(line.text, 12)) < 12

    def _belongs(self, line: Line) -> bool:
        """Whether a line without a label goes on with the short block above it."""
        short = self._short
        if short is None or short.kind in {"boilerplate", "late", "own"}:
            return False
        held = [each for each in short.lines if not each.is_blank]
        if short.kind == "banner":
            return not held or not short.lines[-1].is_blank
        return not held or (len(held) < _NEAR and not short.lines[-1].is_blank)


def _leads_on(block: Block, lines: list[Line], at: int) -> bool:
    """Whether an appeals label is followed by those to appeal to: it ends in “to” or a colon."""
    text = block.text().rstrip(" *_")
    last = key(text[-40:]).split()[-1:]
    ends = text.endswith(":") or bool(last and last[0] in {"to", "a", "an", "au", "aux", "al", "ai"})
    return ends or (not any(char.isdigit() for char in text) and bool(vocabulary()))
