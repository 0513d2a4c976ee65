"""Counts of confirmed signatures by mail domain, made by the worker, or at erasure if that comes first.

Each writer locks the watch's row until its transaction ends, so that no other writer changes the counts that it has
read. A transaction locks this row last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import CipherError
from campaign.domain.moderation.seen_domain import SeenDomain
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.provider import LARGE
from campaign.models import Action, DomainWatch, MailDomain, Signature
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.queries.moderation.seen_domain import seen_domains
from campaign.queries.signing.person import owner_domain_of

# Staff are alerted to a new domain from which this many confirm within a week.
ALERT_CONFIRMATIONS = 25
_UPSERT = {
    module.dialect.name: module.insert(MailDomain).on_conflict_do_update(
        index_elements=["digest"],
        set_={name: module.insert(MailDomain).excluded[name] for name in ("content", "month")},
    )
    for module in (postgresql, sqlite)
}


def lock_watch(session: Session) -> DomainWatch:
    """Return the only row of the watch, locked until the transaction ends."""
    row = session.get(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None:
        # Two transactions may try to insert it at once.
        insert_or_ignore(session.connection(), DomainWatch, {"id": 1, "until_id": 0, "untold": []})
        row = session.get_one(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    return row


def add_to_domains(session: Session, found: Iterable[tuple[str, date]], vault: Vault) -> dict[str, SeenDomain]:
    """Count one confirmation for each pair of an owner's domain and a day; return the new counts by domain.

    The caller has locked the watch's row.
    """
    pairs = list(found)
    counts = seen_domains(session, {domain for domain, _ in pairs}, vault)
    for domain, day in pairs:
        counts[domain] = counts.get(domain, SeenDomain(day, day)).plus(day, 1)
    # In the order of the digests, so that the order of the rows reveals nothing about the domains.
    rows = [
        {"digest": digest, "content": vault.seal_seen_domain(seen.packed(), digest), "month": seen.month}
        for digest, seen in sorted((vault.seen_domain_digest(domain), seen) for domain, seen in counts.items())
    ]
    if rows:
        connection = session.connection()
        connection.execute(_UPSERT[connection.dialect.name], rows)
    return counts


def countable_domain(signature: Signature, vault: Vault) -> str | None:
    """Return the owner's domain of the signature's address.

    Return None for a large provider, an erased address, or one that cannot be decrypted.
    """
    try:
        domain = owner_domain_of(signature, vault)
    except CipherError:
        return None
    return None if domain in LARGE else domain


def count_erased(session: Session, signature_id: int, domain: str, now: datetime, vault: Vault) -> None:
    """Count the domain of a signature that the transaction erases, unless the worker has counted it.

    Only the count of the domain is stored. Without this, an attacker who confirms and erases at once would be counted
    as a signature but never noticed.
    """
    chosen = select(Action.id, Action.counted_at).where(
        Action.signature_id == signature_id, Action.channel == Channel.SIGNATURE
    )
    action = session.execute(chosen).one_or_none()
    if action is None:
        return
    watch = lock_watch(session)
    if action.id <= watch.until_id:
        return
    seen = add_to_domains(session, [(domain, action.counted_at.date())], vault)[domain]
    section = session.scalar(select(Signature.section_code).where(Signature.id == signature_id))
    if section is not None and section not in watch.untold and needs_alert(seen, now.date()):
        watch.untold = sorted([*watch.untold, section])


def needs_alert(seen: SeenDomain, today: date) -> bool:
    """Return whether staff are alerted to this domain alone."""
    return seen.is_new(today) and seen.week(today) >= ALERT_CONFIRMATIONS
