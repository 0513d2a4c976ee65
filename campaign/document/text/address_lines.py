"""Paragraphs that are lines of one address, and those that are prose.

Word processors and mail programs make every line of an address a paragraph of its own. Capitals and figures tell a
long line of an address from a sentence, so that no words of any language are needed.
"""

from __future__ import annotations

import re

from campaign.document.text.emphasis import is_in_capitals
from campaign.document.text.list_markers import is_bullet

_MAX_SHORT_LINE = 80  # characters; consecutive paragraphs up to this length are the lines of an address
_MAX_LENGTH = 240  # characters
_MIN_CAPITALISED_SHARE = 0.7  # of the longer words
_MIN_WORDS = 4
_ABBREVIATION_LENGTH = 4  # characters of the last word before a full stop, as in “St.”
_LONGER_WORD = re.compile(r"(?<![\w@.])(?:[ldLD][’'])?([^\W_][\w-]{3,})(?![@\w])")


def _is_address(text: str) -> bool:
    """Return whether a line of up to 240 characters reads like an address and not like a sentence.

    Most of its longer words begin with a capital or are numbers, and it has several parts. A line in capitals is a
    heading.
    """
    stripped = text.strip(" *_")
    if len(stripped) > _MAX_LENGTH or "," not in stripped or is_in_capitals(stripped):
        return False
    if stripped.endswith((".", "!", "?", ":", "…")) and len(stripped[:-1].split()[-1]) > _ABBREVIATION_LENGTH:
        return False
    longer_words = _LONGER_WORD.findall(stripped)
    capitalised_count = sum(word[0].isupper() or word[0].isdigit() for word in longer_words)
    return len(longer_words) >= _MIN_WORDS and capitalised_count >= _MIN_CAPITALISED_SHARE * len(longer_words)


def is_prose(text: str) -> bool:
    """Return whether a paragraph is too long for a line of an address, and does not read like one."""
    return len(text) > _MAX_SHORT_LINE and not _is_address(text)


def spread_paragraphs(paragraphs: list[str]) -> list[str]:
    """Return the paragraphs as lines, with a blank line before and after prose; list items stay together."""
    lines: list[str] = []
    for text in paragraphs:
        above = lines[-1] if lines else ""
        if (
            above.strip()
            and text.strip()
            and (is_prose(above) or is_prose(text))
            and not (is_bullet(above) and is_bullet(text))
        ):
            lines.append("")
        lines.append(text)
    return lines
