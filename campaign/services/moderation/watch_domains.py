"""Noticing mail domains from which many confirm that confirmed never, or hardly, before: a flood that can confirm.

A domain stands for all hosts of its owner's. A worker looks at what was confirmed since it last looked, so that
confirming pays nothing for it; only who erases before that has it counted at once.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.privacy.cipher import Vault
from campaign.mail.messages.alert_texts import new_domain, new_domains
from campaign.models import Action, Signature
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.moderation.confirmed_together import ConfirmedTogether, confirmed_together
from campaign.services.abuse.alert import raise_alert
from campaign.services.moderation.seen_domain import add_to_domains, domain_to_count, is_much, watch_row

KIND, TOGETHER = "new-domain", "new-domains"
BATCH = 5000
# What was counted a moment ago may have neighbours that are not yet to be seen.
_REST = timedelta(seconds=5)


class _Act(NamedTuple):
    """A signature that was counted, and when."""

    id: int
    signature_id: int
    counted_at: datetime


def watch_domains(*, batch: int = BATCH, context: Context) -> bool:
    """Look at the next batch; return whether there may be more.

    Staff are told, once an hour each, of many from one new domain and of many from all new domains together.
    """
    now, vault, base_url = context.now, context.vault, context.settings.base_url
    with transaction() as session:
        row = watch_row(session)
        acts = _confirmed(session, row.until_id, now, batch)
        if acts:
            row.until_id = acts[-1].id
        has_new, noticed = _count(session, acts, now, vault)
        if row.untold:
            noticed |= set(row.untold)
            row.untold = []
    tell = partial(raise_alert, context=context)
    if noticed:
        tell(KIND, 0, lambda locale: new_domain(locale, base_url), sections=noticed)
    if has_new and (found := _together(vault, now)).is_flood:
        tell(TOGETHER, 0, lambda locale: new_domains(locale, base_url), sections=found.sections)
    return len(acts) == batch


def _together(vault: Vault, now: datetime) -> ConfirmedTogether:
    """Read after the transaction: nobody who signs waits for it."""
    found = confirmed_together(vault, now=now)
    db.session.rollback()
    return found


def _confirmed(session: Session, after: int, now: datetime, batch: int) -> list[_Act]:
    """What is counted since that action."""
    chosen = select(Action.id, Action.signature_id, Action.counted_at).where(
        Action.id > after,
        Action.channel == Channel.SIGNATURE,
        Action.signature_id.is_not(None),
        Action.counted_at < now - _REST,
    )
    rows = session.execute(chosen.order_by(Action.id).limit(batch)).all()
    return [_Act(one, signature, counted_at) for one, signature, counted_at in rows if signature is not None]


def _count(session: Session, acts: list[_Act], now: datetime, vault: Vault) -> tuple[bool, set[str]]:
    """Count the domains of those signatures; return whether one is new, and the sections with many from a new one.

    What was erased in the meantime was counted as it was: nobody can tell any more whether it was from a new one.
    """
    days = {act.signature_id: act.counted_at.date() for act in acts}
    found: list[tuple[str, date]] = []
    sections: dict[str, set[str]] = {}
    has_new = False
    for signature in session.scalars(select(Signature).where(Signature.id.in_(days)).order_by(Signature.id)):
        has_new = has_new or signature.address_digest is None
        domain = domain_to_count(signature, vault)
        if domain is not None:
            found.append((domain, days[signature.id]))
            sections.setdefault(domain, set()).add(signature.section_code)
    noticed: set[str] = set()
    for domain, seen in add_to_domains(session, found, vault).items():
        has_new = has_new or seen.is_new(now.date())
        if is_much(seen, now.date()):
            noticed |= sections[domain]
    return has_new, noticed
