"""The model letter: where it begins and ends, and what it says without its emphasis."""

from __future__ import annotations

import re

from campaign.document.draft import DraftLetter
from campaign.document.labels import GAP, vocabulary
from campaign.document.text.emphasis import is_italic, links, plain
from campaign.document.text.lines import Ledger, Line, paragraphs, shown
from campaign.document.text.list_markers import is_bullet
from campaign.document.text.normalise import fold, has_words, key, words

_OPENING = 160  # a salutation is no longer than this
_CLOSING = 400
_LONE = 10  # words of a salutation without a comma
_BRACKETED = re.compile(r"[\[(<{]([^\[\](){}<>]{1,60})[\])>}]|_{3,}|\.{5,}|…{2,}")


def is_salutation(text: str, *, is_lone: bool = False) -> bool:
    """Whether a line opens a letter: `Dear Minister,`; a lone line does without the comma."""
    bare = plain(text[: 2 * _OPENING])
    if not bare or len(bare) > _OPENING or len(text) > 2 * _OPENING:
        return False
    names = tuple(word.text for word in words(bare, 6))
    if not any(names[: len(start)] == start for start in vocabulary().starts("salutations")):
        return False
    if is_lone and len(words(bare)) <= _LONE and not bare.endswith("."):
        return True
    return bare.endswith((",", ":", "!", ";")) or is_italic(text)


def starts_closing(text: str) -> bool:
    """Whether a text is a letter's complimentary close."""
    if len(text) > _CLOSING:
        return False
    names = [word.text for word in words(text)]
    return any(_starts(names, phrase) for phrase in vocabulary().starts("closings"))


def _starts(names: list[str], phrase: tuple[str, ...]) -> bool:
    if GAP not in phrase:
        return tuple(names[: len(phrase)]) == phrase
    gap = phrase.index(GAP)
    tail = phrase[gap + 1 :]
    if tuple(names[:gap]) != phrase[:gap]:
        return False
    return any(tuple(names[at : at + len(tail)]) == tail for at in range(gap, len(names)))


def without_placeholders(text: str) -> str:
    """The text without `[NAME]` and the like, where a signer's own words will stand."""

    def drop(match: re.Match[str]) -> str:
        inside = match[1]
        return "" if inside is None or _is_placeholder(inside) else match[0]

    return " ".join(_BRACKETED.sub(drop, text).split())


def _is_placeholder(inside: str) -> bool:
    wanted = key(inside)
    if any(wanted == key(" ".join(name)) for name in vocabulary().starts("placeholders")):
        return True
    parts = set(re.split(r"[,/;|]| and | et | y | und | e ", fold(inside)))
    names = {" ".join(name) for name in vocabulary().starts("placeholders")}
    return all(key(part) in names for part in parts if part.strip())


def _is_closing(lines: list[Line], position: int, count: int) -> bool:
    text = plain(" ".join(line.text for line in lines))
    if not starts_closing(text):
        return False
    short = len(words(text)) <= 8
    return short or position == count - 1 or text.rstrip().endswith(",")


def read_letter(lines: list[Line], ledger: Ledger) -> DraftLetter | None:
    """The letter in these lines; what follows its close is left open, but for a place to sign."""
    groups = paragraphs(lines)
    if not groups:
        return None
    salutation: str | None = None
    body: list[str] = []
    closing: str | None = None
    if is_salutation(groups[0][0].text, is_lone=len(groups[0]) == 1):
        first = groups[0].pop(0)
        salutation = plain(first.text)
        ledger.take(first, "letter")
    groups = [group for group in groups if group]
    count = _count_above_places_to_sign(groups)
    for position, group in enumerate(groups):
        if _is_closing(group, position, count) or (cut := _inner_close(group)) is not None:
            start = 0 if _is_closing(group, position, count) else cut or 0
            if start:
                body += _joined(group[:start], ledger)
            closing = _close(group[start:], ledger)
            _sign(groups[position + 1 :], ledger)
            break
        body += _joined(group, ledger)
    body = [text for text in body if text]
    if closing is None and body and starts_closing(body[-1]):
        closing = body.pop()
    if salutation is None:
        ledger.warn("no-salutation", "the letter has no salutation", lines[0].number)
    if closing is None:
        ledger.warn(
            "no-closing",
            "the letter has no complimentary close",
            groups[-1][-1].number if groups else lines[0].number,
        )
    if not body:
        ledger.warn("no-letter-text", "the letter has no text", lines[0].number)
    return DraftLetter(salutation, tuple(body), closing)


def _inner_close(group: list[Line]) -> int | None:
    """Where a short close begins inside a paragraph whose lines are not parted by blank ones."""
    for at in range(1, len(group)):
        text = plain(group[at].text)
        if (
            len(words(text)) <= 6
            and starts_closing(text)
            and group[at - 1].text.rstrip(" *_").endswith((".", "!", "?"))
        ):
            return at
    return None


def _joined(group: list[Line], ledger: Ledger) -> list[str]:
    """The paragraph, with each item of a list in it as one of its own."""
    parts: list[list[str]] = [[]]
    for line in group:
        ledger.take(line, "letter")
        for link in links(line.text):
            if link.is_image or link.target.removeprefix("mailto:") != link.text:
                code = "image-dropped" if link.is_image else "link-dropped"
                ledger.warn(code, f"the letter is plain text; left out: {shown(link.target)}", line.number)
        if is_bullet(line.text) and parts[-1]:
            parts.append([])
        if has_words(line.text):
            parts[-1].append(line.text.strip())
    return [plain(" ".join(part)) for part in parts if part]


def _close(group: list[Line], ledger: Ledger) -> str:
    """The close itself: up to the line that ends it, without a place to sign."""
    kept: list[str] = []
    for at, line in enumerate(group):
        text = without_placeholders(plain(line.text))
        if kept and not text:
            ledger.take(line, "label:placeholder")
            continue
        if kept and kept[-1].endswith((",", ".")) and len(kept[-1]) < 60:
            _sign([group[at:]], ledger)
            break
        ledger.take(line, "letter")
        if text:
            kept.append(text)
    return plain(" ".join(kept)).strip()


def _count_above_places_to_sign(groups: list[list[Line]]) -> int:
    """How many groups there are up to the letter's last, below which only `[NAME]` and the like stand."""
    count = len(groups)
    while count:
        texts = [plain(line.text) for line in groups[count - 1]]
        if any(without_placeholders(text) and not _is_placeholder(text) for text in texts):
            break
        count -= 1
    return count


def _sign(groups: list[list[Line]], ledger: Ledger) -> None:
    """Marks the lines that only hold a place for the signer's name."""
    for group in groups:
        for line in group:
            text = plain(line.text)
            if not without_placeholders(text) or _is_placeholder(text):
                ledger.take(line, "label:placeholder")
            elif _BRACKETED.search(text):
                ledger.warn("letter-note", f"stands under the letter's close: {shown(text)}", line.number)
