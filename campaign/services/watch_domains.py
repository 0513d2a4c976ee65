"""Noticing mail domains from which many confirm that never confirmed before: what a flood looks like that can confirm.

A domain stands for all hosts of its owner's. A worker looks at what was confirmed since it last looked, so that
confirming pays nothing for it.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaign.domain.action import Channel
from campaign.domain.cipher import Vault
from campaign.domain.errors import CipherError
from campaign.domain.provider import LARGE
from campaign.extensions import db
from campaign.extensions.locks import KEYS_STAY
from campaign.mail.alert import new_domain, new_domains
from campaign.models import Action, DomainWatch, MailDomain, Signature
from campaign.queries.confirmed_together import NEW, Together, confirmed_together
from campaign.queries.person import owner_domain_of
from campaign.services.alarm import raise_alarm
from campaign.services.transaction import transaction

log = logging.getLogger(__name__)

KIND, TOGETHER = "new-domain", "new-domains"
BATCH = 5000
# So many who confirm from a new domain are worth a look.
MANY = 25
# What was counted a moment ago may have neighbours that are not yet to be seen.
_REST = timedelta(seconds=5)


def _adding(module: Any) -> Any:
    new = module.insert(MailDomain)
    return new.on_conflict_do_update(
        index_elements=["digest"],
        set_={"last_on": new.excluded.last_on, "confirmed": MailDomain.confirmed + new.excluded.confirmed},
    ).returning(MailDomain.first_on, MailDomain.confirmed)


_ADDING = {"sqlite": _adding(sqlite), "postgresql": _adding(postgresql)}


def watch_domains(*, now: datetime, vault: Vault, base_url: str, mail_domain: str, batch: int = BATCH) -> bool:
    """Look at the next batch; return whether there may be more.

    Staff are told, once an hour each, of many from one new domain and of many from all new domains together.
    """
    with transaction() as session:
        row = session.get(DomainWatch, 1, with_for_update=KEYS_STAY)
        if row is None:
            session.execute(insert(DomainWatch).values(id=1, until_id=0))
            row = session.get_one(DomainWatch, 1)
        ids = _confirmed(session, row.until_id, now, batch)
        if ids:
            row.until_id = ids[-1][0]
        has_new, noticed = _count(session, [one for _, one in ids], now, vault)
    tell = partial(raise_alarm, now=now, vault=vault, mail_domain=mail_domain)
    if noticed:
        tell(KIND, 0, lambda locale: new_domain(locale, base_url), sections=noticed)
    if has_new and (found := _together(vault, now)).is_flood:
        tell(TOGETHER, 0, lambda locale: new_domains(locale, base_url), sections=found.sections)
    return len(ids) == batch


def _together(vault: Vault, now: datetime) -> Together:
    """Read after the transaction: nobody who signs waits for it."""
    found = confirmed_together(vault, now=now)
    db.session.rollback()
    return found


def _confirmed(session: Session, after: int, now: datetime, batch: int) -> list[tuple[int, int]]:
    """Ids of actions and signatures, of what is counted since that action."""
    chosen = select(Action.id, Action.signature_id).where(
        Action.id > after,
        Action.channel == Channel.SIGNATURE,
        Action.signature_id.is_not(None),
        Action.counted_at < now - _REST,
    )
    rows = session.execute(chosen.order_by(Action.id).limit(batch)).all()
    return [(one, signature) for one, signature in rows if signature is not None]


def _count(session: Session, ids: list[int], now: datetime, vault: Vault) -> tuple[bool, set[str]]:
    """Count the domains of those signatures; return whether one is new, and the sections with many from a new one."""
    numbers: Counter[str] = Counter()
    sections: dict[str, set[str]] = {}
    days: dict[str, Any] = {}
    for signature in session.scalars(select(Signature).where(Signature.id.in_(ids)).order_by(Signature.id)):
        try:
            domain = owner_domain_of(signature, vault)
        except CipherError:
            continue
        if domain is None or domain in LARGE:
            continue
        numbers[domain] += 1
        sections.setdefault(domain, set()).add(signature.section_code)
        days[domain] = (signature.confirmed_at or now).date()
    noticed: set[str] = set()
    has_new = False
    connection = session.connection()
    for domain, number in sorted(numbers.items()):
        digest = vault.seen_domain_digest(domain)
        values = {"digest": digest, "first_on": days[domain], "last_on": days[domain], "confirmed": number}
        first_on, confirmed = connection.execute(_ADDING[connection.dialect.name], values).one()
        is_new = first_on > (now - NEW).date()
        has_new = has_new or is_new
        if is_new and confirmed >= MANY:
            noticed |= sections[domain]
    return has_new, noticed
