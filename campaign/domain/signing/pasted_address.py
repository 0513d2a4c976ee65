"""Extraction of the address from pasted text with invisible marks, brackets, a label, a name or parts of a link.

Only text that is certainly no part of the address is removed. A blank in the middle of an address must not turn it into
another person's (`anna maria@…` is not `maria@…`), so words beside it are removed only if they are clearly words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

# The form of most addresses; they need no further steps.
_ORDINARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z]")
_ENTITY = re.compile(r"&#?\w{1,10};")
# Variants of other characters: full-width, small and mathematical letters, ligatures, a leader of one dot.
_FORMS = ("<wide>", "<narrow>", "<small>", "<font>", "<compat>", "<noBreak>")
# The full stops of Asian keyboards between labels (RFC 3490, 3.1), and signs that programs put for an apostrophe or a
# hyphen.
_SIGNS = {"。": ".", "｡": ".", "\u2010": "-", "\u2011": "-", "\u2212": "-"}
_APOSTROPHE = re.compile(r"(?<=\w)’(?=\w)")
# Invisible characters copied with an address: the grapheme joiner, fillers and variation selectors.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_JOINERS = "\u200c\u200d"
_BRACKETS = "<>()[]«»‹›“”„‟‘’‚‛〈〉《》「」『』【】⟨⟩❮❯"
_BEFORE, _BEHIND = _BRACKETS + "¿¡,;:、،؛•●▪◦‣→", _BRACKETS + ".,;:!?…。、،؛؟۔।"
# Emphasis has a mark at both ends. A mark at the start only may belong to the address, one at the end only does not.
_PAIRS, _END_MARKS = "\"'“”„‘’«»`´*_~|", "\"'-_~*`´|/\\="
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)*"@[^\s@]+')
_PIECE = re.compile(rf'[^\s"|,;:…、،؛{re.escape(_BRACKETS)}]+')
_SHAPE = re.compile(r"[^@]+@[\w-]+(?:\.[\w-]+)+")
_GAP = re.compile(r" ?([@.]) ?")
# An opening bracket or quotation mark directly before the address; others contain text beside it.
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
_LEAST_NAME = 3


def pasted_address(text: str) -> str:
    """Return the address in a pasted text, or the text without the parts that certainly belong to no address.

    The result need not be an address. Several addresses, words that may belong to the address, and control characters
    stay in the text.
    """
    text = text.strip()
    if _ORDINARY.fullmatch(text):
        return text
    text = _plain_text(text)
    bare = _stripped(text)
    if not _has_words(bare):
        return bare
    for one in (text, bare):
        found = _among_words(one)
        if found is not None and found.is_certain:
            return found.address
    return bare


def is_among_words(text: str) -> bool:
    """Return whether the text has one address, among words that may belong to it."""
    return _has_words(bare := _stripped(_plain_text(text))) and _among_words(bare) is not None


def _plain_text(text: str) -> str:
    """Return the text with plain characters for their variants, without HTML entities and invisible marks."""
    text = _ENTITY.sub(lambda found: unescape(found[0]), text)
    if "@" not in text and "%40" in text:
        text = unquote(text)
    if not text.isascii():
        text = _APOSTROPHE.sub("'", _visible(unicodedata.normalize("NFC", "".join(map(_plain_sign, text)))))
    return text.strip()


def _plain_sign(character: str) -> str:
    if character.isascii():
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.decomposition(character).startswith(_FORMS):
        plain = unicodedata.normalize("NFKC", character)
        return _SIGNS.get(plain, plain if plain.isascii() else character)
    return character


def _visible(text: str) -> str:
    """Return the text without invisible marks; joiners stay if a script may need them, as in Sinhala domains."""
    pairs = zip(" " + text, text, strict=False)
    return "".join(one for before, one in pairs if not _is_invisible(one) or (one in _JOINERS and not before.isascii()))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or ord(character) in _INVISIBLE


def _stripped(text: str) -> str:
    """Return the text without `mailto:`, brackets, pairs of quotation or emphasis marks, and punctuation around it.

    The loop ends, because each round but the last shortens the text.
    """
    before = ""
    while text != before:
        before = text
        text = text.strip()
        if text[:7].casefold() == "mailto:":
            text = unquote(text[7:].lstrip("/").partition("?")[0])
        text = text.lstrip(_BEFORE).rstrip(_BEHIND)
        while len(text) > 2 and ((text[0] in _PAIRS and text[-1] in _PAIRS) or (text[0] == "{" and text[-1] == "}")):
            text = text[1:-1].strip()
        if text == before:
            text = text.rstrip(_END_MARKS)
    return text


@dataclass(frozen=True, slots=True)
class _FoundAddress:
    """The only address of a text, and whether the text beside it is certainly no part of it."""

    address: str
    is_certain: bool


def _has_words(text: str) -> bool:
    """Return whether the text has an `@` and more than an address."""
    return "@" in text and _PIECE.fullmatch(text) is None and _QUOTED_LOCAL.fullmatch(text) is None


def _among_words(text: str) -> _FoundAddress | None:
    """Return the only address of the text; None if there is none, or several, or a URL, or a control character."""
    if "://" in text or any(unicodedata.category(one) == "Cc" for one in text):
        return None
    pieces = [found for found in _PIECE.finditer(text) if "@" in found[0]]
    if not any(_SHAPE.fullmatch(_stripped(piece[0])) for piece in pieces):
        # `max @gmail. com`, as a telephone's keyboard leaves it.
        closed = _GAP.sub(r"\1", " ".join(text.split()))
        if closed == text:
            return None
        return _among_words(closed) if _has_words(closed) else _FoundAddress(closed, is_certain=True)
    found = {_stripped(piece[0]).casefold(): _stripped(piece[0]) for piece in pieces}
    (address, *others) = found.values()
    if others or not _SHAPE.fullmatch(address):
        return None
    return _FoundAddress(
        address, any(_WRAPPED.search(text, 0, piece.start()) for piece in pieces) or _is_rest_unrelated(text, address)
    )


def _is_rest_unrelated(text: str, address: str) -> bool:
    """Return whether the text beside the address is certainly no part of it.

    This holds if the rest has no letter or is in brackets, if it consists of labels, and if it has a name that is part
    of the address.
    """
    rest = _IN_BRACKETS.sub(" ", text.replace(address, " "))
    words = re.findall(r"[^\W\d_]+", rest.casefold())
    if not words:
        return not re.search(r"\w", rest)
    if set(words) <= _LABELS | _SHORT_WORDS and set(words) & _LABELS:
        return True
    local = _letters(address.rpartition("@")[0])
    return any(len(word) >= _LEAST_NAME and _letters(word) in local for word in words)


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if one.isalpha())
