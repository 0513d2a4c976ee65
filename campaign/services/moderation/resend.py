"""Resending of a signer's undelivered mail by staff of the section."""

from __future__ import annotations

from sqlalchemy import select

from campaign.domain.errors import NotFoundError, StateError
from campaign.domain.outbox.mail_state import MailState, may_resend
from campaign.domain.staff.roles import Permission
from campaign.models import Mail, Signature
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.services.staff.audit import AuditRecord, append


def resend(signature_id: int, mail_id: int, *, expected: int, context: Context) -> None:
    """Queue the same message again; the worker that sends it checks again whether it may be sent.

    `expected` is the mail's fencing number that the page showed. Raises NotFoundError (no mail of a signer of the own
    section), StateError (the mail has another fencing number now, or may not be resent).
    """
    scope = context.actor.staff_scope
    context.actor.require(Permission.EDIT)
    with transaction() as session:
        own = select(Signature.id).where(Signature.id == signature_id, Signature.section_code == scope.section)
        query = select(Mail).where(Mail.id == mail_id, Mail.signature_id == own.scalar_subquery())
        mail = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
        if mail is None:
            raise NotFoundError("there is no such mail")
        if mail.fence != expected or not may_resend(mail.kind, mail.state):
            raise StateError("the mail has changed, or may not be resent")
        before = {"state": mail.state, "phase": mail.phase, "code": mail.code}
        mail.state, mail.due_at, mail.lease_until = MailState.RETRY.value, context.now, None
        mail.fence, mail.ambiguous = mail.fence + 1, 0
        session.flush()
        record = AuditRecord("mail.resend", f"mail:{mail_id}", scope.section, before, {"state": mail.state})
        append(session, record, context=context)
