"""Mail domains of the section's signatures that are new this week (`DomainHistory.is_new`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from campaign.domain.counting.small_cells import SMALLEST_SHOWN
from campaign.domain.errors import CipherError
from campaign.domain.moderation.domain_history import WEEK_DAYS, DomainHistory
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.provider import LARGE_DOMAINS, is_disposable
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, Signature
from campaign.platform import db
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.moderation.row_limit import EXAMINED_ROWS
from campaign.queries.signing.person import owner_domain_of

# The number of domains examined and shown: as many as staff can choose at once.
_MAX_DOMAINS = 200


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
    scope: Scope, vault: Vault, *, now: datetime, slug: str | None = None, least: int = SMALLEST_SHOWN
) -> tuple[NewDomain, ...]:
    """Return the new domains with the most signatures of this week in the section, of one appeal or of all.

    Domains with fewer than `least` signatures are left out, because a rare domain identifies a person. Only
    services/privacy/disclosure.py may call it with `least` 1.
    """
    sums = _sums(scope, vault, now, slug)
    histories = domain_histories(db.session, sums, vault)
    new = [
        NewDomain(domain, signed, confirmed, histories.get(domain))
        for domain, (signed, confirmed) in sums.items()
        if signed >= least and (domain not in histories or histories[domain].is_new(now.date()))
    ]
    return tuple(sorted(new, key=lambda view: (-view.confirmed, -view.signed, view.domain))[:_MAX_DOMAINS])


def _sums(scope: Scope, vault: Vault, now: datetime, slug: str | None) -> dict[str, tuple[int, int]]:
    """Return the week's sign-ups and confirmations by domain, without large providers.

    For each digest one signature is decrypted to get its domain.
    """
    columns = Signature.id, Signature.appeal_id, Signature.domain_digest, Signature.signed_at, Signature.confirmed_at
    newest = select(*columns).where(Signature.section_code == scope.section).order_by(Signature.id.desc())
    newest_rows = newest.limit(EXAMINED_ROWS).subquery()
    conditions = [newest_rows.c.signed_at > now - timedelta(days=WEEK_DAYS), newest_rows.c.domain_digest.is_not(None)]
    if slug is not None:
        conditions.append(newest_rows.c.appeal_id == select(Appeal.id).where(Appeal.slug == slug).scalar_subquery())
    number = func.count().label("number")
    by_digest = select(number, func.count(newest_rows.c.confirmed_at), func.max(newest_rows.c.id)).where(*conditions)
    rows = db.session.execute(
        by_digest.group_by(newest_rows.c.domain_digest).order_by(number.desc()).limit(_MAX_DOMAINS)
    ).all()
    ids = [row[2] for row in rows]
    signatures = {row.id: row for row in db.session.scalars(select(Signature).where(Signature.id.in_(ids)))}
    sums: dict[str, tuple[int, int]] = {}
    for signed, confirmed, signature_id in rows:
        try:
            domain = owner_domain_of(signatures.get(signature_id), vault)
        except CipherError:
            continue
        if domain is not None and domain not in LARGE_DOMAINS:
            earlier = sums.get(domain, (0, 0))
            sums[domain] = earlier[0] + signed, earlier[1] + confirmed
    return sums
