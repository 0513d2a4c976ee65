"""The top of a document: the headline after the banner, and the summary up to the call to act."""

from __future__ import annotations

import re

from campaign.document.fields.contacts import has_contact
from campaign.document.fields.languages import country_at_start, country_code
from campaign.document.labels import vocabulary
from campaign.document.structure.block_reader import DocumentBlocks
from campaign.document.structure.blocks import Block
from campaign.document.structure.header import cut_reference
from campaign.document.structure.letter import is_salutation
from campaign.document.text.emphasis import is_bold, is_heading, is_in_capitals, is_marked, plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt, split_paragraphs
from campaign.document.text.normalise import has_words, normalised, words
from campaign.document.text.paragraphs import to_markdown

_CODE = re.compile(r"[A-Z]+(?:-[A-Z0-9]+)+")  # the number of another network's case
_SUBJECT = re.compile(r"^(?:re|subject|betreff|objet|asunto): ", re.IGNORECASE)
_HEADING_MARK = re.compile(r"^\s{0,3}#{1,6}\s")
_ADDRESS_KINDS = frozenset({"act", "appeals", "contact", "copies", "diplomatic"})
_MIN_PROSE_WORDS = 12  # a shorter sentence may be a note on an address
_MAX_TITLE_WORDS = 12
_MAX_SHORT_GROUP = 4  # lines of a group in which one can be the country alone
_MAX_TOP_GROUPS, _MAX_TOP_LINES = 5, 10  # in which lines of the page are searched
_MAX_HEADLINE_LENGTH = 220  # characters; a longer paragraph is text


def read_headline(document: DocumentBlocks, tracker: LineTracker) -> tuple[str | None, str | None]:
    """Return the headline and the summary, or None for each. Other lines above the banner stay unused."""
    banner = next(
        (block for block in document.of_kind("banner") if any(not line.is_blank for line in block.lines)), None
    )
    groups: list[list[Line]] = []
    headline: str | None = None
    if banner:
        groups = _without_country(
            _without_furniture(split_paragraphs(banner.lines), document.language), document, tracker
        )
        heading = _heading_above(banner, document)
        if heading and groups and _is_sentence(groups[0]):
            headline, _ = _split_off_headline([heading], tracker)
        elif groups:
            headline, groups = _split_off_headline(groups, tracker)
    front = [group for block in document.of_kind("front") for group in split_paragraphs(block.lines)]
    for block in document.of_kind("banner"):
        front += [group for group in split_paragraphs(block.lines) if block is not banner and _is_sentence(group)]
    groups = groups + front if headline else _without_furniture(groups + front, document.language)
    groups = _without_country(groups, document, tracker)
    if headline is None and groups and not (document.header.title and _stands_below_title(groups[0][0], document)):
        headline, groups = _split_off_headline(groups, tracker)
    if headline is None and document.header.title:
        headline = plain_text(document.header.title.text)
    elif document.header.title:
        tracker.warn(
            "unplaced-line",
            f"this part of the header is in no field: {excerpt(document.header.title.text)}",
            document.header.title.number,
        )
    if headline is None:
        tracker.warn("no-headline", "no headline found", 1)
    headline = cut_reference(headline, document.header, document.language)
    _mark_repeated_headline(document, headline, banner, tracker)
    first_number = banner.line if banner else 0  # text above the banner belongs to the web page around the case
    body = [
        line for group in groups for line in (*group, Line(0, "")) if line.number == 0 or line.number >= first_number
    ]
    return headline, to_markdown(body, tracker)


def _heading_above(banner: Block, document: DocumentBlocks) -> list[Line] | None:
    """Return the last heading above the banner, or None. Some sections put the title of their page there."""
    front = next((block for block in document.blocks if block.kind == "front"), None)
    lines_above = [line for line in front.lines if line.number < banner.line] if front else []
    groups = list(reversed(split_paragraphs(lines_above)))
    heading = next((group for group in groups if is_heading(group[0].text)), None)
    return heading or next((group for group in groups[:1] if _is_plain_title(group)), None)


