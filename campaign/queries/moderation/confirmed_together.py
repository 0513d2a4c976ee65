"""Confirmations within the last hours from all mail domains together that are new this week."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import CipherError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.mail_domain import registrable_domain
from campaign.domain.signing.provider import LARGE_DOMAINS
from campaign.models import Action, Signature
from campaign.platform import db
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.signing.person import owner_domain_of

HOUR = timedelta(hours=1)
# With fewer confirmations there is no flood: a few firms and schools may confirm their first signatures in any hour.
MIN_CONFIRMATIONS = 100
# Most people have a mailbox with a large provider, whose domain never counts as new. So the new domains are less than
# half even at the start of a genuine campaign on a new site.
NEW_SHARE = 0.5
# One or two people of a small firm confirm within an hour. More confirm from a school, a company, an unlisted provider,
# or a flood's catch-all domain. One school, company or provider stays below MIN_CONFIRMATIONS, and all of them together
# below CROWD_SHARE.
MIN_CROWD, CROWD_SHARE = 5, 0.2
# The numbers of newest actions and of domains that are examined. More would not change the result.
_EXAMINED_ACTIONS, _EXAMINED_DOMAINS = 20_000, 10_000


@dataclass(frozen=True, slots=True)
class ConfirmedTogether:
    """The confirmations of this hour and the one before.

    `confirmed` is the number of all, `new` that from new domains, and `crowded` that from new domains with at least
    MIN_CROWD confirmations. Erased signatures count in all three: their domain is unknown, and hardly any genuine
    signer erases within two hours. `sections` are those with at least a tenth of the confirmations from new domains.
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
    """Return the confirmations of this hour and the one before.

    If they are fewer than MIN_CONFIRMATIONS, the domains are not examined, and the other numbers are 0.
    """
    number = func.count().label("number")
    is_erased = Signature.address_digest.is_(None)
    sums = select(Signature.section_code, number, func.min(Signature.id), is_erased).join(
        Action, Action.signature_id == Signature.id
    )
    # Only the hour of an action is stored. Two hours are examined, so that a flood of one hour is seen whole.
    since = (now - HOUR).replace(minute=0, second=0, microsecond=0)
    conditions = (
        Action.id > _last_before(since),
        Action.channel == Channel.SIGNATURE,
        or_(Action.counted_at >= since, is_erased),
    )
    keys = Signature.domain_digest, Signature.section_code, is_erased
    rows = db.session.execute(
        sums.where(*conditions).group_by(*keys).order_by(number.desc()).limit(_EXAMINED_DOMAINS)
    ).all()
    confirmed = sum(row.number for row in rows)
    if confirmed < MIN_CONFIRMATIONS:
        return ConfirmedTogether(confirmed, 0, 0, frozenset())
    totals = _by_domain({row[2]: (row.section_code, row.number) for row in rows if not row[3]}, vault)
    new_domains = _new_of({domain for domain, _ in totals}, vault, now)
    by_registrable_domain: Counter[str] = Counter()
    by_section: Counter[str] = Counter()
    for section, quantity, _, is_without_address in rows:
        by_section[section] += quantity if is_without_address else 0
    erased = by_section.total()
    for (domain, section), quantity in totals.items():
        if domain in new_domains:
            by_registrable_domain[registrable_domain(domain)] += quantity
            by_section[section] += quantity
    total = by_section.total()
    crowded = erased + sum(quantity for quantity in by_registrable_domain.values() if quantity >= MIN_CROWD)
    sections = frozenset(section for section, quantity in by_section.items() if quantity * 10 >= total)
    return ConfirmedTogether(confirmed, total, crowded, sections)


def _last_before(since: datetime) -> int:
    """Return the id of the last action before that hour, among the newest examined ones; ids increase with time.

    Actions of erased signatures are ignored, because only their day is stored.
    """
    first = (db.session.execute(select(func.max(Action.id))).scalar_one() or 0) - _EXAMINED_ACTIONS
    midnight = since.replace(hour=0)
    before = select(Action.id).where(Action.id > first, Action.counted_at < since, Action.counted_at != midnight)
    return db.session.execute(before.order_by(Action.id.desc()).limit(1)).scalar_one_or_none() or first


def _by_domain(sums: dict[int, tuple[str, int]], vault: Vault) -> Counter[tuple[str, str]]:
    """Return the sums by owner's domain and section, without large providers.

    `sums` are sections and numbers, by the id of a signature with the domain, which is decrypted to get the domain.
    """
    totals: Counter[tuple[str, str]] = Counter()
    for signature in db.session.scalars(select(Signature).where(Signature.id.in_(sums))):
        try:
            domain = owner_domain_of(signature, vault)
        except CipherError:
            continue
        if domain is not None and domain not in LARGE_DOMAINS:
            section, number = sums[signature.id]
            totals[domain, section] += number
    return totals


def _new_of(domains: set[str], vault: Vault, now: datetime) -> set[str]:
    """Return the domains that are new this week."""
    histories = domain_histories(db.session, domains, vault)
    return {domain for domain, history in histories.items() if history.is_new(now.date())}
