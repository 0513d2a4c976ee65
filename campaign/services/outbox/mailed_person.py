"""The person that a mail is about: the form that it answers, or the signature whose signer gets it.

The row of a mail has the id of the form or signature in clear until the mail has left. Then the id is only in the
sealed context. The answer to a request for links has it only there from the beginning: its row must not show whether
anything is stored for the address.

The context is sealed with a data key, not with the key of a row. A value sealed with the key of a row begins with the
number of that key in clear. The key of the form or signature would show whose mail it is, and a new key would cost one
more write for each mail. So erasing a key cannot erase the id: once the form or signature is deleted, its id is removed
from the context (services/outbox/forget_answers.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ANSWER_KINDS
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_mail
from campaign.models import Mail


@dataclass(frozen=True, slots=True)
class MailedPerson:
    """The form that a mail answers, or the signature whose signer gets it. Both ids are None where there is neither."""

    sign_up_id: int | None = None
    signature_id: int | None = None


def person_of_mail(mail: Mail, vault: Vault) -> MailedPerson:
    """Return the person that the mail is about.

    Raises CipherError where the context was changed or belongs to another mail.
    """
    is_named = mail.sign_up_id is not None or mail.signature_id is not None
    if is_named or mail.kind not in ANSWER_KINDS or mail.context_sealed is None:
        return MailedPerson(mail.sign_up_id, mail.signature_id)
    return person_in_context(mail.context_sealed, mail.message_id, vault)


def readable_person(mail: Mail, vault: Vault) -> MailedPerson:
    """Return the person that the mail is about; an empty MailedPerson where its context cannot be decrypted."""
    try:
        return person_of_mail(mail, vault)
    except CipherError:
        return MailedPerson()


def person_in_context(sealed: bytes, message_id: str | None, vault: Vault) -> MailedPerson:
    """Return the person in the sealed context of the mail with that Message-ID. Raises CipherError."""
    ids = json.loads(vault.open_context(sealed, at_mail(message_id)))
    return MailedPerson(ids.get("sign_up"), ids.get("signature"))


def sealed_person(person: MailedPerson, message_id: str, vault: Vault) -> bytes:
    """Return a sealed context with the person of a mail. It has the same length without a person."""
    ids = {"sign_up": person.sign_up_id, "signature": person.signature_id}
    return vault.seal_context(json.dumps(ids), at_mail(message_id))
