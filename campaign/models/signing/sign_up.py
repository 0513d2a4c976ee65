"""Sign-ups that wait for their mailbox, and how much mail each mailbox was sent lately."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from campaign.platform import BigId, Model


class SignUp(Model):
    """A form that was sent and that its mailbox has not confirmed yet; nobody but the mailbox learns of it.

    Every form is a row of its own, written the same way whatever the address has done before. An earlier one of the
    same address for the appeal stays as it is and steps aside: only its digest changes, so nothing tells that there is
    a newer one. The signature comes into being, or changes, when the mailbox confirms; then the row keeps no name and
    no address, only that it is done.
    """

    __tablename__ = "sign_up"
    __table_args__ = (
        # The newest form of an address for an appeal is found by it; earlier ones have stepped aside.
        UniqueConstraint("appeal_id", "address_digest"),
        Index("ix_sign_up_address_digest", "address_digest"),
        # What retention and the watch for floods look for.
        Index("ix_sign_up_signed_at", "signed_at"),
        Index("ix_sign_up_signature_id", "signature_id"),
    )

    # Random: in the order of numbers the newest form would show that there was an earlier one.
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    # Not that of a signature (Vault.waiting_digest): whoever has a form sent must not find by it who has signed.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Keyed, of all that it says and of its link key: equal for no two.
    content_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Random; mailed links are bound to it, and what is sealed.
    link_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    name_sealed: Mapped[bytes | None]
    email_sealed: Mapped[bytes | None]
    # Country and the link's tag (JSON): whoever had a form sent would find its row again by them.
    origin_sealed: Mapped[bytes]
    locale: Mapped[str]
    # Which letter was on the page, and which wording of the consent.
    text_language: Mapped[str]
    text_version: Mapped[int]
    wording: Mapped[int]
    # Why it looks like part of a flood, if it does: then it is owed no mail until somebody signs with it again.
    flag: Mapped[str | None]
    # For telling floods apart, of the network it came from and of the mail domain: under the key of a month and for
    # this table alone.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    domain_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # When the form was last sent (to the hour, once that is some hours ago); for when the last mail with a link to
    # confirm it was owed, once it has left; and when a reminder was.
    signed_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    # What came of it.
    signature_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("signature.id", ondelete="CASCADE"))


class MailboxLimit(Model):
    """The limit of mail to one mailbox, found by a keyed digest; a stolen table tells neither whose nor how much.

    The content is sealed and always equally long (services/outbox/mailbox_limit.py).
    """

    __tablename__ = "mailbox_limit"
    # No row ids: their order would tell the order in which mailboxes were written to.
    __table_args__ = ({"sqlite_with_rowid": False},)

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    content: Mapped[bytes]
    # The first day of the month in which it was last written, by which it is let go.
    month: Mapped[date]
