"""National sections, for pages and rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from campaign.domain.appeals.last_time_zone import last_zone
from campaign.models import Section
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section; `tile` is its column and row on the map."""

    code: str
    name: str
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    time_zone: str
    contact: str
    tile: tuple[int, int] | None

    def last_zone(self, day: date | None) -> str:
        """Return the time zone in which that day ends last for the section's supporters."""
        return last_zone(self.code, self.countries, self.time_zone, day)


def list_sections() -> tuple[SectionView, ...]:
    """Return all sections in their order (`Section.position`)."""
    rows = db.session.scalars(select(Section).order_by(Section.position, Section.code))
    return tuple(
        SectionView(
            code=row.code,
            name=row.name,
            countries=tuple(row.countries),
            languages=tuple(row.languages),
            time_zone=row.time_zone,
            contact=row.contact,
            tile=None if row.tile_column is None or row.tile_row is None else (row.tile_column, row.tile_row),
        )
        for row in rows
    )


def next_position() -> int:
    """Return the position after all existing sections."""
    return (db.session.execute(select(func.max(Section.position))).scalar() or 0) + 1


def find_section(code: str) -> dict[str, Any] | None:
    """Return the values of the form for a section; None if there is no such section."""
    section = db.session.get(Section, code)
    return None if section is None else fields_of(section)


def fields_of(section: Section) -> dict[str, Any]:
    """Return a section's values under the names of the form's fields."""
    has_tile = section.tile_column is not None and section.tile_row is not None
    return {
        "name": section.name,
        "countries": list(section.countries),
        "languages": list(section.languages),
        "time_zone": section.time_zone,
        "contact": section.contact,
        "reply_to": section.reply_to or "",
        "tile": [section.tile_column, section.tile_row] if has_tile else None,
        "position": section.position,
    }
