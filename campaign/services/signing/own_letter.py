"""The mail with a letter in the signer's own words, sent to the signer on request."""

from __future__ import annotations

from campaign.domain.errors import StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.signature import SignatureState
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import enqueue_to_signer
from campaign.services.signing.signature import lock_signature


def mail_own_letter(signature_id: int, letter: str, *, context: Context) -> None:
    """Enqueue a mail with the signer's own letter. The letter is sealed in the outbox row until the mail has left.

    Raises NotFoundError (erased), StateError (not confirmed, so the address may be another person's), CipherError.
    """
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.state != SignatureState.CONFIRMED:
            raise StateError(f"the signature is {signature.state}")
        enqueue_to_signer(session, MailKind.OWN_LETTER, signature, content={"words": letter}, context=context)
