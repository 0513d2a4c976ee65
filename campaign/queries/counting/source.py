"""Sources of signatures: the tag in the link (`?via=stall-lyon`) that a supporter followed.

They are read from sums only. Every submitted form is counted in the same way, whatever its address has done before.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select

from campaign.domain.counting.funnel import CONFIRMED_STAGES, FunnelAspect, FunnelStage
from campaign.models import FunnelCount
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """The number of submitted forms with a source tag, and how many of them were confirmed."""

    source: str
    signed: int
    confirmed: int


def source_counts(appeal_id: int, section_code: str | None = None) -> tuple[SourceCounts, ...]:
    """Return the sources of one appeal, for one section or all, the most frequent first."""
    signed = func.coalesce(func.sum(case((FunnelCount.funnel_stage == FunnelStage.SIGNED, FunnelCount.quantity))), 0)
    confirmed = func.coalesce(func.sum(case((FunnelCount.funnel_stage.in_(CONFIRMED_STAGES), FunnelCount.quantity))), 0)
    query = select(FunnelCount.value, signed, confirmed).where(
        FunnelCount.appeal_id == appeal_id,
        FunnelCount.aspect == FunnelAspect.SOURCE,
        FunnelCount.funnel_stage != FunnelStage.VIEWED,
    )
    if section_code is not None:
        query = query.where(FunnelCount.section_code == section_code)
    rows = db.session.execute(query.group_by(FunnelCount.value).order_by(signed.desc(), FunnelCount.value))
    return tuple(SourceCounts(str(via), int(signed), int(confirmed)) for via, signed, confirmed in rows)
