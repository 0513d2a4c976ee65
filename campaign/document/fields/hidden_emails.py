"""Recognition of e-mail addresses that are hidden from robots or damaged.

They are never repaired, since a wrong address would go to a stranger, and never taken for a line of an address.
"""

from __future__ import annotations

import re

from campaign.document.text.normalise import has_words, normalise

_MAX_LENGTH = 200  # characters of a line that is nothing but such an address
_AT = r"(?:at|arroba|arobase|aro?base|chiocciola|sobachka|snabel-a|malpa)"
_DOT = r"(?:dot|punkt|punto|point|ponto|tochka|kropka|nokta)"
_BRACKETED_SIGN = re.compile(rf"[\[({{<] ?(?:{_AT}|@|\(?at\)?) ?[\])}}>]|[\[({{<] ?(?:{_DOT}|\.) ?[\])}}>]|_{_AT}_")
_SPELT_OUT = re.compile(rf"[\w.-]+ {_AT} [\w-]+(?: {_DOT} [\w-]+)+")
_PROTECTED = re.compile(
    r"(?:e-?mail|adress?e?)(?: address)?[ -](?:is )?(?:protected|hidden|gesch.tzt|prot.g.e|protegida)"
)
# An address with a space beside its sign or its dots, and perhaps a note in brackets after it.
_WITH_SPACES = re.compile(r"[\w.+-]{1,64} ?@ ?[\w-]{1,63}(?: ?\. ?[\w-]{1,63}){1,6}(?: ?\([^()]{1,100}\)?)?")
_SIGN = re.compile(rf"\S* ?[\[({{<] ?(?:{_AT}|@) ?[\])}}>] ?\S*")
_EDGES = " <>()[]*_.,;:\"'“”„‟‘’‚‹›«»"


def is_hidden(text: str) -> bool:
    """Return whether a text has an e-mail address that is written so that robots do not find it."""
    plain = normalise(text)
    return "＠" in text or any(pattern.search(plain) for pattern in (_BRACKETED_SIGN, _SPELT_OUT, _PROTECTED))


def is_unusable_email(text: str) -> bool:
    """Return whether a text is a hidden or damaged e-mail address, and nothing else."""
    plain = normalise(text).strip(_EDGES)
    if len(plain) > _MAX_LENGTH or not has_words(plain):
        return False
    if _WITH_SPACES.fullmatch(plain) or _SPELT_OUT.fullmatch(plain) or _PROTECTED.fullmatch(plain):
        return True
    if " " not in plain:
        return _BRACKETED_SIGN.search(plain) is not None
    rest = _SIGN.sub(" ", plain)
    return rest != plain and not has_words(_BRACKETED_SIGN.sub("", rest).replace(".", ""))


def trimmed_email(token: str) -> str:
    """Return a word without the brackets, quotation marks and stops around an e-mail address."""
    return token.strip(_EDGES)
