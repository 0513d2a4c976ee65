"""The top of a document: the headline after the banner, and the summary up to the call to act."""

from __future__ import annotations

import re

from campaign.document.fields.contacts import has_contact
from campaign.document.fields.languages import country
from campaign.document.structure.block_walk import BlockWalk
from campaign.document.structure.blocks import Block
from campaign.document.structure.header import cut_reference
from campaign.document.structure.letter import is_salutation
from campaign.document.text.emphasis import is_bold, is_capital, is_heading, is_marked, plain
from campaign.document.text.lines import Ledger, Line, paragraphs, shown
from campaign.document.text.normalise import has_words, key, words
from campaign.document.text.paragraphs import markdown

_HASHES = re.compile(r"^\s{0,3}#{1,6}\s")
_ADDRESSES = frozenset({"act", "appeals", "contact", "copies", "diplomatic"})
_PROSE = 12  # words; a shorter sentence may be a note on an address
_HEADLINE = 220  # characters; a longer paragraph is text


def read_front(walk: BlockWalk, ledger: Ledger) -> tuple[str | None, str | None]:
    """Headline and summary; lines before the banner that are neither stay open."""
    banner = next((block for block in walk.all("banner") if any(not x.is_blank for x in block.lines)), None)
    groups: list[list[Line]] = []
    headline: str | None = None
    if banner:
        groups = _without_country(paragraphs(banner.lines), walk, ledger)
        above = _heading_above(banner, walk)
        if above and groups and _is_sentence(groups[0]):
            headline, _ = _headline([above], ledger)
        elif groups:
            headline, groups = _headline(groups, ledger)
    for block in walk.blocks:
        if block.kind == "front":
            groups += paragraphs(block.lines)
    groups = _without_country(groups, walk, ledger)
    if headline is None and groups and not (walk.header.title and not is_marked(groups[0][0].text)):
        headline, groups = _headline(groups, ledger)
    if headline is None and walk.header.title:
        headline = plain(walk.header.title.text)
    elif walk.header.title:
        ledger.warn(
            "unplaced-line",
            f"nothing takes this part of the header: {shown(walk.header.title.text)}",
            walk.header.title.number,
        )
    if headline is None:
        ledger.warn("no-headline", "no headline found", 1)
    headline = cut_reference(headline, walk.header, walk.language)
    _repeats(walk, headline, banner, ledger)
    first = _first_line(walk, banner)
    body = [line for group in groups for line in (*group, Line(0, "")) if line.number == 0 or line.number >= first]
    return headline, markdown(body, ledger, "summary")


def _heading_above(banner: Block, walk: BlockWalk) -> list[Line] | None:
    """The last heading above the banner, where a section put the title of its page."""
    front = next((block for block in walk.blocks if block.kind == "front"), None)
    above = [line for line in front.lines if line.number < banner.line] if front else []
    return next((group for group in reversed(paragraphs(above)) if is_heading(group[0].text)), None)


def _is_sentence(group: list[Line]) -> bool:
    """Whether a paragraph is text, however short: not marked as a headline, and ended by a full stop."""
    return not is_marked(group[0].text) and plain(group[-1].text).endswith(".")


def _first_line(walk: BlockWalk, banner: Block | None) -> int:
    """Text above banner and header is a page's own, not the case's."""
    if banner:
        return banner.line
    return 0


def _without_country(groups: list[list[Line]], walk: BlockWalk, ledger: Ledger) -> list[list[Line]]:
    """The groups without the line that only names the country."""
    kept: list[list[Line]] = []
    for group in groups:
        if not any(has_words(plain(line.text)) for line in group):
            markdown(group, ledger, "picture")  # says which picture is left out
            continue
        code = country(plain(group[0].text), walk.language) if len(group) == 1 else None
        if code and walk.header.country in {None, code}:
            walk.header.country = code
            ledger.take(group[0], "country")
        else:
            kept.append(group)
    return kept


def displaced_summary(walk: BlockWalk, ledger: Ledger) -> str | None:
    """The text of the case where a section put the addresses before it."""
    found: list[Line] = []
    for block in walk.blocks:
        if block.kind not in _ADDRESSES:
            continue
        for group in paragraphs(block.lines):
            if is_salutation(group[0].text):
                break
            if _is_prose(group):
                found += [*group, Line(0, "")]
                numbers = {line.number for line in group}
                block.lines[:] = [Line(each.number, "") if each.number in numbers else each for each in block.lines]
    return markdown(found, ledger, "summary")


def _is_prose(group: list[Line]) -> bool:
    text = plain(" ".join(line.text for line in group))
    return (
        len(words(text, 20)) >= _PROSE
        and text.endswith((".", "!", "?", "”", "»"))
        and not any(line.is_cut or has_contact(line.text) for line in group)
    )


def _headline(groups: list[list[Line]], ledger: Ledger) -> tuple[str | None, list[list[Line]]]:
    """The first group as a headline where it looks like one, and the groups that are left."""
    first = groups[0]
    lines = _heading_lines(first)
    text = plain(" ".join(_HASHES.sub("", line.text) if at else line.text for at, line in enumerate(lines)))
    if not text or len(text) > _HEADLINE or (len(lines) == len(first) and _is_text(text, first)):
        return None, groups
    for line in lines:
        ledger.take(line, "headline")
    rest = first[len(lines) :]
    return text, ([rest] if rest else []) + groups[1:]


def _heading_lines(group: list[Line]) -> list[Line]:
    """The lines of a group that make its headline: a Markdown heading, capitals, or all of them."""
    if is_heading(group[0].text):
        kept = [group[0]]
        for line in group[1:]:
            if not (is_capital(line.text) and is_capital(group[0].text)):
                break
            kept.append(line)
        return kept
    if is_capital(group[0].text):
        kept = []
        for line in group:
            if not is_capital(line.text):
                break
            kept.append(line)
        return kept
    if is_bold(group[0].text) and len(group) > 1 and not is_bold(group[1].text):
        return group[:1]
    return group


def _is_text(text: str, lines: list[Line]) -> bool:
    """Whether a paragraph is running text rather than a headline."""
    if is_heading(lines[0].text) or is_capital(text):
        return False
    count = len(words(text))
    return (text.endswith(".") and count > 12) or count > 30


def _repeats(walk: BlockWalk, headline: str | None, first: Block | None, ledger: Ledger) -> None:
    """The second page's banner repeats the headline; that is known, not new."""
    wanted = key(headline or "")
    for block in walk.blocks:
        if block is first:
            continue
        if block.kind == "banner":
            text = key(plain(block.text()))
            if text and text == wanted:
                for line in block.lines:
                    ledger.take(line, "label:headline repeated")
        elif block.kind in {"loose", "background", "write", "copies", "diplomatic", "front"}:
            _drop_repeated(block, wanted, ledger)


def _drop_repeated(block: Block, wanted: str, ledger: Ledger) -> None:
    kept: list[Line] = []
    for line in block.lines:
        if (
            wanted
            and not line.is_blank
            and len(line.text) < 2 * _HEADLINE
            and key(plain(line.text)) == wanted
            and line.number in ledger.open
        ):
            ledger.take(line, "label:headline repeated")
            kept.append(Line(line.number, ""))
        else:
            kept.append(line)
    block.lines[:] = kept
