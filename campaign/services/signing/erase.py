"""The erasure of a signature, and of the unconfirmed forms and rows of paper sheets of an address, for good."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from campaign.domain.errors import CipherError, NotFoundError
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.domain.signing.address import parse_address
from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import Link
from campaign.models import Appeal, BulkEntry, Consent, Mail, SheetRow, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.person import digests_of_address
from campaign.services.handover.handover import outdate
from campaign.services.keys.row_key import erase_keys
from campaign.services.moderation.domain_history import count_erased, countable_domain
from campaign.services.signing.signature import (
    ERASED_COLUMNS,
    ERASED_CONSENT_COLUMNS,
    is_counted,
    note_address_erasure,
    note_erasure,
    store_tombstone,
    truncate_times,
)


def erase(signature_id: int, *, section: str | None = None, context: Context) -> None:
    """Erase the signature's name and address. Its actions stay counted, and the address cannot be counted again.

    Unconfirmed forms and rows of paper sheets with the same address are deleted on all appeals. Where staff erase,
    `section` limits this to their own section. Repeating it changes nothing. A signature that does not exist raises
    nothing.
    """
    now, vault = context.now, context.vault
    with transaction() as session:
        # Done before the signature is locked: signing up a row of a sheet also locks the row first, then the signature.
        _delete_waiting_rows(session, session.get(Signature, signature_id), now, vault, section)
        signature = session.get(Signature, signature_id, with_for_update=NO_KEY_UPDATE, populate_existing=True)
        if signature is None or signature.address_digest is None:
            return
        note_erasure(session, ErasureKind.ERASED, signature, now, vault)
        domain = countable_domain(signature, vault)
        erase_row(session, signature, now, vault)
        if domain is not None:
            count_erased(session, signature_id, domain, now, vault)


def erase_row(session: Session, signature: Signature, now: datetime, vault: Vault) -> None:
    """Erase a locked signature, in the caller's transaction."""
    forms = session.scalars(select(SignUp.origin_sealed).where(SignUp.signature_id == signature.id)).all()
    erase_keys(session, [*forms, signature.name_sealed, signature.email_sealed], vault, on=now.date())
    session.execute(delete(SignUp).where(SignUp.signature_id == signature.id))
    if signature.shares_name:
        outdate(session, signature.appeal_id, signature.section_code, vault=vault, on=now.date())
    # Sent and waiting mails alike, because the digests in their rows are made from the address.
    session.execute(delete(Mail).where(Mail.signature_id == signature.id))
    truncate_times(session, [signature.id])
    if signature.state in {SignatureState.CONFIRMED, SignatureState.INVALIDATED}:
        store_tombstone(session, signature, now, vault)
        if is_counted(session, signature) or signature.state == SignatureState.INVALIDATED:
            session.execute(update(Signature).where(Signature.id == signature.id).values(**ERASED_COLUMNS))
            session.execute(
                update(Consent).where(Consent.signature_id == signature.id).values(**ERASED_CONSENT_COLUMNS)
            )
            return
    session.execute(delete(Signature).where(Signature.id == signature.id))


def _delete_waiting_rows(
    session: Session, signature: Signature | None, now: datetime, vault: Vault, section: str | None
) -> None:
    """Delete the unconfirmed forms and the rows of sheets of the signature's address on all appeals."""
    if signature is None or signature.email_sealed is None or signature.address_digest is None:
        return
    try:
        address = parse_address(vault.open_email(signature.email_sealed, place_of(signature)))
    except CipherError:
        delete_sheet_rows(session, [vault.sheet_row_digest(signature.address_digest)], now, vault, section)
        _delete_sign_ups(session, [signature.address_digest], now, vault, section)
        return
    digests = digests_of_address(session, address, vault)
    delete_sheet_rows(session, [vault.sheet_row_digest(digest) for digest in digests], now, vault, section)
    with_forms = session.scalars(select(Appeal.id).where(exists().where(SignUp.appeal_id == Appeal.id))).all()
    _delete_sign_ups(session, vault.address_digests(with_forms, address), now, vault, section)


def delete_sheet_rows(
    session: Session, row_digests: Collection[bytes], now: datetime, vault: Vault, section: str | None = None
) -> None:
    """Delete the waiting rows of paper sheets with those digests (`Vault.sheet_row_digest`).

    Only sheets that were entered until `now` count; `section` limits it to sheets that this section has entered.
    """
    if row_digests:
        entered = select(BulkEntry.id).where(BulkEntry.entered_at <= now)
        if section is not None:
            entered = entered.where(BulkEntry.section_code == section)
        conditions = SheetRow.address_digest.in_(row_digests), SheetRow.bulk_entry_id.in_(entered)
        deleted = delete(SheetRow).where(*conditions).returning(SheetRow.email_sealed)
        sealed = session.scalars(deleted, execution_options={"synchronize_session": False}).all()
        erase_keys(session, sealed, vault, on=now.date())


def delete_sign_ups_of_link(link: Link, *, context: Context) -> bool:
    """Delete the unconfirmed forms, on all appeals, of the address that the link was mailed to.

    Returns False, and deletes nothing, where the link's own form is confirmed. Raises NotFoundError, CipherError.
    """
    vault = context.vault
    with transaction() as session:
        sign_up = session.get(SignUp, link.row_id, with_for_update=NO_KEY_UPDATE)
        if sign_up is None or not link.opens(sign_up.link_key):
            raise NotFoundError("this sign-up has been erased")
        if sign_up.signature_id is not None or sign_up.email_sealed is None:
            return False
        address = parse_address(vault.open_email(sign_up.email_sealed, place_of(sign_up)))
        with_forms = session.scalars(select(Appeal.id).where(exists().where(SignUp.appeal_id == Appeal.id))).all()
        for appeal_id, digest in zip(with_forms, vault.address_digests(with_forms, address), strict=True):
            # The newest form of the address, and the earlier ones that it superseded.
            form_digests = [vault.waiting_digest(digest), *vault.superseded_digests(digest)]
            is_waiting = SignUp.address_digest.in_(form_digests), SignUp.signature_id.is_(None)
            signed_at = _delete_forms(session, context.now, vault, *is_waiting)
            if signed_at:
                note_address_erasure(session, ErasureKind.ERASED, appeal_id, digest, max(signed_at), context.now, vault)
        return True


def _delete_sign_ups(
    session: Session, digests: Collection[bytes], now: datetime, vault: Vault, section: str | None = None
) -> None:
    """Delete the forms of the addresses with those digests that were sent until `now`, in the caller's transaction.

    Superseded forms are included: each digest costs some 200 microseconds and a look-up. `section` limits it to the
    forms of one section.
    """
    of_section = [] if section is None else [SignUp.section_code == section]
    for digest in digests:
        form_digests = [vault.waiting_digest(digest), *vault.superseded_digests(digest)]
        _delete_forms(session, now, vault, SignUp.address_digest.in_(form_digests), *of_section)


def _delete_forms(session: Session, now: datetime, vault: Vault, *conditions: ColumnElement[bool]) -> list[datetime]:
    """Delete the forms that meet the conditions, with their keys; return the time at which each was sent."""
    deleted = (
        delete(SignUp).where(SignUp.signed_at <= now, *conditions).returning(SignUp.origin_sealed, SignUp.signed_at)
    )
    rows = session.execute(deleted, execution_options={"synchronize_session": False}).all()
    erase_keys(session, [row.origin_sealed for row in rows], vault, on=now.date())
    return [row.signed_at for row in rows]
