"""The words by which a document says that it is an update of an earlier issue of its case, or the first issue."""

from __future__ import annotations

from campaign.document.fields.references import find_references
from campaign.document.labels import Phrase, vocabulary
from campaign.document.structure.block_reader import DocumentBlocks, vocabulary_of_updates
from campaign.document.text.emphasis import plain_text
from campaign.document.text.lines import Line
from campaign.document.text.normalise import tokens

_MAX_LINES = 2000
_MAX_FRONT_LINES = 25  # lines above the first label in which the title of a document stands
_MAX_CHARACTERS = 300  # of a line
_MAX_TITLE_WORDS = 16
_MAX_HEADING_WORDS = 3  # `Update 2`, `Second update`
_FRONT_KINDS = frozenset({"front", "banner", "loose"})


def front_says_update(document: DocumentBlocks, lines: list[Line]) -> bool:
    """Return whether a line above the first label begins with the words for an update: `Update: …`."""
    end = min((block.line for block in document.blocks if block.kind not in _FRONT_KINDS), default=_MAX_FRONT_LINES)
    front = [line for line in lines if line.number < min(end, _MAX_FRONT_LINES)]
    return any(_opens_with_update(line) for line in front)


def read_is_update(document: DocumentBlocks, lines: list[Line], sequence: int, previous: str | None) -> bool | None:
    """Return whether the document says that it is an update (True) or the first issue (False); None if neither or both.

    An update says so in its title, beside a reference, in a heading, by a number from 2 on, or by the link to the
    previous issue.
    """
    header = document.header
    if sequence > 1 or header.is_update:
        return True
    references = [reference for reference, _ in header.references]
    says_first = any(reference.is_numbered and reference.sequence == 1 for reference in references)
    name = references[0].name if references else None
    says_update = previous is not None or any(
        _is_update_heading(line) or _has_follow_up(line, name) for line in lines[:_MAX_LINES]
    )
    if says_first and says_update:
        return None
    return True if says_update else False if says_first else None


def _has_follow_up(line: Line, name: str | None) -> bool:
    """Return whether the line has a reference of the case with the words for an update or a number from 2 on."""
    text = line.text[:_MAX_CHARACTERS]
    if not any(char.isdigit() for char in text):
        return False
    return any(
        (reference.is_follow_up or (reference.sequence or 0) > 1) and name in {None, reference.name}
        for reference in find_references(plain_text(text))
    )


def _is_update_heading(line: Line) -> bool:
    """Return whether the line is a heading with one of the words for an update, perhaps with its number."""
    if not line.text or len(line.text) > _MAX_CHARACTERS:
        return False
    line_words = tokens(line.text)
    if not 0 < len(line_words) <= _MAX_HEADING_WORDS or not vocabulary_of_updates() & set(line_words):
        return False
    return all(
        word in vocabulary_of_updates() or (word.isdigit() and len(word) < 3) or (word,) in vocabulary().ordinals
        for word in line_words
    )


def _opens_with_update(line: Line) -> bool:
    """Return whether the line begins with the words for an update, perhaps after the banner."""
    text = plain_text(line.text[:_MAX_CHARACTERS]).strip()
    line_words = tuple(tokens(text))
    if not line_words or len(line_words) > _MAX_TITLE_WORDS:
        return False
    for banner in _banners():
        if line_words[: len(banner)] == banner:
            line_words = line_words[len(banner) :]
            break
    return any(
        line_words[: len(phrase.words)] == phrase.words and _ends_there(text, line_words, phrase)
        for phrase in vocabulary().header["follow_up"]
    )


def _ends_there(text: str, line_words: tuple[str, ...], phrase: Phrase) -> bool:
    """Return whether the words are followed by the end of the line, a number, or a colon or dash."""
    following = line_words[len(phrase.words) : len(phrase.words) + 1]
    if not following or following[0].isdigit():
        return True
    head = text
    for mark in (":", " - ", " – ", " — "):
        head = head.partition(mark)[0]
    return head != text and tokens(head)[-len(phrase.words) :] == list(phrase.words)


def _banners() -> list[tuple[str, ...]]:
    phrases = (phrase for phrases in vocabulary().labels.values() for phrase in phrases)
    return sorted({phrase.words for phrase in phrases if phrase.kind == "banner"}, key=len, reverse=True)
