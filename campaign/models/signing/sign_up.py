"""Sign-ups, which wait for confirmation, and the limits of mail to a mailbox."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class SignUp(Model):
    """A submitted form, which waits until the owner of its mailbox confirms it.

    Every form is a row of its own, written in the same way whatever the address has done before. An earlier form of the
    same address for the appeal stays, but its address digest is replaced, so that nothing shows that there is a newer
    one. Confirming creates or changes the signature; then name and address in this row are deleted.
    """

    __tablename__ = "sign_up"
    __table_args__ = (
        # Finds the newest form of an address for an appeal. Earlier forms have another digest.
        UniqueConstraint("appeal_id", "address_digest"),
        Index("ix_sign_up_address_digest", "address_digest"),
        # Used by retention and by the flood alert.
        Index("ix_sign_up_signed_at", "signed_at"),
        Index("ix_sign_up_signature_id", "signature_id"),
    )

    # Random: consecutive ids would show that an earlier form of the same address exists.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    # Differs from the digest in a signature (Vault.waiting_digest): an attacker who submits a form and reads the tables
    # must not find out whether the address has signed.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # A keyed digest of the whole form and of its link key, so that no two are equal.
    content_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Random; mailed links and encrypted values are bound to it.
    link_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    name_sealed: Mapped[bytes | None]
    email_sealed: Mapped[bytes | None]
    # Country, source of the link and fingerprint of the address (JSON). Encrypted, because an attacker could recognise
    # the row of a form by its country and source.
    origin_sealed: Mapped[bytes]
    locale: Mapped[str]
    # The version of the letter on the page, and the number of the consent's wording.
    text_language: Mapped[str]
    text_version: Mapped[int]
    wording: Mapped[int]
    # The reason why it looks like part of a flood, or None. A flagged form gets no mail until the address signs again.
    flag: Mapped[str | None]
    # Digests of the network that sent the form and of the mail domain, to recognise floods. They are made with the key
    # of a month, for this table alone.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    domain_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # The time at which the form was submitted, truncated to the hour after some hours.
    signed_at: Mapped[datetime]
    # Set once a mail with the form's link was sent: to `signed_at`, so that it does not show which mail that was.
    mailed_at: Mapped[datetime | None]
    # The time at which a reminder was enqueued.
    reminded_at: Mapped[datetime | None]
    # The signature that the form became when it was confirmed.
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id", ondelete="CASCADE"))


class MailboxLimit(Model):
    """The mails of the last day to one mailbox, found by a keyed digest.

    The content is encrypted and always has the same length (services/outbox/mailbox_limit.py). So a stolen table shows
    neither the mailbox nor the number of mails.
    """

    __tablename__ = "mailbox_limit"
    # No row ids: their order would show the order in which mailboxes were written to.
    __table_args__ = ({"sqlite_with_rowid": False},)

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    content: Mapped[bytes]
    # The first day of the month of the row's last change, by which retention finds old rows.
    month: Mapped[date]
