"""Confirmations of targets and doubts: storing them within a change, and taking them back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.models import Appeal, ImportedDocument, Target
from campaign.platform.context import Context
from campaign.queries.appeals.line_uses import Doubt, read_document_row, target_position
from campaign.queries.appeals.publish_blockers import target_name
from campaign.services.appeals.access import audit_change


def documents_of(session: Session, appeal: Appeal) -> list[ImportedDocument]:
    """Return the appeal's imported documents, in the order of their languages."""
    rows = select(ImportedDocument).where(ImportedDocument.appeal_id == appeal.id)
    return list(session.scalars(rows.order_by(ImportedDocument.language)))


def confirm_all(session: Session, appeal: Appeal, *, context: Context) -> None:
    """Confirm all targets and doubts of a draft that a command publishes: the operator counts as the person."""
    targets = [target for target in appeal.targets if target.confirmed_at is None]
    doubts: list[str] = []
    for document in documents_of(session, appeal):
        keys = {doubt.key for doubt in read_document_row(document).doubts}
        doubts += store_doubts(document, keys, context=context)
    store_targets(session, appeal, targets, doubts, context=context)


def store_targets(
    session: Session, appeal: Appeal, targets: Collection[Target], doubts: Collection[str], *, context: Context
) -> None:
    """Mark the targets as confirmed, and add them to the audit log with the doubts that were confirmed too."""
    for target in targets:
        target.confirmed_at, target.confirmed_by = context.now, context.actor.staff_id
    after: dict[str, Any] = {
        f"target {target.position}": target_name(target.words, appeal.first_language or "") for target in targets
    }
    if doubts:
        after["doubts"] = list(doubts)
    if after:
        audit_change(session, "appeal.confirm", appeal, context=context, before={}, after=after)


def store_doubts(document: ImportedDocument, keys: Collection[str], *, context: Context) -> list[str]:
    """Mark those doubts of the document as confirmed; return the newly confirmed ones in English."""
    found = [doubt for doubt in read_document_row(document).doubts if doubt.key in keys and not doubt.confirmation]
    confirmed = {"by": context.actor.staff_id, "at": context.now.isoformat()}
    document.confirmed_doubts = {**document.confirmed_doubts, **{doubt.key: confirmed for doubt in found}}
    return [describe(document.language, doubt) for doubt in found]


def describe(language: str, doubt: Doubt) -> str:
    """Return the doubt in English on one line, for the audit log and for commands."""
    return f"line {doubt.line} ({language}): {doubt.message} ({doubt.code})"


def release_lines(session: Session, appeal: Appeal, position: int) -> None:
    """Store that the lines of a target that was removed are in no field: its position may be given again."""
    for document in documents_of(session, appeal):
        document.line_uses = [
            {**use, "field": "note"} if target_position(use["field"]) == position else use for use in document.line_uses
        ]


def take_doubts_back(session: Session, appeal: Appeal, positions: Collection[int]) -> None:
    """Take back the confirmed doubts about the targets at those positions, because the targets were changed."""
    for document in documents_of(session, appeal):
        changed = {doubt.key for doubt in read_document_row(document).doubts if set(positions) & set(doubt.positions)}
        if changed & document.confirmed_doubts.keys():
            document.confirmed_doubts = {
                key: confirmed for key, confirmed in document.confirmed_doubts.items() if key not in changed
            }
