"""Those the letter is addressed to: the lines of an address block, grouped by target and told apart."""

from __future__ import annotations

import re

from campaign.document.draft import DraftTarget
from campaign.document.fields.contacts import awaits_salutation, has_contact, is_emails, split, without_links
from campaign.document.labels import vocabulary
from campaign.document.structure.letter import is_salutation
from campaign.document.structure.target_lines import is_embassy, is_role, read_target
from campaign.document.text.emphasis import is_bold, plain
from campaign.document.text.lines import Ledger, Line, paragraphs, shown
from campaign.document.text.normalise import key, words

_POSTAGE = re.compile(
    r"(?:[€$£]|(?:EUR|USD|CHF|GBP|Fr\.)) ?\d{1,2}[.,]\d\d(?!\d)|(?<!\d)\d{1,2}[.,]\d\d ?(?:€|EUR|CHF|Euro)"
)
_SENTENCE = 9  # words in a line that ends in a full stop: not an address


def read_targets(lines: list[Line], kind: str, language: str, ledger: Ledger) -> list[DraftTarget]:
    """The targets in these lines, in their order."""
    found: list[DraftTarget] = []
    if kind == "embassy":
        lines = _without_blanks_to_fill(lines, ledger)
    for group in _groups(lines, ledger):
        target = read_target(group, kind, language, ledger)
        if target:
            found.append(target)
    return found


def _without_blanks_to_fill(lines: list[Line], ledger: Ledger) -> list[Line]:
    """The lines without the rest of the request itself and the empty form for local embassies."""
    known = vocabulary().words("form") | vocabulary().words("placeholders")
    kept: list[Line] = []
    for line in lines:
        is_request = line.is_cut and not has_contact(line.text) and not is_embassy(line.text)
        stream = [word.text for word in words(line.text, 60)]
        if not line.is_blank and (is_request or all(name in known or name in "123456" for name in stream)):
            _drop(line, ledger, "label:diplomatic")
        else:
            kept.append(line)
    return kept


def _groups(lines: list[Line], ledger: Ledger) -> list[list[Line]]:
    """The lines of each target: parted by a blank line, a salutation, or a new role after contact lines."""
    groups: list[list[Line]] = []
    ended = True
    had_contact = False  # in the group that is open
    for paragraph in _merged(paragraphs(lines)):
        kept = [line for line in paragraph if not _is_prose(line, ledger)]
        if not kept:
            continue
        if groups and not ended and (_only_contacts(kept) or not _is_begun(groups[-1])):
            pass
        else:
            ended = True
        for line in kept:
            if ended or (groups and _begins(line, groups[-1], had_contact=had_contact)):
                groups.append([])
                ended = had_contact = False
            groups[-1].append(line)
            had_contact = had_contact or has_contact(line.text)
            if _has_salutation(line) or (len(groups[-1]) > 1 and awaits_salutation(groups[-1][-2].text)):
                ended = True
    return _joined(groups)


def _joined(groups: list[list[Line]]) -> list[list[Line]]:
    """Contact lines that a salutation parted from their target go back to it."""
    joined: list[list[Line]] = []
    for group in groups:
        if joined and _only_contacts(group):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _merged(groups: list[list[Line]]) -> list[list[Line]]:
    """Where every line is a paragraph of its own, blank lines part nothing."""
    singles = sum(len(group) == 1 for group in groups)
    if len(groups) < 3 or singles < len(groups):
        return groups
    return [[line for group in groups for line in group]]


def _is_begun(group: list[Line]) -> bool:
    """Whether a target has more than its role, so that a blank line can end it."""
    return len(group) > 1


def _only_contacts(group: list[Line]) -> bool:
    return all(
        split(without_links(line.text))[0].kind
        or is_emails(without_links(line.text))
        or (has_contact(line.text) and not _is_role(line))
        for line in group
    )


def _has_salutation(line: Line) -> bool:
    return any(piece.kind == "salutation" and piece.text for piece in split(without_links(line.text)))


def _is_role(line: Line) -> bool:
    return any(word.text in vocabulary().words("roles") for word in words(line.text, 12))


def _begins(line: Line, group: list[Line], *, had_contact: bool) -> bool:
    """Whether a line under others begins the next target."""
    if has_contact(line.text) and (split(without_links(line.text))[0].kind or is_emails(without_links(line.text))):
        return False
    if is_bold(line.text) and len(group) > 1 and (had_contact or not is_bold(group[-1].text)):
        return True
    return had_contact and has_contact(group[-1].text) and _is_role(line) and len(words(line.text)) <= 14


def _is_prose(line: Line, ledger: Ledger) -> bool:
    """A sentence among the addresses is no address; it stays open and so becomes a warning."""
    text = plain(line.text)
    if _instructs(text):
        ledger.warn("unplaced-line", f"an instruction among the addresses: {shown(text)}", line.number)
        return _drop(line, ledger, "warning")
    if has_contact(line.text):
        return False
    if _POSTAGE.search(text):
        return _drop(line, ledger, "label:boilerplate")
    count = len(words(text, 60))
    if (count >= _SENTENCE and text.endswith((".", "!", "?", ".)", "!)"))) or count > 35:
        ledger.warn("unplaced-line", f"a sentence among the addresses: {shown(text)}", line.number)
        return _drop(line, ledger, "warning")
    return key(text) in {"or", "and", "ou", "et", "y", "o", "und", "oder"} and _drop(line, ledger)


def _instructs(text: str) -> bool:
    """Whether a line announces what stands below it: `Only send post to the embassy:`, `Write, fax or call:`."""
    if not text.endswith(":") or "@" in text:
        return False
    pieces = split(text)
    if len(pieces) == 1 and pieces[0].kind is not None:
        return False  # `Fax:`, whose number stands below
    count = len(words(text, 60))
    return count > 1 and not is_salutation(text) and not any(is_role(part) for part in text.split()[:2])


def _drop(line: Line, ledger: Ledger, by: str = "label:connector") -> bool:
    ledger.take(line, by)
    return True
