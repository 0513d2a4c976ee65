"""Appeals, their texts in each language, and the targets of their letters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from campaign.domain.appeals.appeal import AppealState, TargetKind
from campaign.platform import BigId, Model
from campaign.platform.database.enum_column import one_of


class Appeal(Model):
    """An Urgent Action and its campaign."""

    __tablename__ = "appeal"
    __table_args__ = (
        one_of("state", AppealState),
        CheckConstraint("goal > 0", name="goal"),
        Index("ix_appeal_state", "state"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=1)
    document_index: Mapped[str | None]
    country: Mapped[str | None]
    issued_on: Mapped[date | None]
    deadline: Mapped[date | None]
    goal: Mapped[int]
    state: Mapped[str] = mapped_column(default=AppealState.DRAFT)
    languages: Mapped[list[str]] = mapped_column(default=list)
    # The language of its first text, which is shown to readers without a text in their language. None before it exists.
    first_language: Mapped[str | None]
    own_language: Mapped[bool] = mapped_column(default=False)
    previous: Mapped[str | None]
    # The outcome of the case, written by staff: {"fr": Markdown}.
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # Countries where writing may endanger the sender or the sender's family: ISO 3166-1 alpha-2.
    risk_countries: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    # Whether letters are signed with initials instead of the name.
    initials_only: Mapped[bool] = mapped_column(default=False, server_default=false())
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("appeal.id"))
    # The section that prepares it and whose editors may edit it. None: a command on the server created it, and only
    # coordinators may edit it.
    section_code: Mapped[str | None]
    # The sections that take part; empty: all.
    sections: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    # The authors of its texts and targets (staff ids), the most recent last. An author may not publish it.
    written_by: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    review_requested_at: Mapped[datetime | None]
    review_requested_by: Mapped[int | None] = mapped_column(BigId)
    # Each section's decision for the time after the deadline: {"fr": "2026-06-01"} continues until that day,
    # {"de": null} stops. A section that is missing has not decided.
    continuation: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # Increased with every change of the appeal's page, so that caches are invalidated. Counts do not increase it.
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    texts: Mapped[list[AppealText]] = relationship(
        primaryjoin="and_(Appeal.id == AppealText.appeal_id, AppealText.is_current)",
        order_by="AppealText.language",
        viewonly=True,
    )
    targets: Mapped[list[Target]] = relationship(order_by="Target.position", cascade="all, delete-orphan")

    @property
    def first_text(self) -> AppealText | None:
        """Return the text in the first language, else any other text; None without texts."""
        first = next((text for text in self.texts if text.language == self.first_language), None)
        return first or next(iter(self.texts), None)


class AppealText(Model):
    """A version of the appeal's text in one language. Its words never change: consents refer to it."""

    __tablename__ = "appeal_text"
    __table_args__ = (
        Index(
            "uq_appeal_text_current",
            "appeal_id",
            "language",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
    )

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_current: Mapped[bool] = mapped_column(default=True)
    headline: Mapped[str]
    # [{"name": …, "pronoun": …}]: names are transliterated and pronouns chosen in each language.
    people: Mapped[list[dict[str, Any]]]
    # Markdown; only an allow-list of tags is rendered.
    summary: Mapped[str]
    background: Mapped[str]
    # The letter. All three are empty if there are only talking points.
    salutation: Mapped[str | None]
    paragraphs: Mapped[list[str]]
    closing: Mapped[str | None]
    talking_points: Mapped[list[str]]
    # The number of the appeal's confirmed signatures when this version replaced one that could be signed; else None.
    signed_before: Mapped[int | None]
    created_at: Mapped[datetime]


class ImportedDocument(Model):
    """The content of the last document imported in a language. The next import applies only the differences from it."""

    __tablename__ = "imported_document"

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    draft: Mapped[dict[str, Any]]
    # The document's lines, and the parser's warnings: [{"code": …, "message": …, "line": 12}], lines from 1.
    lines: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    # The field of each line: [{"line": 12, "field": "targets.1.address"}], targets by position.
    line_uses: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    # The position of each target of the document, in the document's order.
    target_positions: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    # Who confirmed which doubt: {key of the doubt: {"by": staff id or null for a command, "at": ISO 8601}}.
    confirmed_doubts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    imported_at: Mapped[datetime]


class Target(Model):
    """An addressee of the letter. Texts differ by language; contact details do not.

    A person confirms that it is right before the appeal is published. A change takes the confirmation back.
    """

    __tablename__ = "target"
    __table_args__ = (one_of("kind", TargetKind),)

    appeal_id: Mapped[int] = mapped_column(BigId, ForeignKey("appeal.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    country: Mapped[str | None]
    emails: Mapped[list[str]]
    faxes: Mapped[list[str]]
    phones: Mapped[list[str]]
    social: Mapped[dict[str, Any]]
    # {"fr": {"role": …, "name": …, "address": [lines], "salutation": …}}
    words: Mapped[dict[str, Any]]
    confirmed_at: Mapped[datetime | None]
    # The id of the member of staff; None also if a command on the server confirmed it.
    confirmed_by: Mapped[int | None] = mapped_column(BigId)

    @validates("kind", "country", "emails", "faxes", "phones", "social", "words")
    def _take_confirmation_back(self, name: str, value: Any) -> Any:
        """Clear the confirmation if the value differs from the stored one."""
        if getattr(self, name) != value:
            self.confirmed_at = self.confirmed_by = None
        return value
