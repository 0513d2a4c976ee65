"""Reading of the short blocks of a document: deadline, languages, people, link to the previous action."""

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
_OTHER_SCHEME = re.compile(r"(?<![\w/])(?:javascript|data|vbscript|file|ftp)\s{0,3}:", re.IGNORECASE)
# After brackets: a further part of the name, and brackets again.
_NAME_CONTINUES = re.compile(r"\s+[^\W\d_a-z][^,;()]{0,80}\(")
_WORDS_AROUND_LANGUAGES = frozenset(
    (
        "auf em en gutem gut good but mais pero aber mas ma sowie preferably preferiblemente lengua langue l language "
        "languages sprache idioma"
    ).split()
)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,60})[)\]]")


def read_deadline(block: Block, issued_on: date | None, tracker: LineTracker) -> date | None:
    """Return the deadline in the block, or None; a date without a year is the next such date after the issue date."""
    text = plain_text(block.text())
    line_number = block.line
    found_dates = find_dates(text[:1000])
    for line in block.lines:
        if not line.is_blank and (has_words(line.text) and (find_dates(line.text) or len(line.text) < 40)):
            tracker.mark_used(line)
    if not found_dates:
        if block.kind == "deadline":
            tracker.warn("no-deadline", f"no date after the deadline's label: {excerpt(text)}", line_number)
        return None
    first_date = found_dates[0]
    if block.kind != "write":
        _warn_of_words_around_date(text[: first_date.start], text[first_date.end :], block, tracker)
    if first_date.is_ambiguous:
        tracker.warn(
            "date-ambiguous",
            f"day and month could be the other way round: {excerpt(text[first_date.start : first_date.end])}",
            line_number,
        )
    if first_date.year is None:
        next_date = first_date.next_after(issued_on) if issued_on else None
        tracker.warn(
            "deadline-without-year",
            f"the deadline has no year: {excerpt(text[first_date.start : first_date.end])}",
            line_number,
        )
        return next_date
    day = first_date.to_date()
    if day is None:
        tracker.warn("date-impossible", f"no such day: {excerpt(text[first_date.start : first_date.end])}", line_number)
    elif issued_on and day < issued_on:
        tracker.warn("deadline-before-issue", f"the deadline {day} is before the issue date {issued_on}", line_number)
    return day


def _line_number_of(text: str, block: Block) -> int:
    """Return the number of the line on which a piece of the block's text begins."""
    first_words = words(text, 2)
    beginning = " ".join(word.text for word in first_words)
    return next((line.number for line in block.lines if beginning and beginning in normalised(line.text)), block.line)


def _warn_of_words_around_date(before: str, after: str, block: Block, tracker: LineTracker) -> None:
    """Warn of words before and after the date, except connecting words and the usual note on late appeals."""
    connectors = vocabulary().single_words("connectors")
    words_before = [word.text for word in words(before)]
    if len(words_before) > 3:  # fewer are a weekday or connecting words
        tracker.warn("deadline-note", f"words before the deadline: {excerpt(before)}", _line_number_of(before, block))
    words_after = [word.text for word in words(after)]
    while words_after and words_after[0] in connectors:
        words_after.pop(0)
    if not words_after:
        return
    notes = [
        phrase
        for phrases in vocabulary().labels.values()
        for phrase in phrases
        if phrase.kind in {"late", "boilerplate"}
    ]
    if not any(tuple(words_after[: len(phrase.words)]) == phrase.words for phrase in notes):
        tracker.warn("deadline-note", f"words after the deadline: {excerpt(after)}", _line_number_of(after, block))


def read_languages(block: Block, language: str, tracker: LineTracker) -> tuple[list[str], bool]:
    """Return the codes of the languages to write in, in their order, and whether the writer's own is welcome.

    `language` is the language of the document, in which it names the languages.
    """
    text = "\n".join(plain_text(line.text) for line in block.lines if not line.is_blank)
    text, is_own_welcome = _cut_own_language(re.sub("(?<= )و(?=ال)", "و ", text))  # Arabic joins “and” to a word
    is_write_block = block.kind == "write"  # its text is a sentence, not a list of languages
    languages: list[str] = []
    unknown_names: list[str] = []
    joining_words = vocabulary().single_words("or")
    for part in re.split(r"[,;/().:&|]| - ", text):
        for piece in _split_at_words(part, joining_words):
            # A name may be broken over two lines. If they are not a name together, each line is read separately.
            for name in [piece] if is_write_block or _named_language(piece, language) else piece.splitlines():
                codes = _languages_within(name, language) if is_write_block else [_named_language(name, language)]
                languages += [code for code in codes if code and code not in languages]
                if not any(codes) and any(word.text not in _connecting_words() for word in words(name)):
                    unknown_names.append(name.strip())
    for line in block.lines:
        if not line.is_blank:
            tracker.mark_used(line)
    for piece in unknown_names if not is_write_block else ():
        tracker.warn("language-unknown", f"no language has this name: {excerpt(piece)}", _line_number_of(piece, block))
    return languages, is_own_welcome


