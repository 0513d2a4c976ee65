"""The model letter: its beginning, its end, and its text without emphasis."""

from __future__ import annotations

import re

from campaign.document.draft import DraftLetter
from campaign.document.labels import GAP, vocabulary
from campaign.document.text.emphasis import find_links, is_italic, plain_text
from campaign.document.text.lines import Line, LineTracker, excerpt, split_paragraphs
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import has_words, normalise, normalised, words

_MAX_SALUTATION_LENGTH = 160  # characters
_MAX_CLOSING_LENGTH = 400  # characters
_MAX_FORMULA_WORDS = 30  # of a close that is a whole sentence
_MAX_LONE_WORDS = 10  # of a salutation without a comma
_BRACKETED = re.compile(r"[\[(<{]([^\[\](){}<>]{1,60})[\])>}]|_{3,}|\.{5,}|…{2,}")


def is_salutation(text: str, *, is_lone: bool = False) -> bool:
    """Return whether a line opens a letter, such as `Dear Minister,`. With `is_lone` it needs no comma at its end."""
    plain = plain_text(text[: 2 * _MAX_SALUTATION_LENGTH])
    if not plain or len(plain) > _MAX_SALUTATION_LENGTH or len(text) > 2 * _MAX_SALUTATION_LENGTH:
        return False
    tokens = tuple(word.text for word in words(plain, 6))
    if not vocabulary().begins_with("salutations", tokens):
        return False
    if is_lone and len(words(plain)) <= _MAX_LONE_WORDS and not plain.endswith("."):
        return True
    return plain.endswith((",", ":", "!", ";", "،")) or is_italic(text)


def starts_closing(text: str) -> bool:
    """Return whether a text is a letter's complimentary close."""
    if len(text) > _MAX_CLOSING_LENGTH:
        return False
    tokens = [word.text for word in words(text)]
    return any(_begins_with(tokens, phrase) for phrase in vocabulary().phrases("closings"))


def _begins_with(tokens: list[str], phrase: tuple[str, ...]) -> bool:
    """Return whether the words begin with the phrase, whose gap covers any number of words."""
    if GAP not in phrase:
        return tuple(tokens[: len(phrase)]) == phrase
    gap = phrase.index(GAP)
    tail = phrase[gap + 1 :]
    if tuple(tokens[:gap]) != phrase[:gap]:
        return False
    return any(tuple(tokens[index : index + len(tail)]) == tail for index in range(gap, len(tokens)))


def without_placeholders(text: str) -> str:
    """Return the text without `[NAME]` and the like, which the signer's own data will replace."""

    def remove_placeholder(match: re.Match[str]) -> str:
        content = match[1]
        return "" if content is None or _is_placeholder(content) else match[0]

    return " ".join(_BRACKETED.sub(remove_placeholder, text).split())


def _is_placeholder(content: str) -> bool:
    """Return whether a text is a placeholder, or several joined by commas, slashes or “and”."""
    placeholders = {" ".join(name) for name in vocabulary().phrases("placeholders")}
    if normalised(content) in placeholders:
        return True
    parts = re.split(r"[,/;|]| and | et | y | und | e ", normalise(content))
    return all(normalised(part) in placeholders for part in parts if part.strip())


def _is_closing(lines: list[Line], position: int, count: int) -> bool:
    """Return whether a paragraph is the complimentary close: short, the last of `count`, or with a comma at its end."""
    text = plain_text(" ".join(line.text for line in lines))
    if not starts_closing(text):
        return False
    is_short = len(words(text)) <= 8 or (len(words(text)) <= _MAX_FORMULA_WORDS and _is_formula(text))
    return is_short or position == count - 1 or text.rstrip().endswith(",")


def _is_formula(text: str) -> bool:
    """Return whether a text is a close of a whole sentence, such as `Veuillez agréer, Monsieur, …`."""
    tokens = [word.text for word in words(text)]
    return any(len(phrase) > 1 and _begins_with(tokens, phrase) for phrase in vocabulary().phrases("closings"))


def _split_label_line(groups: list[list[Line]]) -> None:
    """Part a letter that stands whole on the line of its label: salutation, text, close."""
    first = groups[0][0]
    salutation, comma, rest = first.text.partition(",")
    if not first.is_label_rest or not comma or not is_salutation(f"{salutation},") or len(words(rest, 9)) < 9:
        return
    sentences = re.split(r"(?<=[.!?]) (?=[^\W\d_])", rest.strip())
    close = [sentences.pop()] if len(sentences) > 1 and starts_closing(sentences[-1]) else []
    parts = [[f"{salutation},"], [" ".join(sentences)], close]
    groups[:1] = [[Line(first.number, text) for text in part] for part in parts if part] + (
        [groups[0][1:]] if groups[0][1:] else []
    )


