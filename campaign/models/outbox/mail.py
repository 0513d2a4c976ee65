"""The outbox: one row per message we owe somebody, written in the transaction that owes it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.outbox.mail_state import MailKind, MailState
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of

_DUE = "state IN ('queued', 'retry')"
_UNTRIED = "state IN ('queued', 'retry') AND attempts = 0"
_RETRIED = "state = 'retry' AND attempts > 0"
_SUPPRESSED = "state = 'suppressed'"
_SENDING = "state = 'sending'"
_ANNOUNCED = "announcement_id IS NOT NULL"
_UNDELIVERED = "state IN ('dead', 'unknown')"


class Mail(Model):
    """A message, its attempts and its outcome; the body is rendered when sending, so no personal data is copied."""

    __tablename__ = "mail"
    __table_args__ = (
        one_of("state", MailState),
        one_of("kind", MailKind),
        # By domain first: workers go round the domains, so that a long queue to one holds up no other.
        # The id last: an announcement's mails are all due at one moment, and would be sorted for each claim.
        Index("ix_mail_due", "domain_digest", "due_at", "id", sqlite_where=text(_DUE), postgresql_where=text(_DUE)),
        # How long the oldest has waited (queries/delivery/mail_status.py).
        Index("ix_mail_untried", "created_at", sqlite_where=text(_UNTRIED), postgresql_where=text(_UNTRIED)),
        Index("ix_mail_retried", "due_at", sqlite_where=text(_RETRIED), postgresql_where=text(_RETRIED)),
        Index("ix_mail_lease", "lease_until", sqlite_where=text(_SENDING), postgresql_where=text(_SENDING)),
        Index("ix_mail_signature_id", "signature_id"),
        Index("ix_mail_sign_up_id", "sign_up_id"),
        # Whose Message-ID is to be let go.
        Index(
            "ix_mail_message_id",
            "created_at",
            sqlite_where=text("message_id IS NOT NULL"),
            postgresql_where=text("message_id IS NOT NULL"),
        ),
        Index("ix_mail_undelivered", "state", sqlite_where=text(_UNDELIVERED), postgresql_where=text(_UNDELIVERED)),
        # Why mail was not sent of late.
        Index("ix_mail_suppressed", "created_at", sqlite_where=text(_SUPPRESSED), postgresql_where=text(_SUPPRESSED)),
        # Each signer gets an announcement once.
        Index(
            "uq_mail_announcement",
            "announcement_id",
            "signature_id",
            unique=True,
            sqlite_where=text(_ANNOUNCED),
            postgresql_where=text(_ANNOUNCED),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=MailState.QUEUED)
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id", ondelete="CASCADE"))
    # What answers a form, until it has left; then which form is sealed in the context, for what comes back.
    sign_up_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("sign_up.id", ondelete="CASCADE"))
    announcement_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("announcement.id"))
    # Who is no signer: the address and what the message says (JSON), sealed, and cleared once the mail is gone.
    recipient_sealed: Mapped[bytes | None]
    context_sealed: Mapped[bytes | None]
    # A keyed digest of the mail domain, for fairness and throttling; once the mail is over, another one for forms, for
    # signers and for staff (Vault.over_digest).
    domain_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Fixed when the row is written, so that a repeated message is the same message.
    # None once nothing can come back any more: a provider's log names it beside the address.
    message_id: Mapped[str | None]
    # To the hour, once it is over.
    created_at: Mapped[datetime]
    locale: Mapped[str]
    # Which letter, for mail to a signer; of an announcement, the language alone.
    text_language: Mapped[str | None]
    text_version: Mapped[int | None]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    ambiguous: Mapped[int] = mapped_column(default=0)
    # Who may write the outcome: the fence grows with each claim, so that a worker that lost its lease cannot.
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    # What the last attempt said: the phase of the SMTP dialogue, the code, and words without an address.
    phase: Mapped[str | None]
    code: Mapped[int | None]
    detail: Mapped[str | None]
    # What came back later: when, and the status of the report (RFC 3463), such as 5.1.1.
    bounced_at: Mapped[datetime | None]
    bounce_status: Mapped[str | None]
