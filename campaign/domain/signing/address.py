"""E-mail addresses: parsing, and the identity by which two addresses count as one person's."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import idna
from email_validator import EmailNotValidError, validate_email

from campaign.domain.errors import InputError
from campaign.domain.signing.likely_domain import likely_domain
from campaign.domain.signing.pasted_address import is_among_words, pasted_address
from campaign.domain.signing.provider import (
    alias_rule,
    has_customer_hosts,
    has_known_ending,
    is_disposable,
    split_customer,
)

ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class Address:
    """A usable address: `local` in NFC as typed, `domain` as IDNA A-labels in lower case."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def identity(self) -> str:
        """Return a text that is equal for two addresses if, and only if, they count as one person's."""
        owner, domain = split_customer(self.domain)
        local = owner or unicodedata.normalize("NFC", self.local.casefold())
        rule = alias_rule(domain)
        if rule is None:
            return f"{local}@{domain}"
        if rule.tag:
            local = local.partition(rule.tag)[0] or local
        local = local.translate({ord(character): None for character in rule.ignored}) or local
        return f"{local}@{rule.domain or domain}"

    @property
    def mailbox(self) -> str:
        """Return a wider identity for limiting mail to a mailbox: dots and +tags are ignored for every provider.

        At providers that name hosts after customers an underscore equals a hyphen, because host names have no
        underscore.
        """
        local, _, domain = self.identity.rpartition("@")
        if has_customer_hosts(domain):
            local = local.replace("_", "-")
        return f"{(local.partition('+')[0] or local).replace('.', '') or local}@{domain}"

    @property
    def has_tag(self) -> bool:
        """Return whether it has a +tag that its provider is not known to ignore."""
        return "+" in self.identity.rpartition("@")[0][1:]

    @property
    def suggestion(self) -> str | None:
        """Return the address that was probably meant if the domain looks like a typing error; else None."""
        domain = likely_domain(self.domain)
        return f"{self.local}@{domain}" if domain else None

    @property
    def is_international(self) -> bool:
        """Return whether only a mail server with SMTPUTF8 (RFC 6531) can deliver to it."""
        return not self.local.isascii()

    @property
    def has_known_ending(self) -> bool:
        """Return whether the domain's ending exists, by the public suffix list."""
        return has_known_ending(self.domain)

    @property
    def is_disposable(self) -> bool:
        """Return whether its domain offers disposable mailboxes."""
        return is_disposable(self.domain)


def written_mailbox(text: str) -> str | None:
    """Return the `mailbox` of an address that was checked when it was stored; None if it is not an address.

    It is quicker than `parse_address`. It serves to read the targets' addresses of all appeals.
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


def parse_address(text: str) -> Address:
    """Return the address in a text that was typed or pasted.

    The syntax is that of RFC 5321, 6531 (UTF-8) and 5890 (IDNA). Nothing is looked up in the DNS.

    Raises:
        InputError: `missing`, `too-long`, `not-an-address`, or `words` where words beside an address may be part of it.
    """
    if len(text) > ADDRESS_LENGTH * 4:
        raise InputError("email", "too-long", f"the address is longer than {ADDRESS_LENGTH} characters")
    text = pasted_address(text)
    if not text:
        raise InputError("email", "missing", "the address is empty")
    if len(text) > ADDRESS_LENGTH:
        raise InputError("email", "too-long", f"the address is longer than {ADDRESS_LENGTH} characters")
    try:
        parsed = validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=True,
            globally_deliverable=False,
            strict=True,
            test_environment=True,
        )
    except EmailNotValidError as error:
        code = "words" if is_among_words(text) else "not-an-address"
        raise InputError("email", code, "this is not an e-mail address") from error
    domain = (parsed.ascii_domain or parsed.domain).lower()
    if "." not in domain:
        raise InputError("email", "not-an-address", "the part behind the @ is incomplete")
    return Address(parsed.local_part, domain)
