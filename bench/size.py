"""The size on disk of a million signatures, with their consents, mails, actions and indexes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from campaign.platform import db

SIGNATURES = 1_000_000


def measure_suite() -> list[Row]:
    """Return the megabytes, against those of an instance with a hundred signatures."""
    rows = []
    with bench_sites("size") as sites:
        for bench_site in sites:
            few = _megabytes(bench_site, 100)
            many = _megabytes(bench_site, SIGNATURES)
            rows.append(Row(bench_site.kind, f"disk for {SIGNATURES:,} signatures", many, few, "MB", many / few))
    return rows


def _megabytes(bench_site: BenchSite, signatures: int) -> float:
    sized_site = bench_site.sized(str(signatures))
    app = sized_site.make(signatures)
    with app.app_context():
        if sized_site.kind == "postgresql":
            size = float(db.session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        else:
            size = sum(path.stat().st_size for path in Path(sized_site.folder).glob(f"{signatures}.db*"))
        db.session.remove()
        db.engine.dispose()
    return size / 1e6
