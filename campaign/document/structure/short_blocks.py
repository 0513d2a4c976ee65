"""The short blocks: deadline, languages, people, link to the previous action."""

from __future__ import annotations

import re
from datetime import date

from campaign.document.draft import DraftPerson
from campaign.document.fields.dates import find_dates
from campaign.document.fields.languages import language_code
from campaign.document.labels import vocabulary
from campaign.document.structure.blocks import Block
from campaign.document.text.emphasis import find_links, plain_text
from campaign.document.text.lines import LineTracker, excerpt
from campaign.document.text.normalise import has_words, normalise, normalised, words

_URL = re.compile(r"(?:https?://|(?<![\w./])www\.)[^\s<>\"')\]]{1,1000}", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![\w/])(?:javascript|data|vbscript|file|ftp)\s{0,3}:", re.IGNORECASE)
_NAME_CONTINUES = re.compile(r"\s+[^\W\d_a-z][^,;()]{0,80}\(")
_BESIDE_LANGUAGES = frozenset(
    (
        "auf em en gutem gut good but mais pero aber mas ma sowie preferably preferiblemente lengua langue l language "
        "languages sprache idioma"
    ).split()
)
_PRONOUN = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]")


def read_deadline(block: Block, issued_on: date | None, tracker: LineTracker) -> date | None:
    """Return the labelled date, or None; a date without a year is the next such day after the issue date."""
    text = plain_text(block.text())
    line = block.line
    found_dates = find_dates(text[:1000])
    for each in block.lines:
        if not each.is_blank and (has_words(each.text) and (find_dates(each.text) or len(each.text) < 40)):
            tracker.mark_used(each, "deadline")
    if not found_dates:
        if block.kind == "deadline":
            tracker.warn("no-deadline", f"no date stands after the deadline's label: {excerpt(text)}", line)
        return None
    first = found_dates[0]
    if block.kind != "write":
        _warn_of_other_words(text[: first.start], text[first.end :], block, tracker)
    if first.is_ambiguous:
        tracker.warn(
            "date-ambiguous",
            f"day and month could be the other way round: {excerpt(text[first.start : first.end])}",
            line,
        )
    if first.year is None:
        guess = first.next_after(issued_on) if issued_on else None
        tracker.warn(
            "deadline-without-year", f"the deadline has no year: {excerpt(text[first.start : first.end])}", line
        )
        return guess
    day = first.to_date()
    if day is None:
        tracker.warn("date-impossible", f"no such day: {excerpt(text[first.start : first.end])}", line)
    elif issued_on and day < issued_on:
        tracker.warn("deadline-before-issue", f"the deadline {day} is before the issue date {issued_on}", line)
    return day


def _line_of(text: str, block: Block) -> int:
    """Return the number of the line on which a piece of the block's text begins."""
    first = words(text, 2)
    beginning = " ".join(word.text for word in first)
    return next((line.number for line in block.lines if beginning and beginning in normalised(line.text)), block.line)


def _warn_of_other_words(before: str, after: str, block: Block, tracker: LineTracker) -> None:
    """Warn of other words in the deadline's text, except the usual note and connecting words."""
    known = vocabulary().single_words("connectors")
    weekday_or_small = [word.text for word in words(before)]
    if len(weekday_or_small) > 3:
        tracker.warn("deadline-note", f"words before the deadline: {excerpt(before)}", _line_of(before, block))
    stream = [word.text for word in words(after)]
    while stream and stream[0] in known:
        stream.pop(0)
    if not stream:
        return
    late = [p for phrases in vocabulary().labels.values() for p in phrases if p.kind in {"late", "boilerplate"}]
    if not any(tuple(stream[: len(p.words)]) == p.words for p in late):
        tracker.warn("deadline-note", f"words after the deadline: {excerpt(after)}", _line_of(after, block))


def read_languages(block: Block, language: str, tracker: LineTracker) -> tuple[list[str], bool]:
    """Return the codes of the named languages, the preferred one first, and whether the writer's own is welcome."""
    text = "\n".join(plain_text(line.text) for line in block.lines if not line.is_blank)
    text, is_own_welcome = _cut_own(text)
    is_label = block.kind == "write"
    languages: list[str] = []
    unknown: list[str] = []
    joining_words = vocabulary().single_words("or")
    for part in re.split(r"[,;/().:&|]| - ", text):
        for piece in _split_at_words(part, joining_words):
            # A name may be broken over two lines; if they form no name together, each line is read separately.
            for name in [piece] if is_label or _named_language(piece, language) else piece.splitlines():
                codes = _languages_within(name, language) if is_label else [_named_language(name, language)]
                languages += [code for code in codes if code and code not in languages]
                if not any(codes) and any(word.text not in _connecting_words() for word in words(name)):
                    unknown.append(name.strip())
    for each in block.lines:
        if not each.is_blank:
            tracker.mark_used(each, "languages")
    for piece in unknown if not is_label else ():
        tracker.warn("language-unknown", f"no language is called so: {excerpt(piece)}", _line_of(piece, block))
    return languages, is_own_welcome


