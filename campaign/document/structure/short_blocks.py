"""The short blocks: deadline, languages, people, link to the previous action."""

from __future__ import annotations

import re
from datetime import date

from campaign.document.draft import DraftPerson
from campaign.document.fields.dates import dates
from campaign.document.fields.languages import tongue
from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import Block
from campaign.document.text.emphasis import links, plain
from campaign.document.text.lines import Ledger, shown
from campaign.document.text.normalise import fold, has_words, key, words

_URL = re.compile(r"(?:https?://|(?<![\w./])www\.)[^\s<>\"')\]]{1,1000}", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![\w/])(?:javascript|data|vbscript|file|ftp)\s{0,3}:", re.IGNORECASE)
_GOES_ON = re.compile(r"\s+[^\W\d_a-z][^,;()]{0,80}\(")
_BESIDE_TONGUES = frozenset(
    (
        "auf em en gutem gut good but mais pero aber mas ma sowie preferably preferiblemente lengua langue l language "
        "languages sprache idioma"
    ).split()
)
_PRONOUN = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]")


def read_deadline(block: Block, issued_on: date | None, ledger: Ledger) -> date | None:
    """The labelled date; one without a year is the next such day after the issue date."""
    text = plain(block.text())
    line = block.line
    found = dates(text[:1000])
    for each in block.lines:
        if not each.is_blank and (has_words(each.text) and (dates(each.text) or len(each.text) < 40)):
            ledger.take(each, "deadline")
    if not found:
        if block.kind == "deadline":
            ledger.warn("no-deadline", f"no date stands after the deadline's label: {shown(text)}", line)
        return None
    first = found[0]
    if block.kind != "write":
        _rest(text[: first.start], text[first.end :], block, ledger)
    if first.is_ambiguous:
        ledger.warn(
            "date-ambiguous",
            f"day and month could be the other way round: {shown(text[first.start : first.end])}",
            line,
        )
    if first.year is None:
        guess = first.next_after(issued_on) if issued_on else None
        ledger.warn("deadline-without-year", f"the deadline has no year: {shown(text[first.start : first.end])}", line)
        return guess
    day = first.on()
    if day is None:
        ledger.warn("date-impossible", f"no such day: {shown(text[first.start : first.end])}", line)
    elif issued_on and day < issued_on:
        ledger.warn("deadline-before-issue", f"the deadline {day} is before the issue date {issued_on}", line)
    return day


def _line_of(text: str, block: Block) -> int:
    """The number of the line on which a piece of the block's text begins."""
    first = words(text, 2)
    wanted = " ".join(word.text for word in first)
    return next((line.number for line in block.lines if wanted and wanted in key(line.text)), block.line)


def _rest(before: str, after: str, block: Block, ledger: Ledger) -> None:
    """Says what else stands in the deadline's text, unless it is the usual note or a connecting word."""
    known = vocabulary().words("connectors")
    weekday_or_small = [word.text for word in words(before)]
    if len(weekday_or_small) > 3:
        ledger.warn("deadline-note", f"words before the deadline: {shown(before)}", _line_of(before, block))
    stream = [word.text for word in words(after)]
    while stream and stream[0] in known:
        stream.pop(0)
    if not stream:
        return
    late = [p for phrases in vocabulary().labels.values() for p in phrases if p.kind in {"late", "boilerplate"}]
    if not any(tuple(stream[: len(p.words)]) == p.words for p in late):
        ledger.warn("deadline-note", f"words after the deadline: {shown(after)}", _line_of(after, block))


def read_languages(block: Block, language: str, ledger: Ledger) -> tuple[list[str], bool]:
    """The languages that the block names, the preferred first, and whether the writer's own will do."""
    text = "\n".join(plain(line.text) for line in block.lines if not line.is_blank)
    text, own = _cut_own(text)
    is_label = block.kind == "write"
    found: list[str] = []
    unknown: list[str] = []
    joins = vocabulary().words("or")
    for part in re.split(r"[,;/().:&|]| - ", text):
        for piece in _between(part, joins):
            # A name may be broken over two lines; where it is none, each line speaks for itself.
            for name in [piece] if is_label or _tongue(piece, language) else piece.splitlines():
                codes = _tongues_within(name, language) if is_label else [_tongue(name, language)]
                found += [code for code in codes if code and code not in found]
                if not any(codes) and any(word.text not in _small() for word in words(name)):
                    unknown.append(name.strip())
    for each in block.lines:
        if not each.is_blank:
            ledger.take(each, "languages")
    for piece in unknown if not is_label else ():
        ledger.warn("language-unknown", f"no language is called so: {shown(piece)}", _line_of(piece, block))
    return found, own


