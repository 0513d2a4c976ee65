"""E-mail addresses: which are usable, and which two are the same person's."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

import idna
from email_validator import EmailNotValidError, validate_email

from campaign.domain.errors import InputError
from campaign.domain.provider import alias_rule, has_known_ending, is_disposable, likely_domain

ADDRESS_LENGTH = 254

# Full-width forms (an Asian keyboard's), and the full stops that stand between labels there (RFC 3490, 3.1).
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: ".", 0xFF0E: "."}
# What is copied along with an address. Grapheme joiner, fillers and variation selectors are invisible, too.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
_JOINERS = "\u200c\u200d"
_IN_BRACKETS = re.compile(r"[^<>]*<([^<>]*@[^<>]*)>\W*")
_BEFORE, _BEHIND = "([{<«“„‘‚¿¡,;:", ".,;:!?)]}>»”’…،؛。、"
_QUOTES = "\"'“”„‘’«»`´"


@dataclass(frozen=True, slots=True)
class Address:
    """A usable address: `local` in NFC as typed, `domain` as IDNA A-labels in lower case."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def identity(self) -> str:
        """Equal for two addresses exactly when they count as one person's."""
        local = unicodedata.normalize("NFC", self.local.casefold())
        rule = alias_rule(self.domain)
        if rule is None:
            return f"{local}@{self.domain}"
        if rule.tag:
            local = local.partition(rule.tag)[0] or local
        local = local.translate({ord(character): None for character in rule.ignored}) or local
        return f"{local}@{rule.domain or self.domain}"

    @property
    def mailbox(self) -> str:
        """A wider identity that only limits how much mail one mailbox gets: dots and +tags ignored everywhere."""
        local, _, domain = self.identity.rpartition("@")
        return f"{(local.partition('+')[0] or local).replace('.', '') or local}@{domain}"

    @property
    def suggestion(self) -> str | None:
        """The address that was probably meant, where the domain looks like a typing error."""
        domain = likely_domain(self.domain)
        return f"{self.local}@{domain}" if domain else None

    @property
    def is_international(self) -> bool:
        """Return whether only a mail server with SMTPUTF8 (RFC 6531) can carry it."""
        return not self.local.isascii()

    @property
    def has_known_ending(self) -> bool:
        """Return whether the domain's ending exists."""
        return has_known_ending(self.domain)

    @property
    def is_disposable(self) -> bool:
        """Return whether its domain hands out mailboxes to throw away."""
        return is_disposable(self.domain)


def written_mailbox(text: str) -> str | None:
    """Return the `mailbox` of an address that was checked when it was written down; None of what is no address.

    Quicker than reading it anew, for the many of all appeals.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    return Address(local, domain.lower()).mailbox


def pasted_address(text: str) -> str:
    """Return the address in what was pasted, or the text without what is certainly no part of one.

    Invisible marks go, full-width characters become plain ones, and `mailto:`, a name before `<…>`, brackets, quotation
    marks and punctuation around it are left out. Does not say whether it is an address.
    """
    text = _visible(text.translate(_WIDE)).strip()
    if found := _IN_BRACKETS.fullmatch(text):
        text = found[1].strip()
    if text[:7].casefold() == "mailto:":
        text = unquote(text[7:].lstrip("/").partition("?")[0])
    text = text.strip().lstrip(_BEFORE).rstrip(_BEHIND)
    while len(text) > 2 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip().rstrip(_BEHIND)
    return text


def _visible(text: str) -> str:
    """The text without invisible marks; joiners stay where a script may need them, as in Sinhala domains."""
    pairs = zip(" " + text, text, strict=False)
    return "".join(one for before, one in pairs if not _is_invisible(one) or (one in _JOINERS and not before.isascii()))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or ord(character) in _INVISIBLE


def parse_address(text: str) -> Address:
    """Return what somebody typed or pasted as an address. Raise InputError (`missing`, `too-long`, `not-an-address`).

    Syntax after RFC 5321, 6531 (UTF-8) and 5890 (IDNA); nothing is looked up.
    """
    if len(text) > ADDRESS_LENGTH * 4:
        raise InputError("email", "too-long", f"the address is longer than {ADDRESS_LENGTH} characters")
    text = pasted_address(text)
    if not text:
        raise InputError("email", "missing", "the address is empty")
    if len(text) > ADDRESS_LENGTH:
        raise InputError("email", "too-long", f"the address is longer than {ADDRESS_LENGTH} characters")
    try:
        found = validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=True,
            globally_deliverable=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError as error:
        raise InputError("email", "not-an-address", "this is not an e-mail address") from error
    domain = (found.ascii_domain or found.domain).lower()
    if "." not in domain:
        raise InputError("email", "not-an-address", "the part behind the @ is incomplete")
    return Address(found.local_part, domain)
