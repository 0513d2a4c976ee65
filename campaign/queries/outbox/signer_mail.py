"""The mails to one signer, for the staff of the section: outcomes and reasons, without name and address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaign.domain.errors import NotFoundError
from campaign.domain.outbox.mail_state import may_resend
from campaign.domain.staff.roles import Scope
from campaign.models import Appeal, Mail, Signature
from campaign.platform import db

_MAX_MAILS = 50


@dataclass(frozen=True, slots=True)
class SignerMail:
    """A mail to the signer. `due_at` is the time of the next attempt. `fence` changes with each attempt."""

    id: int
    fence: int
    kind: str
    state: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    phase: str | None
    code: int | None
    detail: str | None
    bounced_at: datetime | None
    bounce_status: str | None

    @property
    def may_be_resent(self) -> bool:
        """Return whether staff may send it again."""
        return may_resend(self.kind, self.state)


@dataclass(frozen=True, slots=True)
class SignerMailHistory:
    """A signature's id, appeal and time, and the mails to its signer, the newest first."""

    signature_id: int
    slug: str
    signed_at: datetime
    mails: tuple[SignerMail, ...]


def mails_of_signer(scope: Scope, signature_id: int) -> SignerMailHistory:
    """Return the newest mails of a signature in the scope's section. Raises NotFoundError."""
    signed = db.session.execute(
        select(Appeal.slug, Signature.signed_at)
        .join(Appeal, Appeal.id == Signature.appeal_id)
        .where(Signature.id == signature_id, Signature.section_code == scope.section)
    ).one_or_none()
    if signed is None:
        raise NotFoundError("there is no such signature")
    columns = [getattr(Mail, name) for name in SignerMail.__dataclass_fields__]
    query = select(*columns).where(Mail.signature_id == signature_id).order_by(Mail.id.desc()).limit(_MAX_MAILS)
    return SignerMailHistory(signature_id, *signed, mails=tuple(SignerMail(*row) for row in db.session.execute(query)))
