"""Invalidation of signatures and reported actions: its states, and the criteria that select them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from campaign.domain.errors import InputError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.mail_domain import covers

REASON_LENGTH = 500
# A pattern with fewer letters than this would match nearly all addresses.
_MIN_LETTERS = 3
_PATTERN_LENGTH = 254


class InvalidationState(StrEnum):
    """The states: counting → ready → running → done → undoing → undone; or dropped before it began."""

    COUNTING = "counting"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


class InvalidatedKind(StrEnum):
    """The kinds: signatures with all their actions, or actions reported without a signature."""

    SIGNATURES = "signatures"
    REPORTS = "reports"


# The states in which a worker has something to do.
ACTIVE_STATES = (InvalidationState.COUNTING, InvalidationState.RUNNING, InvalidationState.UNDOING)


@dataclass(frozen=True, slots=True)
class Criteria:
    """The criteria that select signatures or reports.

    A signature must fulfil all criteria that are given; of several domains, it must belong to one. A domain includes
    its subdomains. `pattern` is in lower case; `network` and `wide_network` are keyed digests in hex.

    `is_erased` selects signatures whose signers erased their data. Then `since` and `until` are days (UTC) of
    confirmation, and appeals that ended more than `kept_days` ago are left out, because retention has cleared their
    signatures in the same way.
    """

    ids: tuple[int, ...] = ()
    domain: str | None = None
    pattern: str | None = None
    network: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    domains: tuple[str, ...] = ()
    wide_network: str | None = None
    is_erased: bool = False
    kept_days: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether the criteria would select everything."""
        if self.is_erased:
            return not (self.since and self.until)
        signer = self.ids or self.domain or self.domains or self.pattern or self.network or self.wide_network
        return not (signer or self.since or self.until)

    @property
    def selects_ids_only(self) -> bool:
        """Return whether only ids select the signatures, so that their number reveals nothing about a person."""
        others = self.domain, self.domains, self.pattern, self.network, self.wide_network, self.since, self.until
        return bool(self.ids) and not any(others)

    @property
    def last_day(self) -> date | None:
        """Return the last whole day (UTC) before `until`."""
        return self.until and (self.until - timedelta(days=1)).date()

    @property
    def all_domains(self) -> tuple[str, ...]:
        """Return all domains that are given."""
        return (*self.domains, *((self.domain,) if self.domain else ()))

    def is_of_domain(self, host: str) -> bool:
        """Return whether that host belongs to one of the domains; True if no domain is given."""
        return not self.all_domains or any(covers(domain, host) for domain in self.all_domains)

    def matches(self, address: str) -> bool:
        """Return whether an address matches the pattern; True if no pattern is given."""
        return self.pattern is None or matches_pattern(self.pattern, address.lower())


def read_domain(text: str) -> str:
    """Return a mail domain in IDNA A-labels, read from a domain or an address. Raises InputError."""
    domain = text.strip().rpartition("@")[2]
    try:
        return parse_address(f"a@{domain}").domain
    except InputError as error:
        raise InputError("domain", "not-a-domain", "this is not a mail domain") from error


def read_pattern(text: str) -> str:
    """Return a checked pattern of addresses; `*` matches any characters, and `?` one character. Raises InputError."""
    pattern = "".join(text.split()).lower()
    if len(pattern) > _PATTERN_LENGTH:
        raise InputError("pattern", "too-long", "no address is that long")
    if len(pattern.replace("*", "").replace("?", "").replace("@", "").replace(".", "")) < _MIN_LETTERS:
        raise InputError("pattern", "too-wide", "the pattern matches nearly all addresses")
    return pattern


def read_invalidation_reason(text: str) -> str:
    """Return the reason in one line. Raises InputError (`reason`: `missing`, `too-long`)."""
    reason = " ".join(text.split())
    if not reason:
        raise InputError("reason", "missing", "no reason")
    if len(reason) > REASON_LENGTH:
        raise InputError("reason", "too-long", f"longer than {REASON_LENGTH} characters")
    return reason


def matches_pattern(pattern: str, text: str) -> bool:
    """Return whether the whole text matches the pattern.

    The time is at most proportional to the product of both lengths, even for patterns with many stars.
    """
    # Indexes in the pattern and the text; then the index of the last star, and the end of the text that it matches.
    i = j = 0
    star, star_end = -1, 0
    while j < len(text):
        if i < len(pattern) and pattern[i] == "*":
            star, star_end = i, j
            i += 1
        elif i < len(pattern) and pattern[i] in ("?", text[j]):
            i, j = i + 1, j + 1
        elif star >= 0:
            star_end += 1
            i, j = star + 1, star_end
        else:
            return False
    return not pattern[i:].strip("*")


def pack_criteria(criteria: Criteria) -> str:
    """Return the criteria as JSON. It must be encrypted, because it may contain parts of addresses."""
    return json.dumps(asdict(criteria), default=lambda value: value.isoformat())


def unpack_criteria(text: str) -> Criteria:
    """Return the criteria from the JSON that `pack_criteria` returned."""
    values = json.loads(text)
    for name in ("since", "until"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Criteria(**{**values, "ids": tuple(values["ids"]), "domains": tuple(values["domains"])})
