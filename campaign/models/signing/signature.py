"""Signatures with their consent records, and the tombstones that keep an erased address from counting twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import new_link_key
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Signature(Model):
    """A supporter's signing of one appeal. Name and address are sealed; erasing empties them and the digest.

    The digest finds an address under its appeal only: under each other appeal the same address has another one.
    """

    __tablename__ = "signature"
    __table_args__ = (
        one_of("state", SignatureState),
        # One address signs an appeal once; NULL digests (erased) do not collide.
        UniqueConstraint("appeal_id", "address_digest"),
        Index("ix_signature_address_digest", "address_digest"),
        # Who is told how the case goes on, and who has yet to confirm.
        Index(
            "ix_signature_updates",
            "appeal_id",
            "id",
            sqlite_where=text("wants_updates"),
            postgresql_where=text("wants_updates"),
        ),
        # Whose names are handed over.
        Index(
            "ix_signature_shared",
            "appeal_id",
            "section_code",
            "id",
            sqlite_where=text("shares_name"),
            postgresql_where=text("shares_name"),
        ),
        Index(
            "ix_signature_ended",
            "state",
            sqlite_where=text("state IN ('withdrawn', 'invalidated')"),
            postgresql_where=text("state IN ('withdrawn', 'invalidated')"),
        ),
        Index(
            "ix_signature_pending",
            "signed_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        # What retention looks for.
        Index(
            "ix_signature_withdrawn",
            "ended_at",
            sqlite_where=text("state = 'withdrawn'"),
            postgresql_where=text("state = 'withdrawn'"),
        ),
        Index(
            "ix_signature_domain",
            "signed_at",
            sqlite_where=text("domain_digest IS NOT NULL"),
            postgresql_where=text("domain_digest IS NOT NULL"),
        ),
        # What staff look through: the newest of their section.
        Index("ix_signature_section", "section_code", "id"),
        Index(
            "ix_signature_invalidation",
            "invalidation_id",
            "id",
            sqlite_where=text("invalidation_id IS NOT NULL"),
            postgresql_where=text("invalidation_id IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"))
    section_code: Mapped[str] = mapped_column(ForeignKey("section.code"))
    country: Mapped[str]
    state: Mapped[str] = mapped_column(default=SignatureState.PENDING)
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    name_sealed: Mapped[bytes | None]
    email_sealed: Mapped[bytes | None]
    locale: Mapped[str]
    wants_updates: Mapped[bool]
    # The name may be on the list that is handed to whom the letter goes to.
    shares_name: Mapped[bool] = mapped_column(default=False, server_default=false())
    # To the hour; of an erased one to the day.
    signed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # Random; mailed links are bound to it, and what is sealed. None opens nothing: the signature was erased.
    link_key: Mapped[bytes | None] = mapped_column(LargeBinary(16), default=new_link_key)
    # For telling floods apart, of the network it came from and of the mail domain: under the key of a month and for
    # this table alone, kept for 30 days.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    domain_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # Its address had been counted before it was erased, and is not counted again: confirming added no action.
    is_repeat: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Which act of moderation took it out; no foreign key, for SQLite would have to copy the table to add one.
    invalidation_id: Mapped[int | None] = mapped_column(BigId)


class Consent(Model):
    """What somebody agreed to, when, and which text was shown (GDPR art. 7(1)); rows are added, never changed."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_signature_id", "signature_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    signature_id: Mapped[int] = mapped_column(BigId, ForeignKey("signature.id", ondelete="CASCADE"))
    given_at: Mapped[datetime]
    # The appeal: the letter's language and version; the sentence: the page's locale and the wording's number.
    text_language: Mapped[str]
    text_version: Mapped[int]
    locale: Mapped[str]
    wording: Mapped[int]
    to_appeal: Mapped[bool]
    to_updates: Mapped[bool]
    to_sharing_name: Mapped[bool] = mapped_column(default=False, server_default=false())


class Tombstone(Model):
    """An address that was counted and was erased or changed: signing again is possible, counting again is not."""

    __tablename__ = "tombstone"

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    # Derived from the signature's and for this use alone: an older copy of the signatures cannot be joined with it.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    erased_at: Mapped[datetime]
