"""Counts of confirmed signatures by mail domain. The worker counts them, or the erasure if it comes first.

Each writer locks the row of `domain_watch` until its transaction ends, so that no other writer changes the histories
that it has read. Every transaction locks this row last, so that none waits for another in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import CipherError
from campaign.domain.moderation.domain_history import DomainHistory
from campaign.domain.privacy.cipher import Vault
from campaign.domain.signing.provider import LARGE_DOMAINS
from campaign.models import Action, DomainWatch, MailDomain, Signature
from campaign.platform.database.insert_or_ignore import insert_or_ignore
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.queries.moderation.domain_history import domain_histories
from campaign.queries.signing.person import owner_domain_of

# Staff are alerted to a new domain with this many confirmations within a week.
ALERT_CONFIRMATIONS = 25
_UPSERT = {
    module.dialect.name: module.insert(MailDomain).on_conflict_do_update(
        index_elements=["digest"],
        set_={name: module.insert(MailDomain).excluded[name] for name in ("content", "month")},
    )
    for module in (postgresql, sqlite)
}


def lock_watch(session: Session) -> DomainWatch:
    """Return the only row of `domain_watch`, locked until the transaction ends; insert it if there is none."""
    row = session.get(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    if row is None:
        # Two transactions may try to insert it at once.
        insert_or_ignore(session.connection(), DomainWatch, {"id": 1, "until_id": 0, "sections_to_alert": []})
        row = session.get_one(DomainWatch, 1, with_for_update=NO_KEY_UPDATE, populate_existing=True)
    return row


def count_confirmations(
    session: Session, confirmations: Iterable[tuple[str, date]], vault: Vault
) -> dict[str, DomainHistory]:
    """Count one confirmation for each pair of an owner's domain and a day; return the new histories by domain.

    The caller has called `lock_watch`.
    """
    pairs = list(confirmations)
    histories = domain_histories(session, {domain for domain, _ in pairs}, vault)
    for domain, day in pairs:
        histories[domain] = histories.get(domain, DomainHistory(day, day)).with_confirmations(day, 1)
    # In the order of the digests, so that the order of the rows reveals nothing about the domains.
    rows = [
        {"digest": digest, "content": vault.seal_domain_history(history.pack(), digest), "month": history.month}
        for digest, history in sorted(
            ((vault.domain_history_digest(domain), history) for domain, history in histories.items()),
            key=itemgetter(0),
        )
    ]
    if rows:
        connection = session.connection()
        connection.execute(_UPSERT[connection.dialect.name], rows)
    return histories


def countable_domain(signature: Signature, vault: Vault) -> str | None:
    """Return the owner's domain of the signature's address.

    Return None for a large provider, an erased address, or one that cannot be decrypted.
    """
    try:
        domain = owner_domain_of(signature, vault)
    except CipherError:
        return None
    return None if domain in LARGE_DOMAINS else domain


def count_erased(session: Session, signature_id: int, domain: str, now: datetime, vault: Vault) -> None:
    """Count the domain of a signature that the transaction erases, unless the worker has counted it.

    Otherwise the signatures of an attacker who confirms and erases at once would count, and staff would get no alert.
    Only the total of the domain is stored, and nothing of the signature.
    """
    counted_action = select(Action.id, Action.counted_at).where(
        Action.signature_id == signature_id, Action.channel == Channel.SIGNATURE
    )
    action = session.execute(counted_action).one_or_none()
    if action is None:
        return
    watch = lock_watch(session)
    if action.id <= watch.until_id:
        return
    history = count_confirmations(session, [(domain, action.counted_at.date())], vault)[domain]
    section = session.scalar(select(Signature.section_code).where(Signature.id == signature_id))
    if section is not None and section not in watch.sections_to_alert and needs_alert(history, now.date()):
        watch.sections_to_alert = sorted([*watch.sections_to_alert, section])


def needs_alert(history: DomainHistory, today: date) -> bool:
    """Return whether this domain alone is reason enough to alert staff."""
    return history.is_new(today) and history.week_total(today) >= ALERT_CONFIRMATIONS
