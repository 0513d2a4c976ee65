"""The reasons for which an appeal cannot be published yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaign.domain.appeals.appeal import is_in_time
from campaign.domain.sections.section import participating_sections
from campaign.models import ImportedDocument, Target
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.appeals.line_uses import read_document_row
from campaign.queries.sections.section import list_sections


@dataclass(frozen=True, slots=True)
class PublishBlocker:
    """A reason as a code, with the language if it concerns one text or document.

    `number` is the position of an unconfirmed target or the line of an unconfirmed doubt, `detail` the target's role or
    name or the doubt in English.
    """

    code: str
    language: str = ""
    number: int = 0
    detail: str = ""


def publish_blockers(appeal: AppealView, *, now: datetime) -> tuple[PublishBlocker, ...]:
    """Return all reasons for which the appeal cannot be published; empty if it can."""
    blockers = [] if appeal.texts else [PublishBlocker("no-text")]
    has_targets = any(appeal.targets.values())
    for text in appeal.texts.values():
        if not text.headline:
            blockers.append(PublishBlocker("no-headline", text.language))
        if not text.paragraphs and not text.talking_points:
            blockers.append(PublishBlocker("no-letter", text.language))
        if has_targets and not appeal.targets[text.language]:
            blockers.append(PublishBlocker("no-target", text.language))
    if not has_targets:
        blockers.append(PublishBlocker("no-target"))
    zones = [section.last_zone(appeal.deadline) for section in participating_sections(list_sections(), appeal.sections)]
    if appeal.deadline is None:
        blockers.append(PublishBlocker("no-deadline"))
    elif not zones:
        blockers.append(PublishBlocker("no-section"))
    elif not any(is_in_time(appeal.deadline, zone, now) for zone in zones):
        blockers.append(PublishBlocker("deadline-passed"))
    return (*blockers, *_unconfirmed_targets(appeal), *_unconfirmed_doubts(appeal))


def _unconfirmed_targets(appeal: AppealView) -> list[PublishBlocker]:
    """Return the targets that nobody has confirmed since their last change."""
    rows = db.session.execute(
        select(Target.position, Target.words)
        .where(Target.appeal_id == appeal.id, Target.confirmed_at.is_(None))
        .order_by(Target.position)
    )
    return [
        PublishBlocker("target-unconfirmed", number=row.position, detail=target_name(row.words, appeal.first_language))
        for row in rows
    ]


def _unconfirmed_doubts(appeal: AppealView) -> list[PublishBlocker]:
    """Return the doubts about the appeal's documents that nobody has confirmed."""
    rows = db.session.scalars(
        select(ImportedDocument).where(ImportedDocument.appeal_id == appeal.id).order_by(ImportedDocument.language)
    )
    return [
        PublishBlocker("doubt-unconfirmed", row.language, doubt.line, doubt.message)
        for row in rows
        for doubt in read_document_row(row).doubts
        if doubt.confirmation is None
    ]


def target_name(words: dict[str, Any], language: str) -> str:
    """Return the target's role and name in that language, else in any; "" if it has neither."""
    chosen: dict[str, Any] = words.get(language) or next(iter(words.values()), {})
    return ", ".join(chosen[name] for name in ("role", "name") if chosen.get(name))
