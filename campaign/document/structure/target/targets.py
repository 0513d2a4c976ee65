"""The recipients of the letter: the lines of an address block, grouped by target."""

from __future__ import annotations

import re

from campaign.document.draft import DraftTarget
from campaign.document.fields.contacts import (
    awaits_salutation,
    has_contact,
    has_only_emails,
    split_contacts,
    without_links,
)
from campaign.document.fields.languages import country_at_end
from campaign.document.labels import vocabulary
from campaign.document.structure.letter import is_salutation
from campaign.document.structure.target.one_line_target import is_whole_target, part_target
from campaign.document.structure.target.target_doubts import find_doubt
from campaign.document.structure.target.target_lines import (
    has_honorific,
    is_embassy,
    is_name,
    is_role,
    read_target,
    title_and_name,
)
from campaign.document.text.emphasis import is_bold, plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt, split_paragraphs
from campaign.document.text.normalise import normalised, words

_RULE = re.compile(r"\s*(?:\*{3,}|_{3,}|={3,}|-{3,})\s*")
_POSTAGE = re.compile(
    r"(?:[€$£]|(?:EUR|USD|CHF|GBP|Fr\.)) ?\d{1,2}[.,]\d\d(?!\d)|(?<!\d)\d{1,2}[.,]\d\d ?(?:€|EUR|CHF|Euro|euro)"
)
_WEB_ADDRESS = re.compile(r"(?:[\w -]{1,30}: ?)?https?://\S{1,300}")
_MAX_ROLE_WORDS = 14  # of a line that begins a target
_NUMBERED = re.compile(r"^[\s*_]{0,8}\d{1,2}[.)]\s+[^\W\d_]")
_MIN_SENTENCE_WORDS = 9  # a shorter line with a full stop at its end can be part of an address


def read_targets(lines: list[Line], kind: str, language: str, tracker: LineTracker) -> list[DraftTarget]:
    """Return the targets in these lines, in their order."""
    targets: list[DraftTarget] = []
    if kind == "embassy":
        lines = _without_empty_form(lines, tracker)
    for group in _group_by_target(_without_notes(lines, tracker), language, tracker):
        target = read_target([*part_target(group[0], tracker), *group[1:]], kind, language, tracker)
        if target:
            targets.append(target)
            if doubt := find_doubt(target, language):
                numbers = tuple(line.number for line in group)
                tracker.warn("target-unclear", doubt, numbers[0], numbers)
    return targets


