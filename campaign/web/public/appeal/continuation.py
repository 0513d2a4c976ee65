"""Continuation after the deadline: each section's decision, and whether the supporter's own section continues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from campaign.domain.appeals.appeal import AppealState, is_continued, is_in_time
from campaign.domain.country import section_name
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import SectionView
from campaign.queries.signing.signature import SignatureView
from campaign.web.caching.data_cache import data_cache
from campaign.web.http.locale import current_locale


@dataclass(frozen=True, slots=True)
class ContinuationNotice:
    """The names of the sections that continue, each with its last day, and of those that stopped."""

    continuing: tuple[tuple[str, date], ...]
    stopped: tuple[str, ...]


def continuation_notice(appeal: AppealView, now: datetime, locale: str) -> ContinuationNotice | None:
    """Return the sections' decisions by name; None without any, or if the appeal was stopped for all."""
    if appeal.state == AppealState.STOPPED or not appeal.continuation:
        return None
    continuing, stopped = [], []
    for section in data_cache().participating_sections(appeal):
        if section.code in appeal.continuation:
            until, name = appeal.continuation[section.code], section_name(section.code, section.name, locale)
            if until is not None and is_continued(until, section.last_zone(until), now):
                continuing.append((name, until))
            else:
                stopped.append(name)
    return ContinuationNotice(tuple(sorted(continuing)), tuple(sorted(stopped)))


def continued_until(appeal: AppealView, signature: SignatureView | None, country: str | None) -> date | None:
    """Return the last day in this supporter's section, if the deadline has passed there and it continues; else None."""
    if appeal.state not in {AppealState.OPEN, AppealState.CLOSED}:
        return None
    section = _section(appeal, signature, country)
    until = appeal.continuation.get(section.code) if section is not None else None
    now = runtime().clock()
    if section is None or until is None or not is_continued(until, section.last_zone(until), now):
        return None
    return None if appeal.is_open and is_in_time(appeal.deadline, section.last_zone(appeal.deadline), now) else until


def _section(appeal: AppealView, signature: SignatureView | None, country: str | None) -> SectionView | None:
    """Return the section of the signature; without one, the section that the country and the page's language give."""
    if signature is not None:
        return next((section for section in data_cache().sections() if section.code == signature.section_code), None)
    return data_cache().section_for(country, current_locale(), appeal) if country else None
