"""New links for a signer whose first link expired or was lost.

The page only stores the request, and a worker looks up the address. So the page takes equally long whether or not the
address has signed. The worker always enqueues two mails, also where there is nothing to link to. So an attacker who
requests links for an address, and later steals the tables, does not learn from the rows whether the address has signed.
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
from campaign.queries.signing.person import digests_of_address
from campaign.services.keys.row_key import KeyUse, erase_keys, reserve
from campaign.services.outbox.enqueue import enqueue_links
from campaign.services.outbox.mailed_person import MailedPerson

_BATCH = 100
_COLUMNS = ("email_sealed", "created_at")
# Inserts the row only where its batch of keys is stored: without the batch it could never be decrypted.
_INSERT_REQUEST = (
    insert(LinkRequest)
    .from_select(
        _COLUMNS,
        select(*(bindparam(f"new_{name}", type_=LinkRequest.__table__.c[name].type) for name in _COLUMNS)).where(
            exists().where(RowKey.id == bindparam("batch"))
        ),
    )
    .returning(LinkRequest.id)
)


def request_new_links(address: Address, *, context: Context) -> None:
    """Store a request to send the address its links. Nothing about the address is looked up or returned."""
    now, vault = context.now, context.vault
    reserve(vault, KeyUse.ASKED, now=now)
    try:
        _store_request(address, now, vault)
    except UnknownKeyError:
        # The database was restored to an earlier state, without the keys that this process reserved for its rows.
        vault.row_keys.drop_batches()
        reserve(vault, KeyUse.ASKED, now=now)
        _store_request(address, now, vault)


def _store_request(address: Address, now: datetime, vault: Vault) -> None:
    """Store the request. Raises UnknownKeyError where the database does not have the reserved keys."""
    slot = vault.row_keys.take_key(KeyUse.ASKED)
    sealed = vault.seal_email(address, at_link_request(), slot)
    with transaction() as session:
        values = {"new_email_sealed": sealed, "new_created_at": now, "batch": slot.batch}
        if session.connection().execute(_INSERT_REQUEST, values).first() is None:
            raise UnknownKeyError


def answer_link_requests(*, context: Context) -> bool:
    """Enqueue the mails for the next hundred requests, and delete these requests; return whether more may wait."""
    vault = context.vault
    with transaction() as session:
        waiting = select(LinkRequest).order_by(LinkRequest.id).limit(_BATCH).with_for_update(skip_locked=True)
        rows = session.scalars(waiting).all()
        for row in rows:
            try:
                address = parse_address(vault.open_email(row.email_sealed, at_link_request()))
                # The mails get the time of the request: their date and the time limit of their retries follow from it.
                _enqueue_links(session, address, context=replace(context, now=row.created_at))
            except CipherError:
                continue  # an old request whose key was erased: its address cannot be decrypted
        if rows:
            # The day only marks that the table of seeds must be rewritten. It is not read.
            erase_keys(session, [row.email_sealed for row in rows], vault, on=rows[-1].created_at.date())
            session.execute(delete(LinkRequest).where(LinkRequest.id.in_([row.id for row in rows])))
        return len(rows) == _BATCH


def _enqueue_links(session: Session, address: Address, *, context: Context) -> None:
    """Enqueue a mail with a link to confirm the address's waiting forms, and one with a link to all its signatures.

    A mail without anything to link to is dropped when it is due. Its row then looks like that of a sent mail.
    """
    digests = digests_of_address(session, address, context.vault)
    form, signature = _person_of_newest_form(session, digests, context.vault), _person_of_signature(session, digests)
    for person in (form, signature):
        enqueue_links(session, address, person, context=context)


def _person_of_newest_form(session: Session, digests: list[bytes], vault: Vault) -> MailedPerson:
    """Return the newest unconfirmed, unflagged form of these digests on an open appeal, or an empty MailedPerson."""
    waiting = (
        select(SignUp.id)
        .join(Appeal, Appeal.id == SignUp.appeal_id)
        .where(
            SignUp.address_digest.in_([vault.waiting_digest(digest) for digest in digests]),
            SignUp.signature_id.is_(None),
            SignUp.flag.is_(None),
            Appeal.state == AppealState.OPEN,
        )
    )
    return MailedPerson(sign_up_id=session.scalars(waiting.order_by(SignUp.signed_at.desc()).limit(1)).first())


def _person_of_signature(session: Session, digests: list[bytes]) -> MailedPerson:
    """Return the newest signature of these digests, or an empty MailedPerson.

    One is enough: its page shows all signatures of the address, also those on closed appeals.
    """
    of_address = select(Signature.id).where(Signature.address_digest.in_(digests))
    return MailedPerson(signature_id=session.scalars(of_address.order_by(Signature.id.desc()).limit(1)).first())
