"""The change of a signer's address: the new mailbox confirms it, and the old one gets a notice.

The mailed link contains the requested address, sealed. Nothing is stored before the new mailbox has confirmed. The link
is bound to the signature's link key. Changing the address replaces that key: so the link works once, and all earlier
links stop working. A person whose link opens only some signatures changes the address of those alone. Staff change the
address of the signatures of their section.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from campaign.domain.errors import InputError, NotFoundError, TokenError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.erasure_journal import ErasureKind
from campaign.domain.privacy.sealed_place import at_address_change
from campaign.domain.signing.address import Address, parse_address
from campaign.domain.signing.token import Link, Purpose, Tokens, new_link_key
from campaign.mail.messages.address_texts import address_changed, confirm_address
from campaign.models import Consent, Signature, SignUp
from campaign.models.privacy.sealed_columns import place_of
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.queries.signing.person import digests_of_address
from campaign.queries.signing.signature import last_consent
from campaign.services.outbox.enqueue import lock_contents, rebind_contents
from campaign.services.outbox.mailbox_limit import proof_write
from campaign.services.outbox.notice import Notice
from campaign.services.signing.signature import (
    consent_columns,
    is_counted,
    lock_signature,
    note_erasure,
    store_tombstone,
)

# Separates the signed token from the sealed address. Neither of them contains this character.
_SEPARATOR = "~"


@dataclass(frozen=True, slots=True)
class AddressChange:
    """The change of address that a mailed link requests, with the new address sealed."""

    link: Link
    sealed_address: bytes

    def address(self, link_key: bytes, vault: Vault) -> Address:
        """Return the new address.

        Raises NotFoundError where the link was used before or belongs to another signature, CipherError.
        """
        if not self.link.opens(link_key) or not self.link.shows(link_key, self.sealed_address):
            raise NotFoundError("the link is used up")
        return parse_address(vault.open_email(self.sealed_address, at_address_change(link_key)))


def read_requested_change(token: str, *, tokens: Tokens, now: datetime) -> AddressChange:
    """Return the change that the mailed token requests. Raises TokenError, ExpiredTokenError."""
    signed, _, sealed_address = token.partition(_SEPARATOR)
    try:
        padded = sealed_address + "=" * (-len(sealed_address) % 4)
        return AddressChange(tokens.read(Purpose.ADDRESS, signed, now), base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError) as error:
        raise TokenError("the link is damaged") from error


def request_change(signature_id: int, new_address: Address, *, row_marks: bytes = b"", context: Context) -> None:
    """Enqueue a mail to the new address, with a link that confirms the change.

    `row_marks` are the marks (`shown_mark`) of the signatures to change; without marks all signatures of the address
    change. The mailbox's daily limit and its suppression are checked when the mail leaves, because an error here would
    tell what the address has done. Raises NotFoundError (erased), InputError (`email`: `same`).
    """
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if _address_of(signature, context.vault).identity == new_address.identity:
            raise InputError("email", "same", "this is the address that there is")
        link_key = signature.link_key or b""
        sealed_address = context.vault.seal_email(new_address, at_address_change(link_key))
        token = context.keys.tokens.make(
            Purpose.ADDRESS, signature.id, context.now, link_key, sealed_address, row_marks
        )
        url = f"{context.settings.base_url}/{signature.locale}/m/{token}{_SEPARATOR}{_base64(sealed_address)}/address"
        message = confirm_address(signature.locale, context.settings.theme.name)
        notice = Notice(MailKind.ADDRESS, new_address, message.subject, message.text, url, signature.locale)
        notice.write(session.connection(), context=context)


def change_address(change: AddressChange, *, context: Context) -> tuple[int, int]:
    """Give the new address to the signatures that the link covers, and enqueue a notice to the old address.

    Returns the number of changed signatures, and the number of unchanged ones: those on appeals that the new address
    has signed already. Raises NotFoundError where the link was used before, CipherError.
    """
    now, vault = context.now, context.vault
    with transaction() as session:
        signature = lock_signature(session, change.link.row_id)
        new_address, old_address = change.address(signature.link_key or b"", vault), _address_of(signature, vault)
        of_old_address = select(Signature).where(
            Signature.address_digest.in_(digests_of_address(session, old_address, vault))
        )
        locked_rows = session.scalars(of_old_address.order_by(Signature.id).with_for_update(**NO_KEY_UPDATE))
        rows = [
            row for row in locked_rows if change.link.covers_in_section(row.id, row.link_key or b"", row.section_code)
        ]
        changed = sum(_replace_address(session, row, new_address, now, vault) for row in rows)
        if change.link.opens(signature.link_key or b""):
            # The linked signature was not changed above. It gets a new link key all the same: the link works only once.
            contents = lock_contents(session, signature, vault)
            _seal(signature, signature.address_digest, old_address, vault)
            rebind_contents(contents, signature, vault)
        session.connection().execute(*proof_write(session.connection().dialect.name, new_address, now=now, vault=vault))
        if changed:
            message = address_changed(signature.locale, context.settings.theme.name)
            notice = Notice(MailKind.ADDRESS, old_address, message.subject, message.text, "", signature.locale)
            notice.write(session.connection(), context=context)
        return changed, len(rows) - changed


def _replace_address(session: Session, row: Signature, new_address: Address, now: datetime, vault: Vault) -> bool:
    """Give the signature the new address; return False where the new address has signed the appeal already."""
    digest = vault.address_digest(row.appeal_id, new_address)
    has_signed = exists().where(Signature.appeal_id == row.appeal_id, Signature.address_digest == digest)
    if session.scalar(select(has_signed)):
        return False
    if is_counted(session, row):
        store_tombstone(session, row, now, vault)
    # With this entry, restoring an earlier backup does not bring the old address back. If the signature gets the old
    # address again later, the consent stored with that change shows it.
    note_erasure(session, ErasureKind.ADDRESS_CHANGED, row, now, vault)
    record = consent_columns(session, row, now, to_appeal=last_consent(session, row).to_appeal)
    session.connection().execute(insert(Consent), record)
    contents = lock_contents(session, row, vault)
    _seal(row, digest, new_address, vault)
    rebind_contents(contents, row, vault)
    # The digest of the old domain is wrong for the new address. Floods are not searched for in changed addresses.
    row.domain_digest = None
    session.execute(delete(SignUp).where(SignUp.signature_id == row.id))
    session.flush()
    return True


def _seal(row: Signature, digest: bytes | None, address: Address, vault: Vault) -> None:
    """Give the row the address and a new link key, and seal its name and address again: they are bound to both."""
    name = vault.open_name(row.name_sealed or b"", place_of(row))
    slot = vault.slot(row.name_sealed)
    row.address_digest, row.link_key = digest, new_link_key()
    place = place_of(row)
    row.name_sealed, row.email_sealed = vault.seal_name(name, place, slot), vault.seal_email(address, place, slot)


def _address_of(signature: Signature, vault: Vault) -> Address:
    """Return the signature's decrypted address. Raises NotFoundError where the signature was erased."""
    if signature.email_sealed is None:
        raise NotFoundError("this signature has been erased")
    return parse_address(vault.open_email(signature.email_sealed, place_of(signature)))


def _base64(sealed_address: bytes) -> str:
    return base64.urlsafe_b64encode(sealed_address).decode().rstrip("=")
