"""Detection of floods that confirm: mail domains with many confirmations that had none, or hardly any, before.

A domain stands for all hosts of its owner. A worker reads the confirmations since its last run, so that confirming
itself costs nothing. Only an erasure before that run is counted at once.
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
from campaign.services.moderation.seen_domain import add_to_domains, countable_domain, lock_watch, needs_alert

NEW_DOMAIN, NEW_DOMAINS = "new-domain", "new-domains"
BATCH_SIZE = 5000
# Newer actions wait: transactions with lower ids may not be committed yet.
_REST = timedelta(seconds=5)


class _Act(NamedTuple):
    """An action that counts a signature, with its time."""

    id: int
    signature_id: int
    counted_at: datetime


def watch_domains(*, batch: int = BATCH_SIZE, context: Context) -> bool:
    """Process the next batch of confirmations; return whether there may be more.

    Staff are alerted to many from a single new domain, and to many from all new domains together: each once an hour.
    """
    now, vault, base_url = context.now, context.vault, context.settings.base_url
    with transaction() as session:
        row = lock_watch(session)
        acts = _confirmed(session, row.until_id, now, batch)
        if acts:
            row.until_id = acts[-1].id
        has_new, noticed = _count(session, acts, now, vault)
        if row.untold:
            noticed |= set(row.untold)
            row.untold = []
    alert = partial(raise_alert, context=context)
    if noticed:
        alert(NEW_DOMAIN, 0, lambda locale: new_domain(locale, base_url), sections=noticed)
    if has_new and (together := _together(vault, now)).is_flood:
        alert(NEW_DOMAINS, 0, lambda locale: new_domains(locale, base_url), sections=together.sections)
    return len(acts) == batch


def _together(vault: Vault, now: datetime) -> ConfirmedTogether:
    """Return the confirmations from all new domains; read outside the transaction, so that no signer waits for it."""
    together = confirmed_together(vault, now=now)
    db.session.rollback()
    return together


def _confirmed(session: Session, after: int, now: datetime, batch: int) -> list[_Act]:
    """Return the next signatures that were counted after that action's id."""
    chosen = select(Action.id, Action.signature_id, Action.counted_at).where(
        Action.id > after,
        Action.channel == Channel.SIGNATURE,
        Action.signature_id.is_not(None),
        Action.counted_at < now - _REST,
    )
    rows = session.execute(chosen.order_by(Action.id).limit(batch)).all()
    return [
        _Act(action_id, signature, counted_at) for action_id, signature, counted_at in rows if signature is not None
    ]


def _count(session: Session, acts: list[_Act], now: datetime, vault: Vault) -> tuple[bool, set[str]]:
    """Count the signatures' domains; return whether any is new, and the sections with many from a new domain.

    A signature that was erased meanwhile was counted at erasure. It counts as new here, since its domain is unknown.
    """
    days = {act.signature_id: act.counted_at.date() for act in acts}
    pairs: list[tuple[str, date]] = []
    sections: dict[str, set[str]] = {}
    has_new = False
    for signature in session.scalars(select(Signature).where(Signature.id.in_(days)).order_by(Signature.id)):
        has_new = has_new or signature.address_digest is None
        domain = countable_domain(signature, vault)
        if domain is not None:
            pairs.append((domain, days[signature.id]))
            sections.setdefault(domain, set()).add(signature.section_code)
    noticed: set[str] = set()
    for domain, seen in add_to_domains(session, pairs, vault).items():
        has_new = has_new or seen.is_new(now.date())
        if needs_alert(seen, now.date()):
            noticed |= sections[domain]
    return has_new, noticed
