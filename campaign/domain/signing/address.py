"""E-mail addresses: which are usable, and which two are the same person's."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import idna
from email_validator import EmailNotValidError, validate_email

from campaign.domain.errors import InputError
from campaign.domain.signing.likely_domain import likely_domain
from campaign.domain.signing.pasted_address import is_among_words, pasted_address
from campaign.domain.signing.provider import alias_rule, customer, has_customer_hosts, has_known_ending, is_disposable

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
        """Equal for two addresses exactly when they count as one person's."""
        owner, domain = customer(self.domain)
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
        """A wider identity that only limits how much mail one mailbox gets: dots and +tags ignored everywhere.

        An underscore is a hyphen where a customer's name can be a host's, which has none.
        """
        local, _, domain = self.identity.rpartition("@")
        if has_customer_hosts(domain):
            local = local.replace("_", "-")
        return f"{(local.partition('+')[0] or local).replace('.', '') or local}@{domain}"

    @property
    def has_tag(self) -> bool:
        """Return whether a +tag stands in it that its provider is not known to ignore."""
        return "+" in self.identity.rpartition("@")[0][1:]

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


def parse_address(text: str) -> Address:
    """Return what somebody typed or pasted as an address. Raise InputError (`missing`, `too-long`, `not-an-address`,
    `words`: one stands there, among words that may belong to it).

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
        code = "words" if is_among_words(text) else "not-an-address"
        raise InputError("email", code, "this is not an e-mail address") from error
    domain = (found.ascii_domain or found.domain).lower()
    if "." not in domain:
        raise InputError("email", "not-an-address", "the part behind the @ is incomplete")
    return Address(found.local_part, domain)