def _cut_own(text: str) -> tuple[str, bool]:
    """Return the text without the sentence on the writer's own language, and whether there was one."""
    stream = words(text)
    tokens = [word.text for word in stream]
    phrases = [p for each in vocabulary().labels.values() for p in each if p.kind == "own"]
    for phrase in sorted(phrases, key=lambda p: -len(p.words)):
        size = len(phrase.words)
        for index in range(len(tokens) - size + 1):
            if tuple(tokens[index : index + size]) == phrase.words:
                return text[: stream[index].start] + text[stream[index + size - 1].end :], True
    return text, False


def _split_at_words(text: str, joining_words: frozenset[str]) -> list[str]:
    pieces: list[str] = []
    start = 0
    for word in words(text):
        if word.text in joining_words:
            pieces.append(text[start : word.start])
            start = word.end
    return [piece for piece in (*pieces, text[start:]) if has_words(piece)]


def _connecting_words() -> frozenset[str]:
    """Return the words that can stand before or after a language's name."""
    return vocabulary().single_words("connectors") | _BESIDE_LANGUAGES


def _languages_within(piece: str, language: str) -> list[str]:
    """Return the languages that a sentence names at its start or after a preposition: `Briefe in gutem Türkisch`."""
    parts = normalised(piece[:400]).split()
    languages: list[str] = []
    for start in range(len(parts)):
        if start and parts[start - 1] not in _connecting_words():
            continue
        for end in (start + 2, start + 1):
            code = language_code(" ".join(parts[start:end]), language) if end <= len(parts) else None
            if code and parts[start] not in _connecting_words():
                languages.append(code)
                break
    return languages


def _named_language(piece: str, language: str) -> str | None:
    """Return the code of a language by its name, without the preposition or the word “language” beside it."""
    parts = normalised(piece).split()
    connecting = _connecting_words()
    while parts and parts[0] in connecting:
        parts.pop(0)
    while parts and parts[-1] in connecting:
        parts.pop()
    return language_code(" ".join(parts), language) if parts else None


def read_people(block: Block, gender: Block | None, tracker: LineTracker) -> list[DraftPerson]:
    """Return the people of the case, each with the pronoun beside the name."""
    if gender is None:
        block, gender = _unlabelled_gender(block)
    text = plain_text(block.text())
    for each in (*block.lines, *(gender.lines if gender else ())):
        if not each.is_blank:
            tracker.mark_used(each, "people")
    people: list[DraftPerson] = []
    position = 0
    for match in _PRONOUN.finditer(text):
        if not _is_gender(match[1]) and _NAME_CONTINUES.match(text, match.end()):
            continue  # `John (Jack) Example (he/him)`
        names = _split_names(text[position : match.start()])
        people += [DraftPerson(name, _without_everybody(match[1].strip(), len(names))) for name in names]
        position = match.end()
    rest = text[position:].strip(" ,;.")
    if people and rest[:1].islower():
        tracker.warn("people-note", f"words beside the names: {excerpt(rest)}", block.line)
    elif normalised(rest) not in {normalised(" ".join(name)) for name in vocabulary().phrases("nothing")}:
        people += _plain_people(text[position:])
    return _with_gender(people, gender, tracker)


def _without_everybody(pronoun: str, people: int) -> str:
    """Return a pronoun without the word that extends it to all people: `all she/her`."""
    _, colon, value = pronoun.partition(":")
    pronoun = value.strip() if colon and value.strip() else pronoun
    first = words(pronoun, 1)
    if people > 1 and first and first[0].text in vocabulary().single_words("everybody"):
        return pronoun[first[0].end :].strip(" :,") or pronoun
    return pronoun


def _name_and_pronoun(text: str) -> tuple[str, str] | None:
    """Return a name and the pronoun after a dash, or None: `Hanad Sample – he/him`."""
    parts = re.split(r"\s[-–—]\s|:\s", text.strip(" ."))
    if len(parts) == 2 and (("/" in parts[1] and len(words(parts[1])) <= 4) or _is_gender(parts[1])):
        return parts[0], parts[1].strip()
    return None


def _is_gender(text: str) -> bool:
    """Return whether the text holds nothing but words for gender and pronouns."""
    stream = [word.text for word in words(text, 8)]
    known = frozenset[str]().union(
        *(vocabulary().single_words(each) for each in ("genders", "pronouns", "everybody", "or"))
    )
    return bool(stream) and all(name in known for name in stream)


