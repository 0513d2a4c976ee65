"""The person that a mail is about: named in its row until the mail has left, or sealed in its context.

The answer to a request for links never names a person in clear: its row must not tell whether anything is stored for
the address.

The sealed value is the id of a form or a signature, without personal data. It is not sealed under a row's key: such a
value begins with the number of its batch of keys in clear, so the key of the form or the signature would tell whose
mail it is, and a key of its own would cost one more write for each mail that leaves. Once the form or the signature is
gone, the id is removed too (services/outbox/forget_answers.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ANSWERS
from campaign.domain.privacy.cipher import Vault
from campaign.domain.privacy.sealed_place import at_mail
from campaign.models import Mail


@dataclass(frozen=True, slots=True)
class MailedPerson:
    """The form that a mail answers, or the signature that it goes to; neither where there is none."""

    sign_up_id: int | None = None
    signature_id: int | None = None


def person_of_mail(mail: Mail, vault: Vault) -> MailedPerson:
    """Return the person that the mail is about.

    Raises CipherError where its context was changed, or belongs to another mail.
    """
    is_named = mail.sign_up_id is not None or mail.signature_id is not None
    if is_named or mail.kind not in ANSWERS or mail.context_sealed is None:
        return MailedPerson(mail.sign_up_id, mail.signature_id)
    return person_in_context(mail.context_sealed, mail.message_id, vault)


def readable_person(mail: Mail, vault: Vault) -> MailedPerson:
    """Return the person that the mail is about; an empty MailedPerson where its context cannot be decrypted."""
    try:
        return person_of_mail(mail, vault)
    except CipherError:
        return MailedPerson()


def person_in_context(sealed: bytes, message_id: str | None, vault: Vault) -> MailedPerson:
    """Return the person that the context of the mail with that Message-ID names. Raises CipherError."""
    named = json.loads(vault.open_context(sealed, at_mail(message_id)))
    return MailedPerson(named.get("sign_up"), named.get("signature"))


def sealed_person(subject: MailedPerson, message_id: str, vault: Vault) -> bytes:
    """Return the sealed context that names the person of a mail; its length is the same for all."""
    named = {"sign_up": subject.sign_up_id, "signature": subject.signature_id}
    return vault.seal_context(json.dumps(named), at_mail(message_id))
