"""The size on disk of a million signatures, with their consents, mails, actions and indexes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from campaign.platform import db

SIGNATURES = 1_000_000


def measure_suite() -> list[Row]:
    """Return the megabytes, beside those of an instance with a hundred signatures."""
    rows = []
    with bench_sites("size") as found:
        for place in found:
            few = _megabytes(place, 100)
            many = _megabytes(place, SIGNATURES)
            rows.append(Row(place.kind, f"disk for {SIGNATURES:,} signatures", many, few, "MB", many / few))
    return rows


def _megabytes(place: BenchSite, signatures: int) -> float:
    own = place.sized(str(signatures))
    app = own.make(signatures)
    with app.app_context():
        if own.kind == "postgresql":
            size = float(db.session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        else:
            size = sum(path.stat().st_size for path in Path(own.folder).glob(f"{signatures}.db*"))
        db.session.remove()
        db.engine.dispose()
    return size / 1e6