def _cut_own_language(text: str) -> tuple[str, bool]:
    """Return the text without the phrase that welcomes the writer's own language, and whether there was one."""
    text_words = words(text)
    tokens = [word.text for word in text_words]
    own_phrases = [phrase for phrases in vocabulary().labels.values() for phrase in phrases if phrase.kind == "own"]
    for phrase in sorted(own_phrases, key=lambda phrase: -len(phrase.words)):
        size = len(phrase.words)
        for index in range(len(tokens) - size + 1):
            if tuple(tokens[index : index + size]) == phrase.words:
                return text[: text_words[index].start] + text[text_words[index + size - 1].end :], True
    return text, False


def _split_at_words(text: str, joining_words: frozenset[str]) -> list[str]:
    """Return the pieces of the text between joining words, such as “or”, without pieces that have no words."""
    pieces: list[str] = []
    start = 0
    for word in words(text):
        if word.text in joining_words:
            pieces.append(text[start : word.start])
            start = word.end
    return [piece for piece in (*pieces, text[start:]) if has_words(piece)]


def _connecting_words() -> frozenset[str]:
    """Return the words that can stand before or after a language's name."""
    return vocabulary().single_words("connectors") | _WORDS_AROUND_LANGUAGES


def _languages_within(piece: str, language: str) -> list[str]:
    """Return the codes of the languages that a sentence names at its start or after a connecting word.

    An example is `Briefe in gutem Türkisch`.
    """
    parts = normalised(piece[:400]).split()
    languages: list[str] = []
    for start in range(len(parts)):
        if start and parts[start - 1] not in _connecting_words():
            continue
        for end in (start + 2, start + 1):  # names of two words first
            code = language_code(" ".join(parts[start:end]), language) if end <= len(parts) else None
            if code and parts[start] not in _connecting_words():
                languages.append(code)
                break
    return languages


def _named_language(piece: str, language: str) -> str | None:
    """Return the code of the language that a piece names, or None; connecting words around the name are ignored."""
    parts = normalised(piece).split()
    connecting = _connecting_words()
    while parts and parts[0] in connecting:
        parts.pop(0)
    while parts and parts[-1] in connecting:
        parts.pop()
    return language_code(" ".join(parts), language) if parts else None


def read_people(block: Block, gender: Block | None, tracker: LineTracker) -> list[DraftPerson]:
    """Return the people of the case, with the pronouns in brackets after their names or in the block `gender`."""
    if gender is None:
        block, gender = _split_off_gender(block)
    text = plain_text(block.text())
    for line in (*block.lines, *(gender.lines if gender else ())):
        if not line.is_blank:
            tracker.mark_used(line)
    people: list[DraftPerson] = []
    position = 0
    for match in _BRACKETS.finditer(text):
        if not _is_gender(match[1]) and _NAME_CONTINUES.match(text, match.end()):
            continue  # a nickname within a name, as in `John (Jack) Example (he/him)`
        names = _split_names(text[position : match.start()])
        people += [DraftPerson(name, _without_word_for_all(match[1].strip(), len(names))) for name in names]
        position = match.end()
    rest = text[position:].strip(" ,;.")
    if people and rest[:1].islower():
        tracker.warn("people-note", f"words beside the names: {excerpt(rest)}", block.line)
    elif normalised(rest) not in {normalised(" ".join(name)) for name in vocabulary().phrases("nothing")}:
        people += _people_without_brackets(text[position:])
    return _with_gender(people, gender, tracker)


def _without_word_for_all(pronoun: str, people_count: int) -> str:
    """Return a pronoun without a label before it, and without the word for several people, as in `all she/her`."""
    _, colon, value = pronoun.partition(":")
    pronoun = value.strip() if colon and value.strip() else pronoun
    first = words(pronoun, 1)
    if people_count > 1 and first and first[0].text in vocabulary().single_words("everybody"):
        return pronoun[first[0].end :].strip(" :,") or pronoun
    return pronoun


def _name_and_pronoun(text: str) -> tuple[str, str] | None:
    """Return a name and the pronoun after a dash or colon, as in `Hanad Sample – he/him`; None without a pronoun."""
    parts = re.split(r"\s[-–—]\s|:\s", text.strip(" ."))
    if len(parts) == 2 and (("/" in parts[1] and len(words(parts[1])) <= 4) or _is_gender(parts[1])):
        return parts[0], parts[1].strip()
    return None


def _is_gender(text: str) -> bool:
    """Return whether all words of the text are pronouns, words for a gender, or words that join or extend them."""
    tokens = [word.text for word in words(text, 8)]
    allowed_words = frozenset[str]().union(
        *(vocabulary().single_words(name) for name in ("genders", "pronouns", "everybody", "or"))
    )
    return bool(tokens) and all(token in allowed_words for token in tokens)


def _split_off_gender(block: Block) -> tuple[Block, Block | None]:
    """Return the block of names without its last line, and that line as a block, if it has only words for a gender."""
    filled_lines = [line for line in block.lines if not line.is_blank]
    if len(filled_lines) < 2 or not _is_gender(filled_lines[-1].text):
        return block, None
    above = " ".join(line.text for line in filled_lines[:-1])
    if above.count("(") > above.count(")"):
        return block, None  # the last line continues a pronoun in brackets
    return (
        Block(block.kind, block.line, filled_lines[:-1]),
        Block("gender", filled_lines[-1].number, filled_lines[-1:]),
    )