def _cut_own(text: str) -> tuple[str, bool]:
    """The text without the sentence on the writer's own language, and whether there was one."""
    stream = words(text)
    names = [word.text for word in stream]
    phrases = [p for each in vocabulary().labels.values() for p in each if p.kind == "own"]
    for phrase in sorted(phrases, key=lambda p: -len(p.words)):
        size = len(phrase.words)
        for at in range(len(names) - size + 1):
            if tuple(names[at : at + size]) == phrase.words:
                return text[: stream[at].start] + text[stream[at + size - 1].end :], True
    return text, False


def _between(text: str, joins: frozenset[str]) -> list[str]:
    pieces: list[str] = []
    start = 0
    for word in words(text):
        if word.text in joins:
            pieces.append(text[start : word.start])
            start = word.end
    return [piece for piece in (*pieces, text[start:]) if has_words(piece)]


def _small() -> frozenset[str]:
    """What can stand before or after a language's name."""
    return vocabulary().words("connectors") | _BESIDE_TONGUES


def _tongues_within(piece: str, language: str) -> list[str]:
    """The languages that a sentence names at its start or after a preposition: `Briefe in gutem Türkisch`."""
    parts = key(piece[:400]).split()
    found: list[str] = []
    for at in range(len(parts)):
        if at and parts[at - 1] not in _small():
            continue
        for end in (at + 2, at + 1):
            code = tongue(" ".join(parts[at:end]), language) if end <= len(parts) else None
            if code and parts[at] not in _small():
                found.append(code)
                break
    return found


def _tongue(piece: str, language: str) -> str | None:
    """A language by its name, with the preposition or the word “language” before it."""
    parts = key(piece).split()
    small = _small()
    while parts and parts[0] in small:
        parts.pop(0)
    while parts and parts[-1] in small:
        parts.pop()
    return tongue(" ".join(parts), language) if parts else None


def read_people(block: Block, gender: Block | None, ledger: Ledger) -> list[DraftPerson]:
    """The people of the case with the pronoun written beside each."""
    if gender is None:
        block, gender = _unlabelled_gender(block)
    text = plain(block.text())
    for each in (*block.lines, *(gender.lines if gender else ())):
        if not each.is_blank:
            ledger.take(each, "people")
    people: list[DraftPerson] = []
    at = 0
    for match in _PRONOUN.finditer(text):
        if not _is_gender(match[1]) and _GOES_ON.match(text, match.end()):
            continue  # `John (Jack) Example (he/him)`
        names = _names(text[at : match.start()])
        people += [DraftPerson(name, _shared(match[1].strip(), len(names))) for name in names]
        at = match.end()
    rest = text[at:].strip(" ,;.")
    if people and rest[:1].islower():
        ledger.warn("people-note", f"words beside the names: {shown(rest)}", block.line)
    elif key(rest) not in {key(" ".join(name)) for name in vocabulary().starts("nothing")}:
        people += _plain_people(text[at:])
    return _with_gender(people, gender, ledger)


def _shared(pronoun: str, people: int) -> str:
    """A pronoun without the word that says it is everybody's: `all she/her`."""
    _, named, value = pronoun.partition(":")
    pronoun = value.strip() if named and value.strip() else pronoun
    first = words(pronoun, 1)
    if people > 1 and first and first[0].text in vocabulary().words("everybody"):
        return pronoun[first[0].end :].strip(" :,") or pronoun
    return pronoun


def _dashed(text: str) -> tuple[str, str] | None:
    """A name and the pronoun after a dash: `Hanad Sample – he/him`."""
    parts = re.split(r"\s[-–—]\s|:\s", text.strip(" ."))
    if len(parts) == 2 and (("/" in parts[1] and len(words(parts[1])) <= 4) or _is_gender(parts[1])):
        return parts[0], parts[1].strip()
    return None


def _is_gender(text: str) -> bool:
    stream = [word.text for word in words(text, 8)]
    known = frozenset[str]().union(*(vocabulary().words(each) for each in ("genders", "pronouns", "everybody", "or")))
    return bool(stream) and all(name in known for name in stream)


