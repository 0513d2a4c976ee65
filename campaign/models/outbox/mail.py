"""The outbox: one row for each mail to send, inserted in the transaction of the change that causes the mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.outbox.mail_kind import MailKind
from campaign.domain.outbox.mail_state import MailState
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
    """A mail, its attempts and its outcome. The body is composed when it is sent, so no personal data is copied."""

    __tablename__ = "mail"
    __table_args__ = (
        one_of("state", MailState),
        one_of("kind", MailKind),
        # The domain comes first: workers claim from the domains in turn, so that a long queue to one domain does not
        # delay the others. The id comes last: all mails of an announcement are due at the same time, and without the id
        # each claim would sort them.
        Index("ix_mail_due", "domain_digest", "due_at", "id", sqlite_where=text(_DUE), postgresql_where=text(_DUE)),
        # Finds the age of the oldest untried mail (queries/delivery/mail_status.py).
        Index("ix_mail_untried", "created_at", sqlite_where=text(_UNTRIED), postgresql_where=text(_UNTRIED)),
        Index("ix_mail_retried", "due_at", sqlite_where=text(_RETRIED), postgresql_where=text(_RETRIED)),
        Index("ix_mail_lease", "lease_until", sqlite_where=text(_SENDING), postgresql_where=text(_SENDING)),
        Index("ix_mail_signature_id", "signature_id"),
        Index("ix_mail_sign_up_id", "sign_up_id"),
        # Finds mails whose Message-ID retention has to delete.
        Index(
            "ix_mail_message_id",
            "created_at",
            sqlite_where=text("message_id IS NOT NULL"),
            postgresql_where=text("message_id IS NOT NULL"),
        ),
        Index("ix_mail_undelivered", "state", sqlite_where=text(_UNDELIVERED), postgresql_where=text(_UNDELIVERED)),
        # Finds the reasons for which mail was suppressed lately.
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
    # The form that the mail answers, until it is sent. Afterwards the encrypted context has the form's id, for bounces.
    sign_up_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("sign_up.id", ondelete="CASCADE"))
    announcement_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("announcement.id"))
    # The address of a recipient who is not a signer, and the content of a message (JSON). Both are cleared once the
    # mail is sent.
    recipient_sealed: Mapped[bytes | None]
    context_sealed: Mapped[bytes | None]
    # A keyed digest of the mail domain, for fair turns and throttling. Once the mail has ended, it is replaced by a
    # digest that differs for forms, signers and staff (Vault.finished_mail_digest).
    domain_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Made when the row is inserted, so that a mail that is sent twice has the same id both times. Deleted once no
    # bounce is expected any more, because logs of providers have it next to the address.
    message_id: Mapped[str | None]
    # Truncated to the hour once the mail has ended.
    created_at: Mapped[datetime]
    locale: Mapped[str]
    # The letter's language and version, for mail to a signer; for an announcement, the language alone.
    text_language: Mapped[str | None]
    text_version: Mapped[int | None]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    ambiguous: Mapped[int] = mapped_column(default=0)
    # Increased by each claim. A worker that has lost its lease has an older value, and must not store the outcome.
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    # The result of the last attempt: the phase of the SMTP session, the reply code, and the reply's text without
    # addresses.
    phase: Mapped[str | None]
    code: Mapped[int | None]
    detail: Mapped[str | None]
    # The time of a later bounce, and the status in its report (RFC 3463), such as 5.1.1.
    bounced_at: Mapped[datetime | None]
    bounce_status: Mapped[str | None]
