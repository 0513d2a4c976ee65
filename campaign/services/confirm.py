"""Confirming a signature: from here on it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.orm import aliased

from campaign.domain.action import Channel, Evidence
from campaign.domain.appeal import AppealState, is_confirmable
from campaign.domain.cipher import Vault
from campaign.domain.errors import NotFoundError, OverError, StateError
from campaign.domain.funnel import Standing, Step, confirming
from campaign.domain.last_zone import last_zone
from campaign.domain.outbox import MailKind
from campaign.domain.signature import SignatureState
from campaign.extensions.locks import KEYS_STAY
from campaign.extensions.together import Write, write_all
from campaign.models import Action, Appeal, Mail, Section, Signature
from campaign.services.outbox import Owed, enqueuing, owe_signer
from campaign.services.signature import locked, was_counted
from campaign.services.steps import Passage, counting_steps
from campaign.services.tally import Cell, counting
from campaign.services.transaction import transaction

# All that confirming needs to know, in one round trip. The mail that brought the link has the digests of the address
# already, so that it need not be opened here.
_earlier = aliased(Mail)
_NEWEST = (
    select(func.max(_earlier.id))
    .where(_earlier.signature_id == Signature.id, _earlier.text_version.is_not(None))
    .scalar_subquery()
)
_FIND = (
    select(
        Signature.state,
        Signature.appeal_id,
        Signature.section_code,
        Signature.locale,
        Signature.signed_at,
        Signature.standing,
        Signature.via,
        Signature.domain_digest.label("signer_domain"),
        Appeal.deadline,
        Appeal.state.label("appeal_state"),
        Appeal.ended_at,
        Section.code.label("section"),
        Section.countries,
        Section.time_zone,
        Signature.address_digest,
        Mail.mailbox_digest,
        Mail.domain_digest,
        Mail.text_language,
        Mail.text_version,
    )
    .select_from(Signature)
    .join(Appeal, Appeal.id == Signature.appeal_id)
    .join(Section, Section.code == Signature.section_code)
    # The first condition finds the few mails by an index; by the second alone, which is a query of its own, PostgreSQL
    # does not look past the row-level policy and walks through all mails.
    .outerjoin(Mail, and_(Mail.signature_id == Signature.id, Mail.id == _NEWEST))
    .where(and_(Signature.id == bindparam("signature"), Signature.address_digest.is_not(None)))
    .with_for_update(of=Signature, **KEYS_STAY)
)
_CONFIRM = (
    update(Signature)
    .where(Signature.id == bindparam("signature"))
    .values(
        state=SignatureState.CONFIRMED.value,
        confirmed_at=bindparam("now"),
        standing=Standing.NOT_FOLLOWED,
        is_repeat=bindparam("repeat"),
    )
)
_COUNTED = insert(Action)


def confirm(signature_id: int, *, now: datetime, vault: Vault, mail_domain: str) -> None:
    """Confirms and counts the signature, and owes its address the thanks; repeating it changes nothing and succeeds.

    Raises NotFoundError (erased), OverError (confirmed too late, or the appeal was stopped), StateError (withdrawn or
    invalidated).
    """
    with transaction() as session:
        connection = session.connection()
        found = connection.execute(_FIND, {"signature": signature_id}).one_or_none()
        if found is None:
            raise NotFoundError("this signature has been erased")
        if found.state == SignatureState.CONFIRMED:
            return
        if found.state != SignatureState.PENDING:
            raise StateError(f"the signature is {found.state}")
        _refuse_late(found, now)
        if found.mailbox_digest is None:
            # Its mails are no longer kept.
            signature = locked(session, signature_id)
            owe_signer(session, MailKind.CONFIRMED, signature, now=now, vault=vault, domain=mail_domain)
        is_repeat = was_counted(session, found.appeal_id, found.address_digest, vault)
        writes = _writes(connection.dialect.name, signature_id, found, now, vault, mail_domain, is_repeat=is_repeat)
        write_all(connection, writes)


def _writes(
    dialect: str, signature_id: int, found: Any, now: datetime, vault: Vault, mail_domain: str, *, is_repeat: bool
) -> list[Write]:
    writes: list[Write] = [(_CONFIRM, {"signature": signature_id, "now": now, "repeat": is_repeat})]
    if found.mailbox_digest is not None:
        owed = Owed(
            kind=MailKind.CONFIRMED,
            signature_id=signature_id,
            mailbox_digest=found.mailbox_digest,
            domain_digest=found.domain_digest,
            locale=found.locale,
            text_language=found.text_language,
            text_version=found.text_version,
        )
        writes.append(enqueuing(owed, now=now, domain=mail_domain))
    if not is_repeat:
        writes += _count(dialect, signature_id, found, now)
    if found.standing != Standing.NOT_FOLLOWED:
        writes += counting_steps(dialect, _steps(found, now, vault))
    return writes


def _steps(found: Any, now: datetime, vault: Vault) -> list[tuple[Passage, Step]]:
    """Whoever confirms has got the mail, whatever became known of its delivery."""
    provider = vault.provider(found.signer_domain)
    passage = Passage(found.appeal_id, found.section_code, provider, found.via, found.signed_at.date())
    taken = [confirming(now - found.signed_at)]
    if found.standing != Standing.MAILED:
        taken.append(Step.MAILED)
    return [(passage, step) for step in taken]


def _refuse_late(found: Any, now: datetime) -> None:
    if found.appeal_state == AppealState.STOPPED:
        raise OverError("the appeal was stopped")
    zone = last_zone(found.section, tuple(found.countries), found.time_zone, found.deadline)
    if not is_confirmable(found.deadline, zone, found.ended_at, signed_at=found.signed_at, now=now):
        raise OverError("it is too late to confirm")


def _count(dialect: str, signature_id: int, found: Any, now: datetime) -> Iterator[Write]:
    cell = Cell(found.appeal_id, found.section_code, Channel.SIGNATURE, Evidence.VERIFIED)
    more = {"quantity": 1, "signature_id": signature_id, "target": 0, "happened_on": now.date(), "counted_at": now}
    yield _COUNTED, cell.as_columns() | more
    yield from counting(dialect, cell, now, 1)
