"""Editing of an appeal's targets, to which its letters are addressed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.editing import checked_target
from campaign.domain.errors import NotFoundError, StateError
from campaign.models import Appeal, Target
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import target_values
from campaign.services.appeals.access import audit_change, record_author, require_access
from campaign.services.appeals.confirmations import release_lines, take_doubts_back
from campaign.services.appeals.edit_text import refuse_ended
from campaign.services.appeals.lifecycle import find_locked
from campaign.services.appeals.review_notices import notify_of_correction
from campaign.services.staff.edit_conflict import refuse_overwriting


def write_target(
    slug: str, position: int, form: dict[str, Any], expected: dict[str, Any] | None, *, context: Context
) -> int:
    """Store a target and return its position; `position` 0 adds a new target.

    A position never changes, because actions refer to it. `form` are the new values, `expected` those with which the
    form was opened. Raises NotFoundError, InvalidFieldsError, StateError (the appeal has ended), ConflictError (the
    stored values are not `expected`).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        refuse_ended(appeal)
        target = None if position == 0 else find_target(appeal, position)
        before = {} if target is None else target_values(target)
        # The form has no fields for a language without an appeal text: keep the stored words in it.
        languages = tuple(text.language for text in appeal.texts)
        values = checked_target(form, languages)
        hidden_words = {name: words for name, words in before.get("words", {}).items() if name not in languages}
        values["words"] = {**hidden_words, **values["words"]}
        if before == values:
            return position
        if target is not None:
            refuse_overwriting(expected, before)
        else:
            target = Target(position=1 + max((other.position for other in appeal.targets), default=0))
            appeal.targets.append(target)
        for name, value in values.items():
            setattr(target, name, value)
        _record_change(session, appeal, target.position, before, values, context)
        return target.position


def remove_target(slug: str, position: int, *, context: Context) -> None:
    """Remove a target. Raises NotFoundError, StateError (the appeal has ended, or is open and has no other target)."""
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        refuse_ended(appeal)
        target = find_target(appeal, position)
        if appeal.state == AppealState.OPEN and len(appeal.targets) == 1:
            raise StateError("an open appeal needs at least one target")
        before = target_values(target)
        appeal.targets.remove(target)
        _record_change(session, appeal, position, before, {}, context)
        release_lines(session, appeal, position)


def _record_change(
    session: Session,
    appeal: Appeal,
    position: int,
    before: dict[str, Any],
    after: dict[str, Any],
    context: Context,
) -> None:
    """Record the author, take the target's confirmation back, add the change to the audit log, notify publishers."""
    record_author(context, appeal)
    take_doubts_back(session, appeal, {position})
    audit_change(
        session,
        "appeal.write-target",
        appeal,
        context=context,
        before={f"target {position} {name}": value for name, value in before.items()},
        after={f"target {position} {name}": value for name, value in after.items()},
    )
    notify_of_correction(session, appeal, context=context)


def find_target(appeal: Appeal, position: int) -> Target:
    """Return the target at that position. Raises NotFoundError."""
    target = next((candidate for candidate in appeal.targets if candidate.position == position), None)
    if target is None:
        raise NotFoundError("no such target")
    return target
