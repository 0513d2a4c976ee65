"""Counts of an appeal, read from the tally. Reading takes equally long with any number of signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.models import Tally, TallyHour
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class SectionCounts:
    """One section's counted actions."""

    total: int = 0
    by_channel: dict[str, int] = field(default_factory=dict)
    by_evidence: dict[str, int] = field(default_factory=dict)

    @property
    def entered(self) -> int:
        """Return the number of actions that staff entered as a quantity."""
        return self.by_evidence.get(Evidence.BULK, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """All counted actions of one appeal. `signatures` are the confirmed ones, which alone count for the goal."""

    total: int
    signatures: int
    by_evidence: dict[str, int]
    by_channel: dict[str, int]
    by_section: dict[str, SectionCounts]
    # Section, channel, evidence and quantity of each count. Two values differ if any count differs.
    cells: tuple[tuple[str, str, str, int], ...] = ()

    def entered_by(self, channel: str) -> int:
        """Return the number of this channel's actions that staff entered as a quantity."""
        return sum(cell[3] for cell in self.cells if cell[1:3] == (channel, Evidence.BULK))


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The actions counted on one day (UTC) by channel. `entered` is the number of those that staff entered."""

    day: date
    by_channel: dict[str, int]
    entered: int = 0

    @property
    def total(self) -> int:
        """Return the sum of all channels."""
        return sum(self.by_channel.values())


_CELL = (Tally.section_code, Tally.channel, Tally.evidence)
_TOTALS = select(*_CELL, func.sum(Tally.quantity)).group_by(*_CELL).order_by(*_CELL)
_TOTALS_BY_APPEAL = (
    select(Tally.appeal_id, *_CELL, func.sum(Tally.quantity))
    .group_by(Tally.appeal_id, *_CELL)
    .order_by(Tally.appeal_id, *_CELL)
)


def counts(appeal_id: int) -> Counts:
    """Return the current counts of an appeal."""
    rows = db.session.execute(_TOTALS.where(Tally.appeal_id == appeal_id))
    return _summed((section, channel, evidence, int(number)) for section, channel, evidence, number in rows)


def counts_by_appeal(appeal_ids: tuple[int, ...]) -> dict[int, Counts]:
    """Return the counts of each of these appeals, by one statement."""
    cells: dict[int, list[tuple[str, str, str, int]]] = {appeal_id: [] for appeal_id in appeal_ids}
    for appeal_id, *cell, number in db.session.execute(_TOTALS_BY_APPEAL.where(Tally.appeal_id.in_(appeal_ids))):
        cells[appeal_id].append((cell[0], cell[1], cell[2], int(number)))
    return {appeal_id: _summed(appeal_cells) for appeal_id, appeal_cells in cells.items()}


def _summed(cells: Iterable[tuple[str, str, str, int]]) -> Counts:
    """Return the counts of an appeal with those cells: section, channel, evidence and quantity."""
    by_evidence = {evidence.value: 0 for evidence in Evidence}
    by_channel: dict[str, int] = defaultdict(int)
    sections: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    evidences: dict[str, dict[str, int]] = defaultdict(lambda: {evidence.value: 0 for evidence in Evidence})
    filled = tuple(cell for cell in cells if cell[3])
    for section, channel, evidence, number in filled:
        by_evidence[evidence] += number
        by_channel[channel] += number
        sections[section][channel] += number
        evidences[section][evidence] += number
    return Counts(
        total=sum(by_channel.values()),
        signatures=sum(cell[3] for cell in filled if cell[1:3] == (Channel.SIGNATURE, Evidence.VERIFIED)),
        by_evidence=by_evidence,
        by_channel=dict(by_channel),
        by_section={
            code: SectionCounts(sum(channels.values()), dict(channels), evidences[code])
            for code, channels in sections.items()
        },
        cells=filled,
    )


def signatures_by_appeal(appeal_ids: tuple[int, ...]) -> dict[int, int]:
    """Return the number of confirmed signatures of each appeal, for lists of appeals."""
    rows = db.session.execute(
        select(Tally.appeal_id, func.sum(Tally.quantity))
        .where(Tally.appeal_id.in_(appeal_ids), Tally.channel == Channel.SIGNATURE, Tally.evidence == Evidence.VERIFIED)
        .group_by(Tally.appeal_id)
    )
    return {appeal_id: int(quantity) for appeal_id, quantity in rows}


def daily_counts(appeal_id: int) -> tuple[DayCounts, ...]:
    """Return the counts of each day (UTC) on which anything was counted, the oldest first."""
    day = func.date(TallyHour.hour)
    rows = db.session.execute(
        select(day, TallyHour.channel, TallyHour.evidence, func.sum(TallyHour.quantity))
        .where(TallyHour.appeal_id == appeal_id)
        .group_by(day, TallyHour.channel, TallyHour.evidence)
        .order_by(day)
    )
    channels: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    entered: dict[date, int] = defaultdict(int)
    for text, channel, evidence, quantity in rows:
        if quantity:
            on_day = date.fromisoformat(str(text))
            channels[on_day][channel] += int(quantity)
            entered[on_day] += int(quantity) if evidence == Evidence.BULK else 0
    return tuple(DayCounts(day, dict(by_channel), entered[day]) for day, by_channel in channels.items())
