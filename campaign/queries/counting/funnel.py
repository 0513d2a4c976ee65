"""The funnel of sign-ups for staff: by mail provider and source, with the time until confirmation, from sums only."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from campaign.domain.counting.funnel import CONFIRMED, FunnelAspect, FunnelStage
from campaign.domain.counting.small_cells import rounded
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import FunnelCount
from campaign.platform import db

RECENT = timedelta(days=7)
# Fewer sign-ups are not enough to judge a provider.
_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class StageCount:
    """The number of sign-ups by stage; `recent_…` are those of the last days (RECENT)."""

    value: str
    signed: int
    confirmed: int
    recent_signed: int
    recent_confirmed: int
    viewed: int = 0
    recent_viewed: int = 0

    @property
    def share(self) -> float:
        """Return the share of sign-ups that were confirmed, from 0 to 1."""
        return self.confirmed / self.signed if self.signed else 0.0

    @property
    def recent_share(self) -> float:
        """Return the share of the last days' sign-ups that were confirmed, from 0 to 1."""
        return self.recent_confirmed / self.recent_signed if self.recent_signed else 0.0


@dataclass(frozen=True, slots=True)
class Funnel:
    """The counts in total, by provider and by source, and the confirmations by the time that they took."""

    whole: StageCount
    providers: tuple[StageCount, ...]
    sources: tuple[StageCount, ...]
    waits: dict[FunnelStage, int]

    def is_doubtful(self, one: StageCount) -> bool:
        """Return whether so few of its users confirm lately, compared with all others, that it may block the mail."""
        others_signed = self.whole.recent_signed - one.recent_signed
        others = (self.whole.recent_confirmed - one.recent_confirmed) / others_signed if others_signed else 0.0
        return one.recent_signed >= _ENOUGH and others_signed >= _ENOUGH and one.recent_share < others / 2


def funnel(appeal_id: int, scope: Scope, *, section: str | None, now: datetime, has_views: bool = False) -> Funnel:
    """Return the funnel of the own section; coordinators may choose a section, or None for all.

    Page views are included only with `has_views`.
    """
    if not scope.may(Permission.COORDINATE):
        section = scope.section
    recent = case((FunnelCount.day > (now - RECENT).date(), FunnelCount.quantity), else_=0)
    keys = FunnelCount.aspect, FunnelCount.value, FunnelCount.funnel_stage
    chosen = select(*keys, func.sum(FunnelCount.quantity), func.sum(recent)).where(FunnelCount.appeal_id == appeal_id)
    if section is not None:
        chosen = chosen.where(FunnelCount.section_code == section)
    if not has_views:
        chosen = chosen.where(FunnelCount.funnel_stage != FunnelStage.VIEWED)
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    lately: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for aspect, value, step, number, last in db.session.execute(chosen.group_by(*keys)):
        sums[aspect, value][step] += int(number)
        lately[aspect, value][step] += int(last)
    rows = {key: _stage_count(key[1], sums[key], lately[key]) for key in sums if any(sums[key].values())}
    providers = _ordered(rows, FunnelAspect.PROVIDER)
    waits: Counter[str] = Counter()
    for aspect, value in rows:
        if aspect == FunnelAspect.PROVIDER:
            waits.update(sums[aspect, value])
    viewed = rows.get((FunnelAspect.PAGE, ""), _stage_count("", Counter(), Counter()))
    steps = ("signed", "confirmed", "recent_signed", "recent_confirmed")
    return Funnel(
        whole=StageCount(
            "",
            **{name: sum(getattr(one, name) for one in providers) for name in steps},
            viewed=viewed.viewed,
            recent_viewed=viewed.recent_viewed,
        ),
        providers=providers,
        sources=_ordered(rows, FunnelAspect.SOURCE),
        waits={step: waits[step] for step in CONFIRMED},
    )


def rounded_funnel(found: Funnel) -> Funnel:
    """Return the funnel as staff may see it: no number of confirmations, nor their total, shows a single person.

    A hidden number would follow from the total and the others, and a number that grows by one would show who confirmed.
    So all are rounded.
    """
    return Funnel(
        whole=_rounded_counts(found.whole),
        providers=tuple(map(_rounded_counts, found.providers)),
        sources=tuple(map(_rounded_counts, found.sources)),
        waits={step: rounded(number) for step, number in found.waits.items()},
    )


def _rounded_counts(one: StageCount) -> StageCount:
    return replace(one, confirmed=rounded(one.confirmed), recent_confirmed=rounded(one.recent_confirmed))


def _stage_count(value: str, all_: Counter[str], recent: Counter[str]) -> StageCount:
    return StageCount(
        value,
        all_[FunnelStage.SIGNED],
        sum(all_[step] for step in CONFIRMED),
        recent[FunnelStage.SIGNED],
        sum(recent[step] for step in CONFIRMED),
        all_[FunnelStage.VIEWED],
        recent[FunnelStage.VIEWED],
    )


def _ordered(rows: dict[tuple[str, str], StageCount], aspect: FunnelAspect) -> tuple[StageCount, ...]:
    found = [one for (of, _), one in rows.items() if of == aspect]
    return tuple(sorted(found, key=lambda one: (-one.signed, -one.viewed, one.value)))