def _without_empty_form(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without the request for copies to embassies and its empty form, and mark those as used."""
    form_words = vocabulary().single_words("form") | vocabulary().single_words("placeholders")
    result: list[Line] = []
    for line in lines:
        is_request = line.is_label_rest and not has_contact(line.text) and not is_embassy(line.text)
        texts = [word.text for word in words(line.text, 60)]
        if not line.is_blank and (is_request or all(word in form_words or word in "123456" for word in texts)):
            tracker.mark_used(line)
        else:
            result.append(line)
    return result


def _without_notes(lines: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines without notes in brackets, which may be broken over lines: `[NB: The fax is often off.]`."""
    result: list[Line] = []
    is_inside = False
    for line in lines:
        if _RULE.fullmatch(line.text) and any(has_contact(other.text) for other in result):
            break  # below a rule the appeal's addresses have ended; what follows stays unused
        text = plain_text(line.text)
        begins = text.startswith("[") and text.find("]") in {-1, len(text) - 1} and not has_contact(text.strip("[]"))
        if is_inside or begins or _is_bracketed_note(text):
            tracker.warn("unplaced-line", f"a note among the addresses: {excerpt(text)}", line.number)
            tracker.mark_used(line)
            is_inside = (is_inside or begins) and "]" not in text and not line.is_blank
        else:
            result.append(line)
    return result


def _is_bracketed_note(text: str) -> bool:
    """Return whether a line is a note in round brackets, which is no contact: `(Subject: for the Minister)`."""
    if not (text.startswith("(") and text.endswith(")") and text.count("(") == 1):
        return False
    return not has_contact(text.strip("()")) and len(words(text, 3)) > 1 and not _POSTAGE.search(text)


def _group_by_target(lines: list[Line], language: str, tracker: LineTracker) -> list[list[Line]]:
    """Return the lines of each target, parted by what the lines say, and by blank lines."""
    groups: list[list[Line]] = []
    is_complete = True
    had_contact = False  # in the current group
    for paragraph in _merge_single_lines(split_paragraphs(lines)):
        address_lines = _address_lines(paragraph, tracker)
        if not address_lines:
            continue
        # A target that has only one line so far continues after a blank line.
        is_complete = is_complete or not groups or not (_only_contacts(address_lines) or len(groups[-1]) <= 1)
        for position, line in enumerate(address_lines):
            below = address_lines[position + 1] if position + 1 < len(address_lines) else None
            if is_complete or (groups and _begins_target(line, groups[-1], below, language, had_contact=had_contact)):
                groups.append([])
                is_complete = had_contact = False
            groups[-1].append(line)
            had_contact = had_contact or has_contact(line.text)
            if _has_salutation(line) or (len(groups[-1]) > 1 and awaits_salutation(groups[-1][-2].text)):
                is_complete = True
    return _rejoin_contacts(groups)


def _rejoin_contacts(groups: list[list[Line]]) -> list[list[Line]]:
    """Return the groups, with contact lines below a salutation joined to the target above them."""
    joined: list[list[Line]] = []
    for group in groups:
        if joined and _only_contacts(group):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _merge_single_lines(groups: list[list[Line]]) -> list[list[Line]]:
    """Return the groups, or one group of all lines if each line is a paragraph of its own."""
    if len(groups) < 3 or any(len(group) > 1 for group in groups):
        return groups
    return [[line for group in groups for line in group]]


def _only_contacts(group: list[Line]) -> bool:
    """Return whether all lines of a group begin with contact details, and so continue the target above."""
    return all(
        split_contacts(without_links(line.text))[0].kind
        or has_only_emails(without_links(line.text))
        or (has_contact(line.text) and not _names_role(line) and not is_whole_target(line, "en"))
        for line in group
    )


def _has_salutation(line: Line) -> bool:
    return any(piece.kind == "salutation" and piece.text for piece in split_contacts(without_links(line.text)))


def _names_role(line: Line) -> bool:
    return any(word.text in vocabulary().single_words("roles") for word in words(line.text, 12))


def _begins_target(line: Line, group: list[Line], below: Line | None, language: str, *, had_contact: bool) -> bool:
    """Return whether a line below the lines of a target begins the next target."""
    if is_whole_target(line, language):
        return True
    if has_contact(line.text) and (
        split_contacts(without_links(line.text))[0].kind or has_only_emails(without_links(line.text))
    ):
        return False
    if is_bold(line.text) and len(group) > 1 and (had_contact or not is_bold(group[-1].text)):
        return True
    if len(words(line.text, 20)) > _MAX_ROLE_WORDS:
        return False
    text = plain_text(line.text)
    names_holder = _names_role(line) or is_embassy(text) or title_and_name(text) is not None or _is_numbered(line)
    names_person = is_name(text) and below is not None and (has_honorific(text) or _names_role(below))
    if had_contact:
        return has_contact(group[-1].text) and (names_holder or names_person)
    return _ends_in_country(group, language) and (
        names_person or (names_holder and not _ends_in_country([line], language))
    )


def _is_numbered(line: Line) -> bool:
    """Return whether a line begins with a number in a list of targets: `2. Chief Justice`."""
    return _NUMBERED.match(line.text) is not None


def _ends_in_country(group: list[Line], language: str) -> bool:
    """Return whether the last line of a group, which has more than one line, ends in the name of a country."""
    last = plain_text(group[-1].text)
    return len(group) > 1 and country_at_end(last, language) is not None and not is_embassy(last) and not is_role(last)


def _address_lines(paragraph: list[Line], tracker: LineTracker) -> list[Line]:
    """Return the lines of a paragraph that belong to an address, and mark the others as used."""
    lines: list[Line] = []
    for line in paragraph:
        if _is_outside_address(line, tracker):
            tracker.mark_used(line)
        else:
            lines.append(line)
    return lines


def _is_outside_address(line: Line, tracker: LineTracker) -> bool:
    """Return whether a line is an instruction, a price of postage, a sentence or a joining word.

    Adds a warning for an instruction and for a sentence.
    """
    text = plain_text(line.text)
    if _is_request(text) or _is_for_signer(text):
        tracker.warn("unplaced-line", f"no part of an address: {excerpt(text)}", line.number)
        return True
    if _is_instruction(text):
        tracker.warn("unplaced-line", f"an instruction among the addresses: {excerpt(text)}", line.number)
        return True
    if has_contact(line.text):
        return False
    if _WEB_ADDRESS.fullmatch(text):
        tracker.warn("unplaced-line", f"a web address among the addresses: {excerpt(text)}", line.number)
        return True
    if line.is_label_rest and text.endswith(".") and not any(char.isdigit() or char == "," for char in text):
        tracker.warn("unplaced-line", f"a sentence above the addresses: {excerpt(text)}", line.number)
        return True
    if _POSTAGE.search(text) and not is_whole_target(line, "en"):
        return True
    count = len(words(text, 60))
    if (count >= _MIN_SENTENCE_WORDS and text.endswith((".", "!", "?", ".)", "!)"))) or count > 35:
        tracker.warn("unplaced-line", f"a sentence among the addresses: {excerpt(text)}", line.number)
        return True
    return normalised(text) in {"or", "and", "ou", "et", "y", "o", "und", "oder"}


def _is_request(text: str) -> bool:
    """Return whether a line asks the reader for something, explains the addresses, or belongs to the page around."""
    line_words = tuple(word.text for word in words(text, 60))
    requests = vocabulary().phrases("requests")
    if len(line_words) > 3 and any(line_words[: len(phrase)] == phrase for phrase in requests):
        return not _has_salutation_word(text)
    is_footnote = text.startswith(("(*)", "***", "©"))
    return is_footnote or (re.search(r"\w [·|»] \w", text) is not None and not has_contact(text))


def _has_salutation_word(text: str) -> bool:
    return any(piece.kind == "salutation" for piece in split_contacts(text))


def _is_for_signer(text: str) -> bool:
    """Return whether a line is to be filled in by the signer: `Name: .......... Signature:`."""
    form_words = vocabulary().single_words("placeholders")
    line_words = [word.text for word in words(text, 20)]
    is_form = bool(line_words) and all(word in form_words for word in line_words)
    return is_form and (text.endswith(" :") or "..." in text or "___" in text)


def _is_instruction(text: str) -> bool:
    """Return whether a line announces the lines below, such as `Only send post to the embassy:`."""
    if not text.endswith(":") or "@" in text:
        return False
    pieces = split_contacts(text)
    if len(pieces) == 1 and pieces[0].kind is not None:
        return False  # `Fax:`, whose number is on the next line
    count = len(words(text, 60))
    return count > 1 and not is_salutation(text) and not any(is_role(part) for part in text.split()[:2])
