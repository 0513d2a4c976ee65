"""The reasons for which an appeal cannot be published yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaign.domain.appeals.appeal import is_in_time
from campaign.domain.sections.section import participating_sections
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import list_sections


@dataclass(frozen=True, slots=True)
class PublishBlocker:
    """A reason as a code, with the language if it concerns one text."""

    code: str
    language: str = ""


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
    return tuple(blockers)
