"""The national sections as pages and rules need them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from campaign.extensions import db
from campaign.models import Section


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


def list_sections() -> tuple[SectionView, ...]:
    """All sections in the order in which they were loaded."""
    rows = db.session.scalars(select(Section).order_by(Section.position))
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
