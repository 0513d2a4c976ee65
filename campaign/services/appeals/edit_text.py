"""Writing an appeal's texts by hand: every save is a new version, so that nothing that was signed or typed is lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.appeals.editing import checked_words
from campaign.domain.errors import InvalidFieldsError, StateError
from campaign.domain.typed_text import is_language
from campaign.models import Appeal, AppealText
from campaign.platform.context import Context
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.editor import words_of
from campaign.queries.counting.counts import signatures_by_appeal
from campaign.services.appeals.access import admit, note, remember_writer
from campaign.services.appeals.lifecycle import find
from campaign.services.appeals.review_notices import notify_of_correction
from campaign.services.staff.edit_conflict import refuse_overwriting


def write_text(
    slug: str, language: str, typed: dict[str, Any], seen: dict[str, Any] | None, *, context: Context
) -> int | None:
    """Keeps the words in that language as a new version and returns its number; None where nothing is new.

    `seen` is what the person had before them (None: no such text yet). An open appeal keeps its signatures and counts.
    Raises NotFoundError, InvalidFieldsError, StateError (it has ended), ConflictError.
    """
    if not is_language(language):
        raise InvalidFieldsError({"language": "unknown"})
    words = checked_words(typed)
    with transaction() as session:
        appeal = find(session, slug)
        admit(context, appeal)
        refuse_ended(appeal)
        current = session.scalars(_texts(appeal, language).where(AppealText.is_current)).one_or_none()
        before = None if current is None else words_of(current)
        if before == words:
            return None
        refuse_overwriting(seen or {}, before or {})
        version = keep_version(session, appeal, language, words, current, context.now)
        if current is None:
            _lend_words(appeal, language)
        remember_writer(context, appeal)
        named = {f"{name} ({language})": value for name, value in words.items()}
        were = {f"{name} ({language})": value for name, value in (before or {}).items()}
        note(session, "appeal.write-text", appeal, context=context, before=were, after=named)
        notify_of_correction(session, appeal, context=context)
    return version


def refuse_ended(appeal: Appeal) -> None:
    """Raises StateError where the appeal has ended: it is changed no more."""
    if appeal.state in {AppealState.CLOSED, AppealState.STOPPED}:
        raise StateError(f"{appeal.slug} is {appeal.state}")


def keep_version(
    session: Session,
    appeal: Appeal,
    language: str,
    words: dict[str, Any],
    current: AppealText | None,
    now: datetime,
) -> int:
    """The next version in that language, current from now on; of an open appeal it says how many had signed before."""
    signed = None
    if current is not None:
        if appeal.state == AppealState.OPEN:
            signed = signatures_by_appeal((appeal.id,)).get(appeal.id, 0)
        of_language = (AppealText.appeal_id == appeal.id, AppealText.language == language)
        session.execute(update(AppealText).where(*of_language, AppealText.is_current).values(is_current=False))
    version = 1 if current is None else current.version + 1
    appeal.first_language = appeal.first_language or language
    session.add(
        AppealText(
            appeal_id=appeal.id, language=language, version=version, signed_before=signed, created_at=now, **words
        )
    )
    session.flush()
    return version


def _texts(appeal: Appeal, language: str) -> Any:
    return select(AppealText).where(AppealText.appeal_id == appeal.id, AppealText.language == language)


def _lend_words(appeal: Appeal, language: str) -> None:
    """A new language begins with the targets' words of another, for nobody would be written to otherwise."""
    for target in appeal.targets:
        if language not in target.words and target.words:
            lent = target.words.get(appeal.first_language or "") or next(iter(target.words.values()))
            target.words = {**target.words, language: lent}
