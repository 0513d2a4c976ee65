"""Confirming that a target is right, and that a doubt about the document was looked at."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.doubt import fingerprint
from campaign.domain.errors import ConflictError, InputError, StateError
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import target_values
from campaign.queries.appeals.line_uses import read_document_row
from campaign.queries.appeals.publish_blockers import target_name
from campaign.services.appeals.access import require_access
from campaign.services.appeals.confirmations import documents_of, store_doubts, store_targets
from campaign.services.appeals.edit_targets import find_target
from campaign.services.appeals.lifecycle import find_locked


def confirm_target(slug: str, position: int, doubts: Collection[str], expected: str, *, context: Context) -> None:
    """Confirm that a draft's target is right, with the ticked doubts about it. Repeating changes nothing.

    `doubts` are keys, `expected` is the fingerprint of the values that the person saw. A confirmation is no change of
    the appeal: it makes nobody an author. Raises NotFoundError, StateError (not a draft), ConflictError (the target or
    a doubt is another now), InputError (`doubt`: one about this target is not ticked; `name`: it has no name).
    """
    with transaction() as session:
        appeal = find_draft(session, slug, context)
        target = find_target(appeal, position)
        values = target_values(target)
        if fingerprint(values) != expected:
            raise ConflictError(values)
        if not target_name(values["words"], appeal.first_language or ""):
            raise InputError("name", "missing", "a target needs a role or a name")
        confirmed = _store_doubts(session, appeal, doubts, context)
        for document in documents_of(session, appeal):
            for doubt in read_document_row(document).doubts:
                if position in doubt.positions and doubt.confirmation is None:
                    raise InputError("doubt", "not-ticked", f"line {doubt.line}: {doubt.message}")
        targets = [] if target.confirmed_at is not None else [target]
        store_targets(session, appeal, targets, confirmed, context=context)


def confirm_doubts(slug: str, doubts: Collection[str], *, context: Context) -> None:
    """Confirm that those doubts about a draft's documents were looked at. Repeating changes nothing.

    `doubts` are keys. Raises NotFoundError, StateError (not a draft), ConflictError (a doubt is another now).
    """
    with transaction() as session:
        appeal = find_draft(session, slug, context)
        store_targets(session, appeal, [], _store_doubts(session, appeal, doubts, context), context=context)


def find_draft(session: Session, slug: str, context: Context) -> Appeal:
    """Return the draft, locked. Raises NotFoundError (also without permission), StateError (it is not a draft)."""
    appeal = find_locked(session, slug)
    require_access(context, appeal)
    if appeal.state != AppealState.DRAFT:
        raise StateError(f"{slug} is {appeal.state}: only the targets of a draft are confirmed")
    return appeal


def _store_doubts(session: Session, appeal: Appeal, keys: Collection[str], context: Context) -> list[str]:
    """Confirm the doubts with those keys; return them in English. Raises ConflictError if one does not exist now."""
    documents = documents_of(session, appeal)
    known = {doubt.key for document in documents for doubt in read_document_row(document).doubts}
    if not known.issuperset(keys):
        raise ConflictError({"doubts": sorted(known)})
    return [text for document in documents for text in store_doubts(document, keys, context=context)]
