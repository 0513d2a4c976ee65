"""Forgetting whom a mail answered once nobody is behind it any more: it looks as if there had been nothing to say.

Mails that answered a form, or a request for links, name nobody in clear once they are over, so they are looked for
here. The row stays, with another Message-ID, for whoever had it owed by typing the address and steals the table later
would learn from a row that is missing that somebody has left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update

from campaign.domain.errors import CipherError
from campaign.domain.outbox.mail_kind import ANSWERS
from campaign.domain.outbox.mail_state import MailState
from campaign.domain.privacy.cipher import Vault
from campaign.models import Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.context import Context
from campaign.platform.database.any_of_ids import any_of_ids
from campaign.platform.database.transaction import transaction
from campaign.services.outbox.enqueue import new_message_id
from campaign.services.outbox.subject import MailedPerson, sealed_subject, subject_in

_READ = 5000
_OVER = [MailState.SENT.value, MailState.UNKNOWN.value, MailState.DEAD.value, MailState.SUPPRESSED.value]
_NAMING = select(Mail.id, Mail.message_id, Mail.context_sealed).where(
    text("mail.message_id IS NOT NULL"),
    Mail.context_sealed.is_not(None),
    Mail.kind.in_(sorted(ANSWERS)),
    Mail.state.in_(_OVER),
)
_FORMS = select(SignUp.id).where(any_of_ids(SignUp.id, "sign_ups"))
_SIGNED = select(Signature.id).where(any_of_ids(Signature.id, "signatures"), Signature.address_digest.is_not(None))


def forget_answers(*, since: datetime, go_on: Callable[[], bool], batch: int, context: Context) -> int:
    """Forget whom mails owed `since` then answered, where the form and the signature are gone; return how many.

    Earlier ones have lost their Message-ID, and whom they answered with it. Reading takes some 30 microseconds a mail.
    """
    gone: list[Any] = []
    chosen = _NAMING.where(Mail.created_at >= since).execution_options(yield_per=_READ)
    for mails in db.session.execute(chosen).partitions():
        gone += _of_nobody(mails, context.vault)
        if not go_on():
            break
    db.session.rollback()
    forgotten = 0
    while gone and go_on():
        some, gone = gone[:batch], gone[batch:]
        with transaction() as session:
            for mail in some:
                # Unless it is being tried again.
                same = Mail.id == mail.id, Mail.message_id == mail.message_id, Mail.state.in_(_OVER)
                changed = session.connection().execute(update(Mail).where(*same).values(_nobody(mail, context.vault)))
                forgotten += changed.rowcount
    return forgotten


def _of_nobody(mails: Sequence[Any], vault: Vault) -> list[Any]:
    """Return those whose form, or whose signature, is gone. What opens no more is no worse than it was."""
    subjects: dict[Any, MailedPerson] = {}
    for mail in mails:
        try:
            subjects[mail] = subject_in(mail.context_sealed, mail.message_id, vault)
        except CipherError:
            continue
    forms = {one.sign_up_id for one in subjects.values() if one.sign_up_id is not None}
    signatures = {one.signature_id for one in subjects.values() if one.signature_id is not None}
    forms.difference_update(db.session.scalars(_FORMS, {"sign_ups": sorted(forms)}) if forms else ())
    signatures.difference_update(db.session.scalars(_SIGNED, {"signatures": sorted(signatures)}) if signatures else ())
    return [mail for mail, one in subjects.items() if one.sign_up_id in forms or one.signature_id in signatures]


def _nobody(mail: Any, vault: Vault) -> dict[str, Any]:
    """Return what the row of an answer says that had nothing under its address."""
    message_id = new_message_id(mail.message_id.rpartition("@")[2].removesuffix(">"))
    return {"message_id": message_id, "context_sealed": sealed_subject(MailedPerson(), message_id, vault)}
