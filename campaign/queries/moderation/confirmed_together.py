"""Confirmations within the last hour from mail domains that are new this week, all domains together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.mail_domain import registrable_domain
from campaign.domain.signing.provider import LARGE
from campaign.models import Action, Signature
from campaign.platform import db
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.signing.person import owner_domain_of

HOUR = timedelta(hours=1)
# A few firms and schools may confirm their first signatures in any hour.
MIN_CONFIRMATIONS = 100
# Most people have their mailbox with a large provider, which is never new. So at a genuine launch, even of a new site
# that has seen no domain, the other domains are less than half.
NEW_SHARE = 0.5
# From a small firm one or two people confirm within an hour. Domains with more are a school, a company, an unlisted
# provider, or a catch-all domain: a single one of the first three is below LEAST, and many are below this share.
MIN_CROWD, CROWD_SHARE = 5, 0.2
# The number of newest actions and of domains examined: more would not change the result.
_LOOKED_AT, _MOST = 20_000, 10_000


@dataclass(frozen=True, slots=True)
class ConfirmedTogether:
    """The confirmations of this hour and the one before: all, from new domains, and from new domains with a crowd.

    Erased signatures count in both of the latter: hardly any genuine signer erases within two hours, and the domain is
    not known any more. `sections` are those with at least a tenth of the confirmations from new domains.
    """

    confirmed: int
    new: int
    crowded: int
    sections: frozenset[str]

    @property
    def is_flood(self) -> bool:
        """Return whether the new domains together look like a flood."""
        return (self.new >= MIN_CONFIRMATIONS and self.new >= NEW_SHARE * self.confirmed) or (
            self.crowded >= MIN_CONFIRMATIONS and self.crowded >= CROWD_SHARE * self.confirmed
        )


def confirmed_together(vault: Vault, *, now: datetime) -> ConfirmedTogether:
    """Return the confirmations of this hour and the one before, and the part from new domains."""
    number = func.count().label("number")
    is_gone = Signature.address_digest.is_(None)
    sums = select(Signature.section_code, number, func.min(Signature.id), is_gone).join(
        Action, Action.signature_id == Signature.id
    )
    # Only the hour of an action is stored. So two hours are examined; else an hour's flood could be split in two.
    since = (now - HOUR).replace(minute=0, second=0, microsecond=0)
    wanted = (
        Action.id > _last_before(since),
        Action.channel == Channel.SIGNATURE,
        or_(Action.counted_at >= since, is_gone),
    )
    keys = Signature.domain_digest, Signature.section_code, is_gone
    rows = db.session.execute(sums.where(*wanted).group_by(*keys).order_by(number.desc()).limit(_MOST)).all()
    confirmed = sum(row.number for row in rows)
    if confirmed < MIN_CONFIRMATIONS:
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
            by_name[registrable_domain(domain)] += number_of
            by_section[section] += number_of
    total = by_section.total()
    crowded = erased + sum(many for many in by_name.values() if many >= MIN_CROWD)
    return ConfirmedTogether(
        confirmed, total, crowded, frozenset(one for one, of in by_section.items() if of * 10 >= total)
    )


def _last_before(since: datetime) -> int:
    """Return the id of the last action before that hour, among the newest ones examined. Ids grow with time.

    Actions of erased signatures are ignored, because only their day is stored.
    """
    first = (db.session.execute(select(func.max(Action.id))).scalar_one() or 0) - _LOOKED_AT
    cut = since.replace(hour=0)
    before = select(Action.id).where(Action.id > first, Action.counted_at < since, Action.counted_at != cut)
    return db.session.execute(before.order_by(Action.id.desc()).limit(1)).scalar_one_or_none() or first


def _by_domain(sums: dict[int, tuple[str, int]], vault: Vault) -> Counter[tuple[str, str]]:
    """Return the sums by owner's domain and section. For each digest one signature is decrypted to learn the domain."""
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
    known = domain_histories(db.session, domains, vault)
    return {domain for domain, seen in known.items() if seen.is_new(now.date())}
