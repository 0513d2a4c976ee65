"""Counting from which mail domains signatures were confirmed: by the worker, and as somebody erases before it looked.

Each writer holds the watch's row until its transaction ends, so that what one has read no other one changes. It is the
last row that a transaction locks.
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

# So many who confirm within a week from a new domain are worth a look.
MANY = 25
_UPSERT = {
    module.dialect.name: module.insert(MailDomain).on_conflict_do_update(
        index_elements=["digest"],
        set_={name: module.insert(MailDomain).excluded[name] for name in ("content", "month")},
    )
    for module in (postgresql, sqlite)
}


def watch_row(session: Session) -> DomainWatch:
    """Return the one row, locked until the transaction ends."""
    row = session.get(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None:
        # Two may be the first.
        insert_or_ignore(session.connection(), DomainWatch, {"id": 1, "until_id": 0, "untold": []})
        row = session.get_one(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    return row


def add_to_domains(session: Session, found: Iterable[tuple[str, date]], vault: Vault) -> dict[str, SeenDomain]:
    """Count a confirmation of each owner's domain on the day beside it; return what is known of them now.

    The watch's row is locked.
    """
    pairs = list(found)
    known = seen_domains(session, {domain for domain, _ in pairs}, vault)
    for domain, day in pairs:
        known[domain] = known.get(domain, SeenDomain(day, day)).plus(day, 1)
    # In the order of the digests: where the rows lie tells nothing of the domains.
    rows = [
        {"digest": digest, "content": vault.seal_seen_domain(seen.packed(), digest), "month": seen.month}
        for digest, seen in sorted((vault.seen_domain_digest(domain), seen) for domain, seen in known.items())
    ]
    if rows:
        connection = session.connection()
        connection.execute(_UPSERT[connection.dialect.name], rows)
    return known


def domain_to_count(signature: Signature, vault: Vault) -> str | None:
    """Return its owner's domain; None where that is a large provider's, or its address is erased or does not open."""
    try:
        domain = owner_domain_of(signature, vault)
    except CipherError:
        return None
    return None if domain in LARGE else domain


def count_erased(session: Session, signature_id: int, domain: str, now: datetime, vault: Vault) -> None:
    """Count the domain of a signature that the transaction erases, where the worker has not looked at it yet.

    Only the number grows. Otherwise whoever confirms and erases at once would be counted and never noticed.
    """
    own = select(Action.id, Action.counted_at).where(
        Action.signature_id == signature_id, Action.channel == Channel.SIGNATURE
    )
    act = session.execute(own).one_or_none()
    if act is None:
        return
    watch = watch_row(session)
    if act.id <= watch.until_id:
        return
    seen = add_to_domains(session, [(domain, act.counted_at.date())], vault)[domain]
    section = session.scalar(select(Signature.section_code).where(Signature.id == signature_id))
    if section is not None and section not in watch.untold and is_much(seen, now.date()):
        watch.untold = sorted([*watch.untold, section])


def is_much(seen: SeenDomain, today: date) -> bool:
    """Return whether staff are to be told of the domain by itself."""
    return seen.is_new(today) and seen.week(today) >= MANY
