"""The number confirmed within the last hour from mail domains that are new this week, all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.mail_domain import bought_domain
from campaign.domain.signing.provider import LARGE
from campaign.models import Action, Signature
from campaign.platform import db
from campaign.queries.moderation.seen_domain import seen_domains
from campaign.queries.signing.person import owner_domain_of

HOUR = timedelta(hours=1)
# A few firms and schools may confirm their first signatures in any hour.
LEAST = 100
# Most people have their mailbox with a large provider, which is never new: at an honest launch, even of a site to which
# all others are new, those others are less than half.
SHARE = 0.5
# And of a small firm one or two confirm within an hour. Domains with more are a school, a company, a provider that no
# list names, or a catch-all: one each of the first three is below LEAST, and many are below this share.
CROWD, CROWDED_SHARE = 5, 0.2
# So many of the newest acts are looked at, and so many domains: more would not change the answer.
_LOOKED_AT, _MOST = 20_000, 10_000


@dataclass(frozen=True, slots=True)
class ConfirmedTogether:
    """The confirmations of this hour and the one before: all, what came from new domains, and from those with a crowd.

    What was erased since is among both: hardly anybody who means it erases within two hours, and nobody can tell any
    more where it came from. `sections` are those with at least a tenth of what came from new domains.
    """

    confirmed: int
    new: int
    crowded: int
    sections: frozenset[str]

    @property
    def is_flood(self) -> bool:
        """Return whether that many new domains together are worth a look."""
        return (self.new >= LEAST and self.new >= SHARE * self.confirmed) or (
            self.crowded >= LEAST and self.crowded >= CROWDED_SHARE * self.confirmed
        )


def confirmed_together(vault: Vault, *, now: datetime) -> ConfirmedTogether:
    """Return what was confirmed in this hour and the one before, and how much of it from new domains."""
    number = func.count().label("number")
    is_gone = Signature.address_digest.is_(None)
    sums = select(Signature.section_code, number, func.min(Signature.id), is_gone).join(
        Action, Action.signature_id == Signature.id
    )
    # Of an act the hour is known. So both are looked at, or an hour's flood would fall in two halves.
    since = (now - HOUR).replace(minute=0, second=0, microsecond=0)
    wanted = (
        Action.id > _last_before(since),
        Action.channel == Channel.SIGNATURE,
        or_(Action.counted_at >= since, is_gone),
    )
    keys = Signature.domain_digest, Signature.section_code, is_gone
    rows = db.session.execute(sums.where(*wanted).group_by(*keys).order_by(number.desc()).limit(_MOST)).all()
    confirmed = sum(row.number for row in rows)
    if confirmed < LEAST:
        return ConfirmedTogether(confirmed, 0, 0, frozenset())
    found = _by_domain({some: (section, number) for section, number, some, gone in rows if not gone}, vault)
    new = _new_of({domain for domain, _ in found}, vault, now)
    by_name: Counter[str] = Counter()
    by_section: Counter[str] = Counter()
    for section, number_of, _, gone in rows:
        by_section[section] += number_of if gone else 0
    erased = by_section.total()
    for (domain, section), number_of in found.items():
        if domain in new:
            by_name[bought_domain(domain)] += number_of
            by_section[section] += number_of
    total = by_section.total()
    crowded = erased + sum(many for many in by_name.values() if many >= CROWD)
    return ConfirmedTogether(
        confirmed, total, crowded, frozenset(one for one, of in by_section.items() if of * 10 >= total)
    )


def _last_before(since: datetime) -> int:
    """Return the id of the last act before that hour, of the newest that are looked at: ids grow with time.

    Of what was erased the day alone is known, so these tell nothing of the hour.
    """
    first = (db.session.execute(select(func.max(Action.id))).scalar_one() or 0) - _LOOKED_AT
    cut = since.replace(hour=0)
    before = select(Action.id).where(Action.id > first, Action.counted_at < since, Action.counted_at != cut)
    return db.session.execute(before.order_by(Action.id.desc()).limit(1)).scalar_one_or_none() or first


def _by_domain(sums: dict[int, tuple[str, int]], vault: Vault) -> Counter[tuple[str, str]]:
    """By owner's domain and section; of each digest one signature is opened to know the domain."""
    found: Counter[tuple[str, str]] = Counter()
    for signature in db.session.scalars(select(Signature).where(Signature.id.in_(sums))):
        try:
            domain = owner_domain_of(signature, vault)
        except CipherError:
            continue
        if domain is not None and domain not in LARGE:
            section, number = sums[signature.id]
            found[domain, section] += number
    return found


def _new_of(domains: set[str], vault: Vault, now: datetime) -> set[str]:
    known = seen_domains(db.session, domains, vault)
    return {domain for domain, seen in known.items() if seen.is_new(now.date())}
