"""The mail that brings signers, on request, the letter that they wrote in their own words."""

from __future__ import annotations

from campaign.domain.errors import StateError
from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.signing.signature import SignatureState
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import enqueue_to_signer
from campaign.services.signing.signature import lock_signature


def mail_own_letter(signature_id: int, words: str, *, context: Context) -> None:
    """Enqueue a mail with a confirmed signer's own words, sealed in the outbox row until the mail has left.

    Raises NotFoundError (erased), StateError (not confirmed: the address is not proven to be theirs), CipherError.
    """
    with transaction() as session:
        signature = lock_signature(session, signature_id)
        if signature.state != SignatureState.CONFIRMED:
            raise StateError(f"the signature is {signature.state}")
        enqueue_to_signer(session, MailKind.OWN_LETTER, signature, content={"words": words}, context=context)
