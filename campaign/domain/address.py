"""E-mail addresses: which are usable, and which two are the same person's."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from campaign.domain.errors import InputError

ADDRESS_LENGTH = 254


@dataclass(frozen=True, slots=True)
class _Provider:
    """What a mail provider says of its addresses: under which domain they are one, and what it ignores."""

    domain: str
    ignored: str = ""
    tag: str = ""


# Only what the provider itself documents. Google: dots and +tags, googlemail.com is gmail.com. Microsoft, Apple,
# Fastmail: +tags. Proton: +tags, and dots, hyphens and underscores are not told apart; its domains share one mailbox.
_PROVIDERS = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _Provider("gmail.com", ".", "+")),
    **{name: _Provider(name, "", "+") for name in ("outlook.com", "hotmail.com", "live.com", "fastmail.com")},
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _Provider("icloud.com", "", "+")),
    **dict.fromkeys(("proton.me", "protonmail.com", "pm.me"), _Provider("proton.me", ".-_", "+")),
}

# Typing errors seen most often; the form asks back and never corrects by itself.
_LIKELY_DOMAINS = {
    "gmial.com": "gmail.com",
    "gmai.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gamil.com": "gmail.com",
    "gnail.com": "gmail.com",
    "gmail.co": "gmail.com",
    "gmail.con": "gmail.com",
    "gmail.fr": "gmail.com",
    "hotmial.com": "hotmail.com",
    "hotmai.com": "hotmail.com",
    "hotmal.com": "hotmail.com",
    "hotmail.con": "hotmail.com",
    "outlok.com": "outlook.com",
    "outllok.com": "outlook.com",
    "outlook.con": "outlook.com",
    "yaho.com": "yahoo.com",
    "yahooo.com": "yahoo.com",
    "yahoo.con": "yahoo.com",
    "iclould.com": "icloud.com",
    "icloud.con": "icloud.com",
    "orage.fr": "orange.fr",
    "wanado.fr": "wanadoo.fr",
}


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
        provider = _PROVIDERS.get(self.domain)
        if provider is None:
            return f"{local}@{self.domain}"
        if provider.tag:
            local = local.partition(provider.tag)[0] or local
        local = local.translate({ord(character): None for character in provider.ignored}) or local
        return f"{local}@{provider.domain}"

    @property
    def mailbox(self) -> str:
        """A wider identity that only limits how much mail one mailbox gets: dots and +tags ignored everywhere."""
        local, _, domain = self.identity.rpartition("@")
        return f"{(local.partition('+')[0] or local).replace('.', '') or local}@{domain}"

    @property
    def suggestion(self) -> str | None:
        """The address that was probably meant, where the domain looks like a typing error."""
        domain = _LIKELY_DOMAINS.get(self.domain)
        return f"{self.local}@{domain}" if domain else None


def parse_address(text: str) -> Address:
    """Reads what somebody typed. Raises InputError (`missing`, `too-long`, `not-an-address`).

    Syntax after RFC 5321, 6531 (UTF-8) and 5890 (IDNA); nothing is looked up.
    """
    text = text.strip()
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