def _people_without_brackets(text: str) -> list[DraftPerson]:
    """Return the people in a text that has no pronouns in brackets."""
    if not has_words(text):
        return []
    if name_and_pronoun := _name_and_pronoun(text):
        return [DraftPerson(name, name_and_pronoun[1]) for name in _split_names(name_and_pronoun[0])]
    before, _, after = text.strip(" .").rpartition(",")
    if before and (("/" in after and len(words(after)) <= 4) or _is_gender(after)):
        return [DraftPerson(name, after.strip()) for name in _split_names(before)]
    return [DraftPerson(name) for name in _split_names(text)]


def _split_names(text: str) -> list[str]:
    """Return the names in a text.

    A joining word, except “of” (Dutch for “or”), splits two names only if each has at least two words.
    """
    joining_words = vocabulary().single_words("or") - {"of"}
    names: list[str] = []
    for part in re.split(r"[,;&\n]", text):
        parts = _split_at_words(part, joining_words)
        are_whole_names = all(len(words(piece)) >= 2 for piece in parts)
        names += [
            piece.strip(" .:-–*_")
            for piece in (
                parts if are_whole_names and len(parts) > 1 else [_without_leading_joining_word(part, joining_words)]
            )
        ]
    return [name for name in names if has_words(name)]


def _without_leading_joining_word(text: str, joining_words: frozenset[str]) -> str:
    """Return the text without a joining word at its start, such as “and”."""
    first = words(text, 1)
    return text[first[0].end :].strip() if first and first[0].text in joining_words else text.strip()


def _with_gender(people: list[DraftPerson], gender: Block | None, tracker: LineTracker) -> list[DraftPerson]:
    """Return the people with the pronouns of the old template's `Gender m/f:` block.

    One pronoun applies to all people, several apply in order. A pronoun beside a name takes precedence.
    """
    if gender is None or not people:
        return people
    filled_lines = [line for line in gender.lines if not line.is_blank]
    if filled_lines and _is_gender(filled_lines[0].text):
        for line in filled_lines[1:]:
            if not _is_gender(line.text):
                tracker.warn("people-note", f"words below the gender: {excerpt(line.text)}", line.number)
                filled_lines.remove(line)
    text = " ".join(plain_text(line.text) for line in filled_lines)
    everybody = vocabulary().single_words("everybody")
    parts = [part.strip(" .") for part in re.split(r"[,;/&]", text) if has_words(part)]
    values = [piece.strip(" .") for part in parts for piece in _split_at_words(part, vocabulary().single_words("or"))]
    if len(values) == 1 and words(values[0]) and words(values[0])[0].text in everybody:
        values = [values[0][words(values[0])[0].end :].strip() or values[0]]
    if len(values) == 1 and values[0]:
        return [DraftPerson(person.name, person.pronoun or values[0]) for person in people]
    if len(values) == len(people):
        return [DraftPerson(person.name, person.pronoun or value) for person, value in zip(people, values, strict=True)]
    if text:
        tracker.warn("gender-unclear", f"it is unclear who has which gender: {excerpt(text)}", gender.line)
    return people


def _warn_of_words_around_link(block: Block, before: str, after: str, tracker: LineTracker) -> None:
    """Warn of words around the address.

    In an `update` block the words before it are not reported, since they are the known sentence on the update.
    """
    words_around = f"{before if block.kind == 'previous' else ''} {after}"
    if has_words(words_around):
        tracker.warn(
            "previous-note", f"words beside the previous action's link: {excerpt(plain_text(words_around))}", block.line
        )


def starts_with_url(text: str) -> bool:
    """Return whether a text begins with a web address."""
    return _URL.match(text) is not None


def read_previous(block: Block, tracker: LineTracker) -> str | None:
    """Return the web address of the previous action, else the text under its label, else None."""
    text = block.text().strip()
    has_address = False
    for line in block.lines:
        # Nothing is expected below the address, so lines there stay unused and become warnings.
        if not line.is_blank and not has_address:
            tracker.mark_used(line)
            has_address = bool(find_links(line.text) or _URL.search(line.text))
    for link in find_links(text):
        if link.target.lower().startswith(("http://", "https://")):
            _warn_of_words_around_link(block, text[: link.start], text[link.end :], tracker)
            return link.target
    plain = plain_text(text)
    if match := _URL.search(text):
        _warn_of_words_around_link(block, text[: match.start()], text[match.end() :], tracker)
        return match.group().rstrip(".,;*_")
    if _OTHER_SCHEME.search(text) or any(link.target for link in find_links(text)):
        tracker.warn("link-dropped", f"a link that is no web address is left out: {excerpt(text)}", block.line)
        return None
    phrases_for_nothing = {normalised(" ".join(name)) for name in vocabulary().phrases("nothing")}
    if not has_words(plain) or normalised(plain) in phrases_for_nothing or normalise(plain).strip(" .-") in {"", "n/a"}:
        return None
    return plain
