"""Whom a mail is about: named in its row until it has left, or sealed in its context.

The answer to a request for links never names anybody in clear: its row must not tell whether there is anything under
the address.

What is sealed is a number of a row of ours and nothing of a person. It has no key of a row: where such a key comes from
stands in clear before the value, so that of the form or the signature would tell whose mail it is, and one of its own
would be one more write for each mail that leaves. Once nobody is behind the number any more, it goes
(services/outbox/forget_answers.py).
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


def subject_of(mail: Mail, vault: Vault) -> MailedPerson:
    """Return whom the mail is about. Raises CipherError where its context was changed, or is another mail's."""
    is_named = mail.sign_up_id is not None or mail.signature_id is not None
    if is_named or mail.kind not in ANSWERS or mail.context_sealed is None:
        return MailedPerson(mail.sign_up_id, mail.signature_id)
    return subject_in(mail.context_sealed, mail.message_id, vault)


def readable_subject(mail: Mail, vault: Vault) -> MailedPerson:
    """Return whom the mail is about; nobody where its context does not open."""
    try:
        return subject_of(mail, vault)
    except CipherError:
        return MailedPerson()


def subject_in(sealed: bytes, message_id: str | None, vault: Vault) -> MailedPerson:
    """Return whom the context of the mail with that Message-ID names. Raises CipherError."""
    found = json.loads(vault.open_context(sealed, at_mail(message_id)))
    return MailedPerson(found.get("sign_up"), found.get("signature"))


def sealed_subject(subject: MailedPerson, message_id: str, vault: Vault) -> bytes:
    """Return the context that names whom the mail is about; equally long for all."""
    named = {"sign_up": subject.sign_up_id, "signature": subject.signature_id}
    return vault.seal_context(json.dumps(named), at_mail(message_id))
