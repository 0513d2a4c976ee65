"""The funnel of sign-ups for staff, by mail provider and source, with the time until confirmation.

It is read from sums only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from campaign.domain.counting.funnel import CONFIRMED_STAGES, FunnelAspect, FunnelStage
from campaign.domain.counting.small_cells import rounded
from campaign.domain.staff.roles import Permission, Scope
from campaign.models import FunnelCount
from campaign.platform import db

RECENT_PERIOD = timedelta(days=7)
# Fewer sign-ups are not enough to judge a provider.
_ENOUGH_SIGN_UPS = 20


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """The sign-ups by stage of one provider or source (`value`). `recent_…` are those within RECENT_PERIOD."""

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

    total: FunnelRow
    providers: tuple[FunnelRow, ...]
    sources: tuple[FunnelRow, ...]
    waits: dict[FunnelStage, int]

    def may_block_mail(self, row: FunnelRow) -> bool:
        """Return whether the provider may block the mail: its users confirm less than half as often as others lately.

        Returns False where there are too few sign-ups to judge.
        """
        others_signed = self.total.recent_signed - row.recent_signed
        others_share = (self.total.recent_confirmed - row.recent_confirmed) / others_signed if others_signed else 0.0
        is_judgeable = min(row.recent_signed, others_signed) >= _ENOUGH_SIGN_UPS
        return is_judgeable and row.recent_share < others_share / 2


def funnel(appeal_id: int, scope: Scope, *, section: str | None, now: datetime, has_views: bool = False) -> Funnel:
    """Return the funnel of the scope's section. Coordinators may choose another `section`, or None for all.

    Page views are included only with `has_views`.
    """
    if not scope.may(Permission.COORDINATE):
        section = scope.section
    recent = case((FunnelCount.day > (now - RECENT_PERIOD).date(), FunnelCount.quantity), else_=0)
    keys = FunnelCount.aspect, FunnelCount.value, FunnelCount.funnel_stage
    query = select(*keys, func.sum(FunnelCount.quantity), func.sum(recent)).where(FunnelCount.appeal_id == appeal_id)
    if section is not None:
        query = query.where(FunnelCount.section_code == section)
    if not has_views:
        query = query.where(FunnelCount.funnel_stage != FunnelStage.VIEWED)
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    recent_sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for aspect, value, stage, number, recent_number in db.session.execute(query.group_by(*keys)):
        sums[aspect, value][stage] += int(number)
        recent_sums[aspect, value][stage] += int(recent_number)
    rows = {key: _funnel_row(key[1], sums[key], recent_sums[key]) for key in sums if any(sums[key].values())}
    providers = _ordered_rows(rows, FunnelAspect.PROVIDER)
    waits: Counter[str] = Counter()
    for aspect, value in rows:
        if aspect == FunnelAspect.PROVIDER:
            waits.update(sums[aspect, value])
    viewed = rows.get((FunnelAspect.PAGE, ""), _funnel_row("", Counter(), Counter()))
    stages = ("signed", "confirmed", "recent_signed", "recent_confirmed")
    return Funnel(
        total=FunnelRow(
            "",
            **{name: sum(getattr(row, name) for row in providers) for name in stages},
            viewed=viewed.viewed,
            recent_viewed=viewed.recent_viewed,
        ),
        providers=providers,
        sources=_ordered_rows(rows, FunnelAspect.SOURCE),
        waits={stage: waits[stage] for stage in CONFIRMED_STAGES},
    )


def rounded_funnel(exact: Funnel) -> Funnel:
    """Return the funnel as staff may see it, with all numbers of confirmations rounded.

    Otherwise a hidden number would follow from the total and the other numbers, and a number that grows by one would
    show which person has confirmed.
    """
    return Funnel(
        total=_rounded_row(exact.total),
        providers=tuple(map(_rounded_row, exact.providers)),
        sources=tuple(map(_rounded_row, exact.sources)),
        waits={stage: rounded(number) for stage, number in exact.waits.items()},
    )


def _rounded_row(row: FunnelRow) -> FunnelRow:
    return replace(row, confirmed=rounded(row.confirmed), recent_confirmed=rounded(row.recent_confirmed))


def _funnel_row(value: str, sums: Counter[str], recent: Counter[str]) -> FunnelRow:
    """Return the row of a provider or source, from its counts by stage."""
    return FunnelRow(
        value,
        sums[FunnelStage.SIGNED],
        sum(sums[stage] for stage in CONFIRMED_STAGES),
        recent[FunnelStage.SIGNED],
        sum(recent[stage] for stage in CONFIRMED_STAGES),
        sums[FunnelStage.VIEWED],
        recent[FunnelStage.VIEWED],
    )


def _ordered_rows(rows: dict[tuple[str, str], FunnelRow], aspect: FunnelAspect) -> tuple[FunnelRow, ...]:
    of_aspect = [row for (row_aspect, _), row in rows.items() if row_aspect == aspect]
    return tuple(sorted(of_aspect, key=lambda row: (-row.signed, -row.viewed, row.value)))
