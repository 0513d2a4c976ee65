"""Thirty-two connections confirming for one section on PostgreSQL: with the tally's slots, and with one."""

from __future__ import annotations

import statistics
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import text

from bench.support.report import Row
from bench.support.site import bench_sites
from campaign.platform import db
from campaign.services.counting import tally
from tests.conftest import confirm_at

CONNECTIONS = 32
EACH = 40
ROUNDS = 5


def measure_suite() -> list[Row]:
    """Return the confirmations a second with several slots, against those with one."""
    with bench_sites("slots", ("postgresql",)) as (place,):
        app = place.make(2 * CONNECTIONS * EACH * ROUNDS * 2)
        with app.app_context():
            # One section, so that all confirmations meet in the same cells of the tally.
            waiting = list(db.session.scalars(text("SELECT id FROM sign_up WHERE signature_id IS NULL")))
            db.session.execute(text("UPDATE sign_up SET section_code = 'fr'"))
            db.session.commit()
        found: dict[int, list[float]] = {tally.SLOT_COUNT: [], 1: []}
        for slots in list(found) * ROUNDS:
            mine = [[waiting.pop() for _ in range(EACH)] for _ in range(CONNECTIONS)]

            def work(ids: list[int]) -> None:
                with app.app_context():
                    for one in ids:
                        confirm_at(one, datetime.now(UTC))

            usual, tally.SLOT_COUNT = tally.SLOT_COUNT, slots
            threads = [threading.Thread(target=work, args=(ids,)) for ids in mine]
            start = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            found[slots].append(CONNECTIONS * EACH / (time.perf_counter() - start))
            tally.SLOT_COUNT = usual
        with app.app_context():
            db.engine.dispose()
    many, one = (statistics.median(rates) for rates in found.values())
    return [Row("postgresql", "confirm, with slots against one", many, one, "1/s", many / one, 1.0)]
