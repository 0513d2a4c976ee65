"""Sending a signer another link, because the first one expired or was lost.

Whoever asks is written down without looking whether there is anything under the address; a worker looks. So the answer
takes as long for an address that has signed as for any other. And the worker owes the same two mails in any case: who
asks and later steals the tables does not read there which of them had anything to say.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, insert, select
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.errors import CipherError, UnknownKeyError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_link_request
from campaign.domain.signing.address import Address, parse_address
from campaign.models import Appeal, LinkRequest, RowKey, Signature, SignUp
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.person import digests_everywhere
from campaign.services.keys.row_key import KeyUse, erase_keys, reserve
from campaign.services.outbox.enqueue import owe_links
from campaign.services.outbox.subject import MailedPerson

_BATCH = 100
_COLUMNS = ("email_sealed", "created_at")
# Without the row's batch of keys it would never open.
_ASKED = (
    insert(LinkRequest)
    .from_select(
        _COLUMNS,
        select(*(bindparam(f"asked_{name}", type_=LinkRequest.__table__.c[name].type) for name in _COLUMNS)).where(
            exists().where(RowKey.id == bindparam("batch"))
        ),
    )
    .returning(LinkRequest.id)
)


def ask_new_links(address: Address, *, context: Context) -> None:
    """Writes down that the address wants its links; the caller learns nothing."""
    now, vault = context.now, context.vault
    reserve(vault, KeyUse.ASKED, now=now)
    try:
        _ask(address, now, vault)
    except UnknownKeyError:
        # The database was set back: it does not have the keys that this process took for its rows.
        vault.row_keys.drop()
        reserve(vault, KeyUse.ASKED, now=now)
        _ask(address, now, vault)


def _ask(address: Address, now: datetime, vault: Vault) -> None:
    slot = vault.row_keys.take(KeyUse.ASKED)
    sealed = vault.seal_email(address, at_link_request(), slot)
    with transaction() as session:
        given = {"asked_email_sealed": sealed, "asked_created_at": now, "batch": slot.batch}
        if session.connection().execute(_ASKED, given).first() is None:
            raise UnknownKeyError


def answer_link_requests(*, context: Context) -> bool:
    """Owes their links to the next hundred who asked, and forgets that they did, for good; whether more may wait."""
    vault = context.vault
    with transaction() as session:
        asked = select(LinkRequest).order_by(LinkRequest.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = session.scalars(asked).all()
        for row in rows:
            try:
                address = parse_address(vault.open_email(row.email_sealed, at_link_request()))
                _owe(session, address, context=replace(context, now=row.created_at))
            except CipherError:
                continue  # an old request, its key gone: nobody can be written to
        if rows:
            erase_keys(session, [row.email_sealed for row in rows], vault, on=rows[-1].created_at.date())
            session.execute(delete(LinkRequest).where(LinkRequest.id.in_([row.id for row in rows])))
        return len(rows) == _BATCH


def _owe(session: Session, address: Address, *, context: Context) -> None:
    """Owe one mail with a link to confirm all that waits, and one with a link to everything held under the address.

    Where there is nothing, the mail ends when its turn comes, and its row looks as if it had left.
    """
    for subject in (_waiting(session, address, context.vault), _signed(session, address, context.vault)):
        owe_links(session, address, subject, context=context)


def _waiting(session: Session, address: Address, vault: Vault) -> MailedPerson:
    """Return the newest form that waits; one that looks like part of a flood gets no mail this way either."""
    digests = digests_everywhere(session, address, vault)
    chosen = (
        select(SignUp.id)
        .join(Appeal, Appeal.id == SignUp.appeal_id)
        .where(
            SignUp.address_digest.in_([vault.waiting_digest(digest) for digest in digests]),
            SignUp.signature_id.is_(None),
            SignUp.flag.is_(None),
            Appeal.state == AppealState.OPEN,
        )
    )
    return MailedPerson(sign_up_id=session.scalars(chosen.order_by(SignUp.signed_at.desc()).limit(1)).first())


def _signed(session: Session, address: Address, vault: Vault) -> MailedPerson:
    """Return the newest signature: its page shows all others of the address, those on appeals long over too."""
    chosen = select(Signature.id).where(Signature.address_digest.in_(digests_everywhere(session, address, vault)))
    return MailedPerson(signature_id=session.scalars(chosen.order_by(Signature.id.desc()).limit(1)).first())
