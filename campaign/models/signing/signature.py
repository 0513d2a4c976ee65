"""Signatures with their consents, and the tombstones that prevent an erased address from counting twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from campaign.domain.signing.signature import SignatureState
from campaign.domain.signing.token import new_link_key
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Signature(Model):
    """A supporter's signature under one appeal. Name and address are encrypted. Erasing clears them and the digest.

    The digest depends on the appeal: the same address has a different digest under each appeal.
    """

    __tablename__ = "signature"
    __table_args__ = (
        one_of("state", SignatureState),
        # An address signs an appeal once. Erased signatures have NULL digests, which do not collide.
        UniqueConstraint("appeal_id", "address_digest"),
        Index("ix_signature_address_digest", "address_digest"),
        # Finds the signers who asked for news of the case.
        Index(
            "ix_signature_updates",
            "appeal_id",
            "id",
            sqlite_where=text("wants_updates"),
            postgresql_where=text("wants_updates"),
        ),
        # Finds the signers whose names may be handed over.
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
        # Used by retention.
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
        # Finds the newest signatures of a section, for moderation.
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
    # Whether the name may be on the list that is handed over to the target.
    shares_name: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Truncated to the hour; after erasure to the day.
    signed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # Random; mailed links and encrypted values are bound to it. None once the signature is erased, so that no link
    # works.
    link_key: Mapped[bytes | None] = mapped_column(LargeBinary(16), default=new_link_key)
    # Digests of the network that the form came from and of the mail domain, to recognise floods. They are made with the
    # key of a month, for this table alone, and deleted after 30 days.
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    domain_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # Whether the address was counted before and then erased. Such a signature has no action and is not counted.
    is_repeat: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The invalidation that took it out of the counts. Without a foreign key: SQLite would copy the table to add one.
    invalidation_id: Mapped[int | None] = mapped_column(BigId)


class Consent(Model):
    """A signer's consent: its content, its time and the text shown (GDPR art. 7(1)). Rows are added, never changed."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_signature_id", "signature_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    signature_id: Mapped[int] = mapped_column(BigId, ForeignKey("signature.id", ondelete="CASCADE"))
    given_at: Mapped[datetime]
    # The language and version of the letter, and the page's locale and the number of the consent's wording.
    text_language: Mapped[str]
    text_version: Mapped[int]
    locale: Mapped[str]
    wording: Mapped[int]
    to_appeal: Mapped[bool]
    to_updates: Mapped[bool]
    to_sharing_name: Mapped[bool] = mapped_column(default=False, server_default=false())


class Tombstone(Model):
    """An address that was counted and then erased or changed. It may sign again, but is not counted again."""

    __tablename__ = "tombstone"

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    # Derived from the signature's digest for this table alone, so that older copies of signatures cannot be joined.
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    erased_at: Mapped[datetime]
