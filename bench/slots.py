"""Thirty-two connections that confirm in one section on PostgreSQL, with the tally's slots and with a single one."""

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
CONFIRMATIONS = 40
ROUNDS = 5


def measure_suite() -> list[Row]:
    """Return the confirmations a second with several slots, against those with one."""
    with bench_sites("slots", ("postgresql",)) as (bench_site,):
        app = bench_site.make(2 * CONNECTIONS * CONFIRMATIONS * ROUNDS * 2)
        with app.app_context():
            # One section, so that all confirmations update the same cells of the tally.
            waiting = list(db.session.scalars(text("SELECT id FROM sign_up WHERE signature_id IS NULL")))
            db.session.execute(text("UPDATE sign_up SET section_code = 'fr'"))
            db.session.commit()
        rates_by_slots: dict[int, list[float]] = {tally.SLOT_COUNT: [], 1: []}
        for slots in list(rates_by_slots) * ROUNDS:
            batches = [[waiting.pop() for _ in range(CONFIRMATIONS)] for _ in range(CONNECTIONS)]

            def work(ids: list[int]) -> None:
                with app.app_context():
                    for with_one_slot in ids:
                        confirm_at(with_one_slot, datetime.now(UTC))

            former_count, tally.SLOT_COUNT = tally.SLOT_COUNT, slots
            threads = [threading.Thread(target=work, args=(ids,)) for ids in batches]
            start = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rates_by_slots[slots].append(CONNECTIONS * CONFIRMATIONS / (time.perf_counter() - start))
            tally.SLOT_COUNT = former_count
        with app.app_context():
            db.engine.dispose()
    with_slots, with_one_slot = (statistics.median(rates) for rates in rates_by_slots.values())
    return [
        Row(
            "postgresql",
            "confirm, with slots against one",
            with_slots,
            with_one_slot,
            "1/s",
            with_slots / with_one_slot,
            1.0,
        )
    ]