def _is_plain_title(group: list[Line]) -> bool:
    """Return whether a paragraph is one short line that is no sentence and does not belong to the page."""
    text = plain_text(group[0].text)
    is_short = len(group) == 1 and 2 < len(words(text, 20)) <= 15
    return is_short and not text.endswith((".", "!", "?")) and not _is_furniture(text) and "](" not in group[0].text


def _stands_below_title(line: Line, document: DocumentBlocks) -> bool:
    """Return whether a line below the header's title is no headline: it is plain, or names the country and people."""
    text = plain_text(line.text)
    country = country_at_start(text, document.language)
    return not is_marked(line.text) or (country is not None and " ".join(text.split()[: country[1]]).isupper())


def _split_at_rules(group: list[Line]) -> list[list[Line]]:
    """Return the parts of a paragraph between lines that have only marks, such as dashes."""
    parts: list[list[Line]] = [[]]
    for line in group:
        if has_words(line.text) or "![" in line.text:
            parts[-1].append(line)
        else:
            parts.append([])
    return [part for part in parts if part]


def _is_title(text: str, language: str) -> bool:
    """Return whether a line among those of the page is the headline: marked, or a country before a colon."""
    if _is_furniture(text):
        return False
    country = country_at_start(plain_text(text), language)
    return is_marked(text) or (country is not None and ":" in text)


def _without_furniture(groups: list[list[Line]], language: str) -> list[list[Line]]:
    """Return the groups from the line on that follows the last line of the page above the headline.

    Such lines are the way to the page, a request for donations, the name of a series. They stay unused.
    """
    groups = [part for group in groups for part in _split_at_rules(group)]
    lines = [line for group in groups[:_MAX_TOP_GROUPS] for line in group]
    last = next((line.number for line in reversed(lines[:_MAX_TOP_LINES]) if _is_furniture(line.text)), 0)
    kept = [[line for line in group if line.number > last or _is_title(line.text, language)] for group in groups]
    return [group for group in kept if group]


def _is_furniture(text: str) -> bool:
    """Return whether a line leads to other pages, asks for donations or names a series of appeals."""
    plain = plain_text(text)
    if len(plain) > _MAX_HEADLINE_LENGTH or plain.endswith("."):
        return False
    if _CODE.fullmatch(plain) or (plain.startswith("[") and plain.endswith("]")):
        return True
    if len(re.findall(r" [>»|·] ", plain)) >= 1 and not any(char.isdigit() for char in plain):
        return True
    line_words = tuple(word.text for word in words(plain, 20))
    return any(
        line_words[index : index + len(phrase)] == phrase
        for phrase in vocabulary().phrases("furniture")
        for index in ((0,) if len(phrase) < 3 else range(len(line_words)))
    )


def _is_sentence(group: list[Line]) -> bool:
    """Return whether a paragraph, however short, is text: not marked as a headline, and with a full stop at its end."""
    return not is_marked(group[0].text) and plain_text(group[-1].text).endswith(".")


def _without_country(groups: list[list[Line]], document: DocumentBlocks, tracker: LineTracker) -> list[list[Line]]:
    """Return the groups without pictures, and without a line that only names the country, which the header gets."""
    result: list[list[Line]] = []
    for group in groups:
        if not any(has_words(plain_text(line.text)) for line in group):
            to_markdown(group, tracker)  # warns of the picture that is left out
            continue
        remaining: list[Line] = []
        for line in group:
            code = country_code(plain_text(line.text), document.language) if len(group) <= _MAX_SHORT_GROUP else None
            if code and document.header.country_code in {None, code}:
                document.header.country_code = code
                tracker.mark_used(line)
            else:
                remaining.append(line)
        if remaining:
            _note_country_in_capitals(remaining[0], document)
            result.append(remaining)
    return result


def _note_country_in_capitals(line: Line, document: DocumentBlocks) -> None:
    """Give the header the country with which a line begins in capitals: `COLOMBIA Farmers of La Muestra`."""
    text = plain_text(line.text)
    country = country_at_start(text, document.language)
    if country and document.header.country_code is None and " ".join(text.split()[: country[1]]).isupper():
        document.header.country_code = country[0]


