"""The removal of references to deleted forms and signatures from ended mails.

Once a mail that answered a form, or a request for links, has ended, its row has the form or signature only in the
sealed context. This module finds such rows whose form or signature was deleted, and makes them look like those of mails
without a form or signature. The rows stay, with a new Message-ID. An attacker could cause a mail by typing an address,
and steal the table later: a missing row would show that the signer has left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text, update

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ANSWER_KINDS
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.models import Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import new_message_id
from campaign.services.outbox.mailed_person import MailedPerson, person_in_context, sealed_person

_READ_AT_ONCE = 5000
_ENDED = [MailState.SENT.value, MailState.UNKNOWN.value, MailState.DEAD.value, MailState.SUPPRESSED.value]
_ENDED_WITH_PERSON = select(Mail.id, Mail.message_id, Mail.context_sealed).where(
    text("mail.message_id IS NOT NULL"),
    Mail.context_sealed.is_not(None),
    Mail.kind.in_(sorted(ANSWER_KINDS)),
    Mail.state.in_(_ENDED),
)
_FORMS = select(SignUp.id).where(SignUp.id.in_(bindparam("sign_ups", expanding=True)))
_SIGNATURES = select(Signature.id).where(
    Signature.id.in_(bindparam("signatures", expanding=True)), Signature.address_digest.is_not(None)
)


def forget_answers(*, since: datetime, may_continue: Callable[[], bool], batch: int, context: Context) -> int:
    """Remove the references to deleted forms and signatures from mails that were enqueued since `since`.

    Returns the number of changed mails. Earlier mails have lost their Message-ID and their reference already. Works in
    transactions of `batch` mails, as long as `may_continue()` returns true. Reading costs some 30 microseconds a mail.
    """
    orphaned: list[Any] = []
    query = _ENDED_WITH_PERSON.where(Mail.created_at >= since).execution_options(yield_per=_READ_AT_ONCE)
    for mails in db.session.execute(query).partitions():
        orphaned += _orphaned_mails(mails, context.vault)
        if not may_continue():
            break
    db.session.rollback()
    number = 0
    while orphaned and may_continue():
        batch_mails, orphaned = orphaned[:batch], orphaned[batch:]
        with transaction() as session:
            for mail in batch_mails:
                # A mail that is being sent again meanwhile does not match.
                is_unchanged = Mail.id == mail.id, Mail.message_id == mail.message_id, Mail.state.in_(_ENDED)
                changed = session.connection().execute(
                    update(Mail).where(*is_unchanged).values(_columns_without_person(mail, context.vault))
                )
                number += changed.rowcount
    return number


def _orphaned_mails(mails: Sequence[Any], vault: Vault) -> list[Any]:
    """Return the mails whose form or signature was deleted. Mails whose context cannot be decrypted are left out."""
    persons: dict[Any, MailedPerson] = {}
    for mail in mails:
        try:
            persons[mail] = person_in_context(mail.context_sealed, mail.message_id, vault)
        except CipherError:
            continue
    forms = {person.sign_up_id for person in persons.values() if person.sign_up_id is not None}
    signatures = {person.signature_id for person in persons.values() if person.signature_id is not None}
    forms.difference_update(db.session.scalars(_FORMS, {"sign_ups": sorted(forms)}) if forms else ())
    signatures.difference_update(
        db.session.scalars(_SIGNATURES, {"signatures": sorted(signatures)}) if signatures else ()
    )
    return [mail for mail, person in persons.items() if person.sign_up_id in forms or person.signature_id in signatures]


def _columns_without_person(mail: Any, vault: Vault) -> dict[str, Any]:
    """Return new columns for the mail: those of an answer to an address for which nothing is stored."""
    message_id = new_message_id(mail.message_id.rpartition("@")[2].removesuffix(">"))
    return {"message_id": message_id, "context_sealed": sealed_person(MailedPerson(), message_id, vault)}