def _unlabelled_gender(block: Block) -> tuple[Block, Block | None]:
    """Return the block of names, and a last line that only holds a gender as a block of its own."""
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
    """Return the people in a text without brackets."""
    if not has_words(text):
        return []
    if dashed := _name_and_pronoun(text):
        return [DraftPerson(name, dashed[1]) for name in _split_names(dashed[0])]
    before, _, after = text.strip(" .").rpartition(",")
    if before and (("/" in after and len(words(after)) <= 4) or _is_gender(after)):
        return [DraftPerson(name, after.strip()) for name in _split_names(before)]
    return [DraftPerson(name) for name in _split_names(text)]


def _split_names(text: str) -> list[str]:
    """Return the names in a text."""
    joining_words = vocabulary().single_words("or")
    names: list[str] = []
    for part in re.split(r"[,;&\n]", text):
        parts = _split_at_words(part, joining_words)
        are_whole_names = all(len(words(piece)) >= 2 for piece in parts)
        names += [
            piece.strip(" .:-–*_")
            for piece in (parts if are_whole_names and len(parts) > 1 else [_without_leading_word(part, joining_words)])
        ]
    return [name for name in names if has_words(name)]


def _without_leading_word(text: str, joining_words: frozenset[str]) -> str:
    first = words(text, 1)
    return text[first[0].end :].strip() if first and first[0].text in joining_words else text.strip()


def _with_gender(people: list[DraftPerson], gender: Block | None, tracker: LineTracker) -> list[DraftPerson]:
    """Return the people with the values of the old template's `Gender m/f:` block."""
    if gender is None or not people:
        return people
    filled = [line for line in gender.lines if not line.is_blank]
    if filled and _is_gender(filled[0].text):
        for line in filled[1:]:
            if not _is_gender(line.text):
                tracker.warn("people-note", f"words below the gender: {excerpt(line.text)}", line.number)
                filled.remove(line)
    text = " ".join(plain_text(line.text) for line in filled)
    everybody = vocabulary().single_words("everybody")
    given = [part.strip(" .") for part in re.split(r"[,;/&]", text) if has_words(part)]
    parts = [piece.strip(" .") for part in given for piece in _split_at_words(part, vocabulary().single_words("or"))]
    if len(parts) == 1 and words(parts[0]) and words(parts[0])[0].text in everybody:
        parts = [parts[0][words(parts[0])[0].end :].strip() or parts[0]]
    if len(parts) == 1 and parts[0]:
        return [DraftPerson(each.name, each.pronoun or parts[0]) for each in people]
    if len(parts) == len(people):
        return [DraftPerson(each.name, each.pronoun or part) for each, part in zip(people, parts, strict=True)]
    if text:
        tracker.warn("gender-unclear", f"whose gender is which is not said: {excerpt(text)}", gender.line)
    return people


def _warn_of_words_beside(block: Block, before: str, after: str, tracker: LineTracker) -> None:
    """Warn of words beside the address; before it only under its own label, since the update's sentence is known."""
    words_beside = f"{before if block.kind == 'previous' else ''} {after}"
    if has_words(words_beside):
        tracker.warn(
            "previous-note", f"words beside the previous action's link: {excerpt(plain_text(words_beside))}", block.line
        )


def is_address(text: str) -> bool:
    """Return whether a text begins with a web address."""
    return _URL.match(text) is not None


def read_previous(block: Block, tracker: LineTracker) -> str | None:
    """Return the address of the previous action, else the text in its place, else None."""
    text = block.text().strip()
    is_found = False
    for each in block.lines:
        # Nothing is expected below the address, so lines there stay unused and become warnings.
        if not each.is_blank and not is_found:
            tracker.mark_used(each, "previous")
            is_found = bool(find_links(each.text) or _URL.search(each.text))
    for link in find_links(text):
        if link.target.lower().startswith(("http://", "https://")):
            _warn_of_words_beside(block, text[: link.start], text[link.end :], tracker)
            return link.target
    bare = plain_text(text)
    if match := _URL.search(text):
        _warn_of_words_beside(block, text[: match.start()], text[match.end() :], tracker)
        return match.group().rstrip(".,;*_")
    if _SCHEME.search(text) or any(link.target for link in find_links(text)):
        tracker.warn("link-dropped", f"a link that is no web address is left out: {excerpt(text)}", block.line)
        return None
    nothing = {normalised(" ".join(name)) for name in vocabulary().phrases("nothing")}
    if not has_words(bare) or normalised(bare) in nothing or normalise(bare).strip(" .-") in {"", "n/a"}:
        return None
    return bare
