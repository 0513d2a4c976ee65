"""Mail domains of the own section with their first confirmations this week, or far more than before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from campaign.domain.counting.small_cells import FEW
from campaign.domain.errors import CipherError
from campaign.domain.moderation.domain_history import WEEK_DAYS, DomainHistory
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.provider import LARGE, is_disposable
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, Signature
from campaign.platform import db
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.signing.person import owner_domain_of

# The number of newest signatures examined.
EXAMINED_ROWS = 20_000
# As many as staff can choose at once.
_MOST = _SHOWN = 200


@dataclass(frozen=True, slots=True)
class NewDomain:
    """A domain with its sign-ups and confirmations in the section, and its history on the whole site (None: none)."""

    domain: str
    signed: int
    confirmed: int
    history: DomainHistory | None

    @property
    def is_disposable(self) -> bool:
        """Return whether it offers disposable mailboxes."""
        return is_disposable(self.domain)


def new_domains(
    scope: Scope, vault: Vault, *, now: datetime, slug: str | None = None, least: int = FEW
) -> tuple[NewDomain, ...]:
    """Return the new domains with the most signatures of a week in the own section, of one appeal or of all.

    Domains with fewer than `least` are left out, because a rare domain identifies a person. Only
    services/privacy/disclosure.py requests all.
    """
    found = _sums(scope, vault, now, slug)
    seen = domain_histories(db.session, found, vault)
    new = [
        NewDomain(domain, signed, confirmed, seen.get(domain))
        for domain, (signed, confirmed) in found.items()
        if signed >= least and (domain not in seen or seen[domain].is_new(now.date()))
    ]
    return tuple(sorted(new, key=lambda one: (-one.confirmed, -one.signed, one.domain))[:_SHOWN])


def _sums(scope: Scope, vault: Vault, now: datetime, slug: str | None) -> dict[str, tuple[int, int]]:
    """Return sign-ups and confirmations by domain. One signature for each digest is decrypted to learn the domain."""
    columns = Signature.id, Signature.appeal_id, Signature.domain_digest, Signature.signed_at, Signature.confirmed_at
    newest = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    lately = newest.limit(EXAMINED_ROWS).subquery()
    wanted = [lately.c.signed_at > now - timedelta(days=WEEK_DAYS), lately.c.domain_digest.is_not(None)]
    if slug is not None:
        wanted.append(lately.c.appeal_id == select(Appeal.id).where(Appeal.slug == slug).scalar_subquery())
    number = func.count().label("number")
    sums = select(number, func.count(lately.c.confirmed_at), func.max(lately.c.id)).where(*wanted)
    rows = db.session.execute(sums.group_by(lately.c.domain_digest).order_by(number.desc()).limit(_MOST)).all()
    some = {row.id: row for row in db.session.scalars(select(Signature).where(Signature.id.in_([r[2] for r in rows])))}
    found: dict[str, tuple[int, int]] = {}
    for signed, confirmed, one in rows:
        try:
            domain = owner_domain_of(some.get(one), vault)
        except CipherError:
            continue
        if domain is not None and domain not in LARGE:
            before = found.get(domain, (0, 0))
            found[domain] = before[0] + signed, before[1] + confirmed
    return found
