"""Editing of an appeal's texts: each change stores a new version, so that every text that was signed is preserved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.editing import checked_text
from campaign.domain.errors import InvalidFieldsError, StateError
from campaign.domain.typed_text import is_language
from campaign.models import Appeal, AppealText
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import text_values
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.services.appeals.access import audit_change, record_author, require_access
from campaign.services.appeals.lifecycle import find_locked
from campaign.services.appeals.review_notices import notify_of_correction
from campaign.services.staff.edit_conflict import refuse_overwriting


def write_text(
    slug: str, language: str, form: dict[str, Any], expected: dict[str, Any] | None, *, context: Context
) -> int | None:
    """Store the text in that language as a new version and return its number; None if it has not changed.

    `form` are the new values, `expected` those with which the form was opened (None: there was no text). Signatures and
    counts of an open appeal do not change. Raises NotFoundError, InvalidFieldsError, StateError (the appeal has ended),
    ConflictError (the stored text is not `expected`).
    """
    if not is_language(language):
        raise InvalidFieldsError({"language": "unknown"})
    values = checked_text(form)
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        refuse_ended(appeal)
        current = session.scalars(_texts(appeal, language).where(AppealText.is_current)).one_or_none()
        before = None if current is None else text_values(current)
        if before == values:
            return None
        refuse_overwriting(expected or {}, before or {})
        version = store_version(session, appeal, language, values, current, context.now)
        if current is None:
            _copy_target_words(appeal, language)
        record_author(context, appeal)
        new_values = {f"{name} ({language})": value for name, value in values.items()}
        old_values = {f"{name} ({language})": value for name, value in (before or {}).items()}
        audit_change(session, "appeal.write-text", appeal, context=context, before=old_values, after=new_values)
        notify_of_correction(session, appeal, context=context)
    return version


def refuse_ended(appeal: Appeal) -> None:
    """Raise StateError if the appeal was closed or stopped: it can no longer be edited."""
    if appeal.state in {AppealState.CLOSED, AppealState.STOPPED}:
        raise StateError(f"{appeal.slug} is {appeal.state}")


def store_version(
    session: Session,
    appeal: Appeal,
    language: str,
    values: dict[str, Any],
    current: AppealText | None,
    now: datetime,
) -> int:
    """Store the values as the current version of the text in that language; return its number.

    `current` is the version that it replaces. If the appeal is open, the new version has the number of signatures
    confirmed before it.
    """
    signed_before = None
    if current is not None:
        if appeal.state == AppealState.OPEN:
            signed_before = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
        of_language = (AppealText.appeal_id == appeal.id, AppealText.language == language)
        session.execute(update(AppealText).where(*of_language, AppealText.is_current).values(is_current=False))
    version = 1 if current is None else current.version + 1
    appeal.first_language = appeal.first_language or language
    session.add(
        AppealText(
            appeal_id=appeal.id,
            language=language,
            version=version,
            signed_before=signed_before,
            created_at=now,
            **values,
        )
    )
    session.flush()
    return version


def _texts(appeal: Appeal, language: str) -> Any:
    return select(AppealText).where(AppealText.appeal_id == appeal.id, AppealText.language == language)


def _copy_target_words(appeal: Appeal, language: str) -> None:
    """Copy the targets' words to a new language, because targets without words in it are not shown in its letters."""
    for target in appeal.targets:
        if language not in target.words and target.words:
            copied = target.words.get(appeal.first_language or "") or next(iter(target.words.values()))
            target.words = {**target.words, language: copied}
