"""Taking signatures out of the counts: the states of an invalidation, and what signatures may be chosen by."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from campaign.domain.errors import InputError
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.mail_domain import covers

REASON_LENGTH = 500
# With fewer letters than this a pattern means nearly everybody.
_LEAST_LETTERS = 3
_PATTERN_LENGTH = 254


class InvalidationState(StrEnum):
    """counting → ready → running → done → undoing → undone; or dropped before it began."""

    COUNTING = "counting"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


class InvalidatedKind(StrEnum):
    """Kinds of things taken out: signatures with all their acts, or acts reported without a signature."""

    SIGNATURES = "signatures"
    REPORTS = "reports"


# A worker has something to do for these.
AT_WORK = (InvalidationState.COUNTING, InvalidationState.RUNNING, InvalidationState.UNDOING)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Signatures, or reports, that agree with everything given; of several domains, with one of them.

    A domain stands for the hosts below it too. `pattern` is in lower case; `network` and `wide_network` are keyed
    digests in hex. `is_erased` means those whose signers erased their data: then `since` and `until` are of the days
    (UTC) on which they were confirmed, and an appeal that ended `kept_days` ago is left out, for retention empties its
    signatures alike.
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
        """Whether it would mean everybody."""
        if self.is_erased:
            return not (self.since and self.until)
        by_whom = self.ids or self.domain or self.domains or self.pattern or self.network or self.wide_network
        return not (by_whom or self.since or self.until)

    @property
    def asks_nothing(self) -> bool:
        """Return whether it means chosen signatures alone: their number tells nothing of a name or an address."""
        others = self.domain, self.domains, self.pattern, self.network, self.wide_network, self.since, self.until
        return bool(self.ids) and not any(others)

    @property
    def last_day(self) -> date | None:
        """The last whole day (UTC) before `until`."""
        return self.until and (self.until - timedelta(days=1)).date()

    @property
    def all_domains(self) -> tuple[str, ...]:
        """The domains chosen, one or several."""
        return (*self.domains, *((self.domain,) if self.domain else ()))

    def is_of_domain(self, host: str) -> bool:
        """Return whether an address at that host is under one of the domains, or none is given."""
        return not self.all_domains or any(covers(domain, host) for domain in self.all_domains)

    def matches(self, address: str) -> bool:
        """Whether an address fits the pattern, if there is one."""
        return self.pattern is None or fits(self.pattern, address.lower())


def read_domain(text: str) -> str:
    """A mail domain in IDNA A-labels, from it or from an address under it. Raises InputError."""
    written = text.strip().rpartition("@")[2]
    try:
        return parse_address(f"a@{written}").domain
    except InputError as error:
        raise InputError("domain", "not-a-domain", "this is no mail domain") from error


def read_pattern(text: str) -> str:
    """An address in which `*` stands for any characters and `?` for one. Raises InputError."""
    pattern = "".join(text.split()).lower()
    if len(pattern) > _PATTERN_LENGTH:
        raise InputError("pattern", "too-long", "no address is that long")
    if len(pattern.replace("*", "").replace("?", "").replace("@", "").replace(".", "")) < _LEAST_LETTERS:
        raise InputError("pattern", "too-wide", "the pattern means nearly everybody")
    return pattern


def read_reason(text: str) -> str:
    """Why, in one line. Raises InputError."""
    reason = " ".join(text.split())
    if not reason:
        raise InputError("reason", "missing", "no reason")
    if len(reason) > REASON_LENGTH:
        raise InputError("reason", "too-long", f"longer than {REASON_LENGTH} characters")
    return reason


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits; in the time of length × length, whatever the pattern."""
    place = at = 0
    star, after = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, after = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            after += 1
            place, at = star + 1, after
        else:
            return False
    return not pattern[place:].strip("*")


def packed(criteria: Criteria) -> str:
    """As text, to be sealed: it may hold parts of addresses."""
    return json.dumps(asdict(criteria), default=lambda value: value.isoformat())


def unpacked(text: str) -> Criteria:
    """What `packed` made."""
    values = json.loads(text)
    values.pop("is_unconfirmed", None)  # of before sign-ups stood apart
    for name in ("since", "until"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Criteria(**{**values, "ids": tuple(values["ids"]), "domains": tuple(values.get("domains", ()))})
