"""The extraction of an address from pasted text with invisible marks, brackets, a label, a name or parts of a link.

Only text that certainly does not belong to the address is removed. A space inside an address must not turn it into
another person's address (`anna maria@…` is not `maria@…`). So words beside it are removed only if they are certainly
words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

# The form of most addresses. Such addresses need no further steps.
_ORDINARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z]")
_ENTITY = re.compile(r"&#?\w{1,10};")
# Variants of other characters: full-width, small and mathematical letters, ligatures, the one dot leader.
_FORMS = ("<wide>", "<narrow>", "<small>", "<font>", "<compat>", "<noBreak>")
# The full stops of Asian keyboards between labels (RFC 3490, 3.1), and characters with which programs replace a hyphen.
_SIGNS = {"。": ".", "｡": ".", "\u2010": "-", "\u2011": "-", "\u2212": "-"}
_APOSTROPHE = re.compile(r"(?<=\w)’(?=\w)")
# Invisible characters copied with an address: the grapheme joiner, fillers and variation selectors.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_JOINERS = "\u200c\u200d"
_BRACKETS = "<>()[]«»‹›“”„‟‘’‚‛〈〉《》「」『』【】⟨⟩❮❯"
_LEADING, _TRAILING = _BRACKETS + "¿¡,;:、،؛•●▪◦‣→", _BRACKETS + ".,;:!?…。、،؛؟۔।"
# Emphasis has a mark at both ends. A mark at the start alone may belong to the address; a mark at the end alone does
# not.
_PAIRS, _END_MARKS = "\"'“”„‘’«»`´*_~|", "\"'-_~*`´|/\\="
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)*"@[^\s@]+')
_PIECE = re.compile(rf'[^\s"|,;:…、،؛{re.escape(_BRACKETS)}]+')
_SHAPE = re.compile(r"[^@]+@[\w-]+(?:\.[\w-]+)+")
_GAP = re.compile(r" ?([@.]) ?")
# An opening bracket or quotation mark directly before the address. Then the text beside it is not part of the address.
_WRAPPED = re.compile(rf'["{re.escape(_BRACKETS)}]\s?(?:mailto:)?$', re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
# Labels of an address, and short words around it, in the languages of the pages.
_LABELS = frozenset(
    "mail email emails mailto adresse address addr courriel courrier correo mél почта почты адрес البريد بريدي "
    "الإلكتروني عنوان emailadresse emailaddress mailadresse adressemail контакт contact kontakt".split()
)
_SHORT_WORDS = frozenset(
    "e my is the your mon ma mes est c mi es el de la dirección electronico electrónico électronique meine mein ist "
    "die lautet эл электронная электронной мой моя это هو elektronische at home work to from cc an von para à a".split()
)
_SHORTEST_NAME = 3


def pasted_address(text: str) -> str:
    """Return the address in a pasted text, or the text without the parts that certainly do not belong to an address.

    The result is not always an address: several addresses, words that may belong to the address, and control characters
    stay in the text.
    """
    text = text.strip()
    if _ORDINARY.fullmatch(text):
        return text
    text = _plain_text(text)
    stripped = _stripped(text)
    if not _has_words(stripped):
        return stripped
    for candidate in (text, stripped):
        found = _among_words(candidate)
        if found is not None and found.is_certain:
            return found.address
    return stripped


def is_among_words(text: str) -> bool:
    """Return whether the text has exactly one address, beside words that may belong to it."""
    return _has_words(stripped := _stripped(_plain_text(text))) and _among_words(stripped) is not None


def _plain_text(text: str) -> str:
    """Return the text with plain characters for their variants, without HTML entities and invisible marks."""
    text = _ENTITY.sub(lambda match: unescape(match[0]), text)
    if "@" not in text and "%40" in text:
        text = unquote(text)
    if not text.isascii():
        text = _APOSTROPHE.sub("'", _visible(unicodedata.normalize("NFC", "".join(map(_plain_sign, text)))))
    return text.strip()


def _plain_sign(character: str) -> str:
    """Return the ASCII character of which the character is a variant, if there is one; else the character."""
    if character.isascii():
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.decomposition(character).startswith(_FORMS):
        plain = unicodedata.normalize("NFKC", character)
        return _SIGNS.get(plain, plain if plain.isascii() else character)
    return character


def _visible(text: str) -> str:
    """Return the text without invisible marks. Joiners stay where a script may need them, as in Sinhala domains."""
    pairs = zip(" " + text, text, strict=False)
    return "".join(
        character
        for previous, character in pairs
        if not _is_invisible(character) or (character in _JOINERS and not previous.isascii())
    )


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or ord(character) in _INVISIBLE


def _stripped(text: str) -> str:
    """Return the text without `mailto:`, and without brackets, quotation and emphasis marks and punctuation around it.

    The loop ends, because each round except the last one shortens the text.
    """
    previous = ""
    while text != previous:
        previous = text
        text = text.strip()
        if text[:7].casefold() == "mailto:":
            text = unquote(text[7:].lstrip("/").partition("?")[0])
        text = text.lstrip(_LEADING).rstrip(_TRAILING)
        while len(text) > 2 and ((text[0] in _PAIRS and text[-1] in _PAIRS) or (text[0] == "{" and text[-1] == "}")):
            text = text[1:-1].strip()
        if text == previous:
            text = text.rstrip(_END_MARKS)
    return text


@dataclass(frozen=True, slots=True)
class _FoundAddress:
    """The only address in a text. `is_certain`: the text beside it certainly does not belong to it."""

    address: str
    is_certain: bool


def _has_words(text: str) -> bool:
    """Return whether the text has an `@`, and more text than an address."""
    return "@" in text and _PIECE.fullmatch(text) is None and _QUOTED_LOCAL.fullmatch(text) is None


def _among_words(text: str) -> _FoundAddress | None:
    """Return the only address in the text; None if there is none or several, or a URL, or a control character."""
    if "://" in text or any(unicodedata.category(character) == "Cc" for character in text):
        return None
    pieces = [match for match in _PIECE.finditer(text) if "@" in match[0]]
    if not any(_SHAPE.fullmatch(_stripped(piece[0])) for piece in pieces):
        # Telephones' keyboards leave spaces as in `max @gmail. com`.
        joined = _GAP.sub(r"\1", " ".join(text.split()))
        if joined == text:
            return None
        return _among_words(joined) if _has_words(joined) else _FoundAddress(joined, is_certain=True)
    addresses = {_stripped(piece[0]).casefold(): _stripped(piece[0]) for piece in pieces}
    (address, *other_addresses) = addresses.values()
    if other_addresses or not _SHAPE.fullmatch(address):
        return None
    return _FoundAddress(
        address, any(_WRAPPED.search(text, 0, piece.start()) for piece in pieces) or _is_rest_unrelated(text, address)
    )


def _is_rest_unrelated(text: str, address: str) -> bool:
    """Return whether the text beside the address certainly does not belong to it.

    This is so if the rest has no letters or digits outside brackets, if it consists of labels, or if it has a name that
    the address contains.
    """
    rest = _IN_BRACKETS.sub(" ", text.replace(address, " "))
    words = re.findall(r"[^\W\d_]+", rest.casefold())
    if not words:
        return not re.search(r"\w", rest)
    if set(words) <= _LABELS | _SHORT_WORDS and set(words) & _LABELS:
        return True
    local = _letters(address.rpartition("@")[0])
    return any(len(word) >= _SHORTEST_NAME and _letters(word) in local for word in words)


def _letters(text: str) -> str:
    """Return the letters of the text, without accents and capitals."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalpha())