def _unlabelled_gender(block: Block) -> tuple[Block, Block | None]:
    """The names, and apart from them a last line that only says a gender."""
    filled = [line for line in block.lines if not line.is_blank]
    if len(filled) < 2 or not _is_gender(filled[-1].text):
        return block, None
    above = " ".join(line.text for line in filled[:-1])
    if above.count("(") > above.count(")"):
        return block, None  # a pronoun that was wrapped within its brackets
    return (
        Block(block.kind, block.language, block.line, filled[:-1]),
        Block("gender", block.language, filled[-1].number, filled[-1:]),
    )


def _plain_people(text: str) -> list[DraftPerson]:
    if not has_words(text):
        return []
    if dashed := _dashed(text):
        return [DraftPerson(name, dashed[1]) for name in _names(dashed[0])]
    before, _, after = text.strip(" .").rpartition(",")
    if before and (("/" in after and len(words(after)) <= 4) or _is_gender(after)):
        return [DraftPerson(name, after.strip()) for name in _names(before)]
    return [DraftPerson(name) for name in _names(text)]


def _names(text: str) -> list[str]:
    joins = vocabulary().words("or")
    found: list[str] = []
    for part in re.split(r"[,;&\n]", text):
        parts = _between(part, joins)
        whole = all(len(words(piece)) >= 2 for piece in parts)
        found += [piece.strip(" .:-–*_") for piece in (parts if whole and len(parts) > 1 else [_trim(part, joins)])]
    return [name for name in found if has_words(name)]


def _trim(text: str, joins: frozenset[str]) -> str:
    first = words(text, 1)
    return text[first[0].end :].strip() if first and first[0].text in joins else text.strip()


def _with_gender(people: list[DraftPerson], gender: Block | None, ledger: Ledger) -> list[DraftPerson]:
    """Spreads the old template's `Gender m/f:` over the names above it."""
    if gender is None or not people:
        return people
    filled = [line for line in gender.lines if not line.is_blank]
    if filled and _is_gender(filled[0].text):
        for line in filled[1:]:
            if not _is_gender(line.text):
                ledger.warn("people-note", f"words below the gender: {shown(line.text)}", line.number)
                filled.remove(line)
    text = " ".join(plain(line.text) for line in filled)
    everybody = vocabulary().words("everybody")
    given = [part.strip(" .") for part in re.split(r"[,;/&]", text) if has_words(part)]
    parts = [piece.strip(" .") for part in given for piece in _between(part, vocabulary().words("or"))]
    if len(parts) == 1 and words(parts[0]) and words(parts[0])[0].text in everybody:
        parts = [parts[0][words(parts[0])[0].end :].strip() or parts[0]]
    if len(parts) == 1 and parts[0]:
        return [DraftPerson(each.name, each.pronoun or parts[0]) for each in people]
    if len(parts) == len(people):
        return [DraftPerson(each.name, each.pronoun or part) for each, part in zip(people, parts, strict=True)]
    if text:
        ledger.warn("gender-unclear", f"whose gender is which is not said: {shown(text)}", gender.line)
    return people


def _beside(block: Block, before: str, after: str, ledger: Ledger) -> None:
    """Says what stands beside the address; before it, the sentence on an update says what is known."""
    words_beside = f"{before if block.kind == 'previous' else ''} {after}"
    if has_words(words_beside):
        ledger.warn(
            "previous-note", f"words beside the previous action's link: {shown(plain(words_beside))}", block.line
        )


def is_address(text: str) -> bool:
    """Whether a text is an address of the web."""
    return _URL.match(text) is not None


def read_previous(block: Block, ledger: Ledger) -> str | None:
    """The address of the previous action, else the text that stands for it, else None."""
    text = block.text().strip()
    is_found = False
    for each in block.lines:
        # Under the address nothing is expected, so that what stands there stays open.
        if not each.is_blank and not is_found:
            ledger.take(each, "previous")
            is_found = bool(links(each.text) or _URL.search(each.text))
    for link in links(text):
        if link.target.lower().startswith(("http://", "https://")):
            _beside(block, text[: link.start], text[link.end :], ledger)
            return link.target
    bare = plain(text)
    if match := _URL.search(text):
        _beside(block, text[: match.start()], text[match.end() :], ledger)
        return match.group().rstrip(".,;*_")
    if _SCHEME.search(text) or any(link.target for link in links(text)):
        ledger.warn("link-dropped", f"a link that is no web address is left out: {shown(text)}", block.line)
        return None
    nothing = {key(" ".join(name)) for name in vocabulary().starts("nothing")}
    if not has_words(bare) or key(bare) in nothing or fold(bare).strip(" .-") in {"", "n/a"}:
        return None
    return bare