def read_letter(lines: list[Line], tracker: LineTracker) -> DraftLetter | None:
    """Return the letter in these lines, or None if there are no lines.

    Lines below its close stay unused, except placeholders for the signature.
    """
    groups = split_paragraphs(lines)
    if not groups:
        return None
    _split_label_line(groups)
    salutation: str | None = None
    body: list[str] = []
    closing: str | None = None
    if is_salutation(groups[0][0].text, is_lone=len(groups[0]) == 1):
        first = groups[0].pop(0)
        salutation = plain_text(first.text)
        tracker.mark_used(first)
    groups = [group for group in groups if group]
    count = _count_groups_above_signature(groups)
    for position, group in enumerate(groups):
        start = 0 if _is_closing(group, position, count) else _find_inner_close(group)
        if start is not None:
            body += _join_paragraphs(group[:start], tracker)
            closing = _read_closing(group[start:], tracker)
            _mark_signature_placeholders(groups[position + 1 :], tracker)
            break
        body += _join_paragraphs(group, tracker)
    body = [text for text in body if text]
    if closing is None and body and starts_closing(body[-1]):
        closing = body.pop()
    if salutation is None:
        tracker.warn("no-salutation", "the letter has no salutation", lines[0].number)
    if closing is None:
        tracker.warn(
            "no-closing",
            "the letter has no complimentary close",
            groups[-1][-1].number if groups else lines[0].number,
        )
    if not body:
        tracker.warn("no-letter-text", "the letter has no text", lines[0].number)
    return DraftLetter(salutation, tuple(body), closing)


def _find_inner_close(group: list[Line]) -> int | None:
    """Return the index of a short close inside a paragraph, without a blank line above it, or None."""
    for index in range(1, len(group)):
        text = plain_text(group[index].text)
        if (
            len(words(text)) <= 6
            and starts_closing(text)
            and group[index - 1].text.rstrip(" *_").endswith((".", "!", "?"))
        ):
            return index
    return None


def _join_paragraphs(group: list[Line], tracker: LineTracker) -> list[str]:
    """Return the paragraph as texts; each list item in it becomes a text of its own."""
    parts: list[list[str]] = [[]]
    for line in group:
        tracker.mark_used(line)
        for link in find_links(line.text):
            if link.is_image or link.target.removeprefix("mailto:") != link.text:
                code = "image-dropped" if link.is_image else "link-dropped"
                tracker.warn(code, f"the letter is plain text; left out: {excerpt(link.target)}", line.number)
        if is_bullet(line.text) and parts[-1]:
            parts.append([])
        if has_words(line.text):
            parts[-1].append(line.text.strip())
    return [plain_text(" ".join(part)) for part in parts if part]


def _read_closing(group: list[Line], tracker: LineTracker) -> str:
    """Return the text of the close, up to the line that ends it, without placeholders for the signature."""
    texts: list[str] = []
    for index, line in enumerate(group):
        text = without_placeholders(plain_text(line.text))
        if texts and not text:
            tracker.mark_used(line)
            continue
        if texts and texts[-1].endswith((",", ".")) and len(texts[-1]) < 60:
            _mark_signature_placeholders([group[index:]], tracker)
            break
        tracker.mark_used(line)
        if text:
            texts.append(text)
    return plain_text(" ".join(texts)).strip()


def _count_groups_above_signature(groups: list[list[Line]]) -> int:
    """Return the number of groups, without the last ones that have only placeholders such as `[NAME]`."""
    count = len(groups)
    while count:
        texts = [plain_text(line.text) for line in groups[count - 1]]
        if any(without_placeholders(text) and not _is_placeholder(text) for text in texts):
            break
        count -= 1
    return count


def _mark_signature_placeholders(groups: list[list[Line]], tracker: LineTracker) -> None:
    """Mark the lines that have only placeholders for the signature as used, and warn of other lines with one."""
    for group in groups:
        for line in group:
            text = plain_text(line.text)
            if not without_placeholders(text) or _is_placeholder(text):
                tracker.mark_used(line)
            elif _BRACKETED.search(text):
                tracker.warn("letter-note", f"text below the letter's close: {excerpt(text)}", line.number)