def cut_displaced_summary(document: DocumentBlocks, tracker: LineTracker) -> str | None:
    """Remove the summary among the addresses, where some sections put it, and return it, or None."""
    lines: list[Line] = []
    for block in document.blocks:
        if block.kind not in _ADDRESS_KINDS:
            continue
        for group in split_paragraphs(block.lines):
            if is_salutation(group[0].text):
                break
            if _is_prose(group):
                lines += [*group, Line(0, "")]
                numbers = {line.number for line in group}
                block.lines[:] = [Line(line.number, "") if line.number in numbers else line for line in block.lines]
    return to_markdown(lines, tracker)


def _is_prose(group: list[Line]) -> bool:
    """Return whether a paragraph among the addresses is running text without contact details."""
    text = plain_text(" ".join(line.text for line in group))
    return (
        len(words(text, 20)) >= _MIN_PROSE_WORDS
        and text.endswith((".", "!", "?", "”", "»"))
        and not any(line.is_label_rest or has_contact(line.text) for line in group)
    )


def _split_off_headline(groups: list[list[Line]], tracker: LineTracker) -> tuple[str | None, list[list[Line]]]:
    """Return the text of the first group if it looks like a headline, else None, and the other groups."""
    first = groups[0]
    lines = _headline_lines(first)
    if len(lines) == len(first) and _stands_above_sentence(first):
        lines = first[:1]
    text = plain_text(
        " ".join(_HEADING_MARK.sub("", line.text) if index else line.text for index, line in enumerate(lines))
    )
    text = _SUBJECT.sub("", text)
    if not text or len(text) > _MAX_HEADLINE_LENGTH or (len(lines) == len(first) and _is_running_text(text, first)):
        return None, groups
    for line in lines:
        tracker.mark_used(line)
    rest = first[len(lines) :]
    return text, ([rest] if rest else []) + groups[1:]


def _stands_above_sentence(group: list[Line]) -> bool:
    """Return whether the first line of a paragraph is a headline: short, without a stop, above whole sentences."""
    first, *others = (plain_text(line.text) for line in group)
    is_short = len(words(first, 13)) <= _MAX_TITLE_WORDS and not first.endswith((".", ",", ":", "-"))
    return is_short and bool(others) and others[0][:1].isupper() and others[-1].endswith(".") and len(first) < 70


def _headline_lines(group: list[Line]) -> list[Line]:
    """Return the first lines of a group that are a heading, bold or in capitals, else all lines."""
    if is_heading(group[0].text):
        lines = [group[0]]
        for line in group[1:]:
            if not (is_in_capitals(line.text) and is_in_capitals(group[0].text)):
                break
            lines.append(line)
        return lines
    if is_in_capitals(group[0].text):
        lines = []
        for line in group:
            if not is_in_capitals(line.text):
                break
            lines.append(line)
        return lines
    if is_bold(group[0].text) and len(group) > 1 and not is_bold(group[1].text):
        return group[:1]
    return group


def _is_running_text(text: str, lines: list[Line]) -> bool:
    """Return whether a paragraph is running text rather than a headline."""
    if is_heading(lines[0].text) or is_in_capitals(text):
        return False
    count = len(words(text))
    return (text.endswith(".") and count > 12) or count > 30


def _mark_repeated_headline(
    document: DocumentBlocks, headline: str | None, banner: Block | None, tracker: LineTracker
) -> None:
    """Mark repetitions of the headline as used, such as the one in the second page's banner."""
    headline_words = normalised(headline or "")
    for block in document.blocks:
        if block is banner:
            continue
        if block.kind == "banner":
            text = normalised(plain_text(block.text()))
            if text and text == headline_words:
                for line in block.lines:
                    tracker.mark_used(line)
        elif block.kind in {"loose", "background", "write", "copies", "diplomatic", "front"}:
            _mark_repeated_lines(block, headline_words, tracker)


def _mark_repeated_lines(block: Block, headline_words: str, tracker: LineTracker) -> None:
    """Mark the lines of a block that repeat the headline as used."""
    lines: list[Line] = []
    for line in block.lines:
        if (
            headline_words
            and not line.is_blank
            and len(line.text) < 2 * _MAX_HEADLINE_LENGTH
            and normalised(plain_text(line.text)) == headline_words
            and line.number in tracker.unused
        ):
            tracker.mark_used(line)
            lines.append(Line(line.number, ""))
        else:
            lines.append(line)
    block.lines[:] = lines
