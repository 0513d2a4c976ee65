"""Detection of mass sign-ups by one attacker who also confirms them: many confirmations from new mail domains.

A domain is new if it had few confirmations or none before (`DomainHistory.is_new`). Hosts count for their owner's
domain: `a.example.org` for `example.org`. A worker reads the confirmations since its last run, so that confirming
itself costs nothing. If a signature is erased before that run, the erasing transaction counts it.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.counting.channel import Channel
from campaign.domain.privacy.cipher import Vault
from campaign.mail.messages.alert_texts import new_domain, new_domains
from campaign.models import Action, Signature
from campaign.models.abuse.abuse import ALL_APPEALS
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.moderation.confirmed_together import ConfirmedTogether, confirmed_together
from campaign.services.abuse.alert import raise_alert
from campaign.services.moderation.domain_history import count_confirmations, countable_domain, lock_watch, needs_alert
from campaign.services.moderation.last_id import settled_id

ONE_NEW_DOMAIN, NEW_DOMAINS_TOGETHER = "new-domain", "new-domains"
BATCH_SIZE = 5000


class _ConfirmedAction(NamedTuple):
    """An action that counts a signature, with its time."""

    id: int
    signature_id: int
    counted_at: datetime


def watch_domains(*, batch_size: int = BATCH_SIZE, context: Context) -> bool:
    """Process the next batch of confirmations; return whether there may be more.

    There are two kinds of alert, each raised at most once an hour: many confirmations from one new domain, and many
    from all new domains together.
    """
    now, vault, base_url = context.now, context.vault, context.settings.base_url
    newest_id = _newest_id()
    with transaction() as session:
        row = lock_watch(session)
        actions = _confirmed_actions(session, row.until_id, newest_id, batch_size)
        if actions:
            row.until_id = actions[-1].id
        has_new, sections_to_alert = _count(session, actions, now, vault)
        if row.sections_to_alert:
            sections_to_alert |= set(row.sections_to_alert)
            row.sections_to_alert = []
    alert = partial(raise_alert, context=context)
    if sections_to_alert:
        alert(ONE_NEW_DOMAIN, ALL_APPEALS, lambda locale: new_domain(locale, base_url), sections=sections_to_alert)
    if has_new and (together := _together(vault, now)).is_flood:
        sections = together.sections
        alert(NEW_DOMAINS_TOGETHER, ALL_APPEALS, lambda locale: new_domains(locale, base_url), sections=sections)
    return len(actions) == batch_size


def _newest_id() -> int:
    """Return the id of the newest action that can be counted without skipping one committed later.

    Return 0 if a transaction that writes actions takes so long that all new ones are left to the next run. It is read
    outside the transaction, so that no signer waits for it.
    """
    newest_id = settled_id(db.session, Action) or 0
    db.session.rollback()
    return newest_id


def _together(vault: Vault, now: datetime) -> ConfirmedTogether:
    """Return the confirmations from all new domains; read outside the transaction, so that no signer waits for it."""
    together = confirmed_together(vault, now=now)
    db.session.rollback()
    return together


def _confirmed_actions(session: Session, after_id: int, newest_id: int, batch_size: int) -> list[_ConfirmedAction]:
    """Return the actions of the next counted signatures, with ids after `after_id` and up to `newest_id`."""
    query = select(Action.id, Action.signature_id, Action.counted_at).where(
        Action.id > after_id,
        Action.id <= newest_id,
        Action.channel == Channel.SIGNATURE,
        Action.signature_id.is_not(None),
    )
    rows = session.execute(query.order_by(Action.id).limit(batch_size)).all()
    return [
        _ConfirmedAction(action_id, signature_id, counted_at)
        for action_id, signature_id, counted_at in rows
        if signature_id is not None
    ]


def _count(session: Session, actions: list[_ConfirmedAction], now: datetime, vault: Vault) -> tuple[bool, set[str]]:
    """Count the signatures' domains; return whether any domain is new, and the sections whose staff must be alerted.

    A signature that has been erased since was counted by the erasure. Its domain is unknown, so it counts as new.
    """
    days = {action.signature_id: action.counted_at.date() for action in actions}
    pairs: list[tuple[str, date]] = []
    sections: dict[str, set[str]] = {}
    has_new = False
    for signature in session.scalars(select(Signature).where(Signature.id.in_(days)).order_by(Signature.id)):
        has_new = has_new or signature.address_digest is None
        domain = countable_domain(signature, vault)
        if domain is not None:
            pairs.append((domain, days[signature.id]))
            sections.setdefault(domain, set()).add(signature.section_code)
    sections_to_alert: set[str] = set()
    for domain, history in count_confirmations(session, pairs, vault).items():
        has_new = has_new or history.is_new(now.date())
        if needs_alert(history, now.date()):
            sections_to_alert |= sections[domain]
    return has_new, sections_to_alert
