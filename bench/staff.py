"""The staff pages with ten thousand and a million signatures: pages against a thousand, exports and a list."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import select, update

from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from campaign.domain.staff.actor import staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.factory import create_app
from campaign.models import Signature
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.handover.signatories import signatories
from campaign.services.handover.handover import make_handover, queue_handover
from campaign.web.staff.handover.export import csv_chunks, in_section, signer_table
from tests.conftest import context
from tests.staff.staff_clients import join_staff, log_in

SIZES = (1_000, 10_000, 1_000_000)
NAMES = 100_000
_CONFIRMED_IN_FRANCE = Signature.section_code == "fr", Signature.state == "confirmed"
TURNS = 30
WARM_UP = 4
MAX_SLOWDOWN = 1.15
ROWS_A_SECOND = 20_000
EXPORT_MB = 150
PAGES = {
    "dashboard": "/staff/",
    "appeal": "/staff/appeals/case-0",
    "how signing goes": "/staff/appeals/case-0/funnel",
    "hours as CSV": "/staff/appeals/case-0/hours.csv",
}


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    rows: list[Row] = []
    with bench_sites("staff") as sites:
        for bench_site in sites:
            sized_sites = {size: bench_site.sized(str(size)) for size in SIZES}
            apps = {size: sized_site.make(size, cells=600) for size, sized_site in sized_sites.items()}
            rows += _pages(bench_site, list(apps.values()))
            for size in SIZES[1:]:
                rows += _export(sized_sites[size])
            rows += _handover(sized_sites[SIZES[-1]])
    return rows


def _pages(bench_site: BenchSite, apps: list[Flask]) -> list[Row]:
    """Measure each page as a coordinator sees it, in turns, so that noise affects all alike."""
    desks = []
    for app in apps:
        with app.app_context():
            join_staff(app, "desk@staff.example", Role.COORDINATOR)
            desks.append(log_in(app, "desk@staff.example"))
    rows = []
    for what, path in PAGES.items():
        times: list[list[float]] = [[] for _ in apps]
        for turn in range(TURNS + WARM_UP):
            for desk, desk_times in zip(desks, times, strict=True):
                start = time.perf_counter()
                answer = desk.get(path)
                spent = time.perf_counter() - start
                if answer.status_code != 200:
                    raise SystemExit(f"bench: {path} answered {answer.status_code}")
                if turn >= WARM_UP:
                    desk_times.append(spent)
        first, *medians = [statistics.median(durations) * 1000 for durations in times]
        for size, value in zip(SIZES[1:], medians, strict=True):
            rows.append(
                Row(bench_site.kind, f"{what}, {size:,}", value, first, "ms", value / first, MAX_SLOWDOWN, True)
            )
    for app in apps:
        with app.app_context():
            db.engine.dispose()
    return rows


def _export(bench_site: BenchSite) -> list[Row]:
    """Export all signatures of one section in a separate process, whose peak memory is that of the export."""
    _in_own_process("one-section", bench_site)
    result = _in_own_process("export", bench_site)
    count, seconds, before, peak = (float(value) for value in result)
    rate = count / seconds
    return [
        Row(bench_site.kind, f"export of {count:,.0f}", rate, ROWS_A_SECOND, "rows/s", rate / ROWS_A_SECOND, 1.0),
        Row(
            bench_site.kind,
            f"export of {count:,.0f}: its own peak",
            peak - before,
            EXPORT_MB,
            "MB",
            (peak - before) / EXPORT_MB,
            1.0,
            is_ceiling=True,
        ),
        Row(bench_site.kind, f"export of {count:,.0f}: whole process", peak, before, "MB", peak / before),
    ]


def _handover(bench_site: BenchSite) -> list[Row]:
    """Hand over a hundred thousand names against ten thousand: the time grows with them, the memory does not."""
    few, many = (
        [float(value) for value in _in_own_process(f"handover {names}", bench_site)] for names in (NAMES // 10, NAMES)
    )
    return [
        Row(bench_site.kind, f"list of {NAMES:,} names", many[0], few[0] * 10, "s", many[0] / (few[0] * 10), 1.3, True),
        Row(bench_site.kind, f"list of {NAMES:,} names: peak", many[1], few[1], "MB", many[1] / few[1], 1.5, True),
    ]


def _in_own_process(task: str, bench_site: BenchSite) -> list[str]:
    environ = {**os.environ, **bench_site.environ(), "PYTHONPATH": "."}
    process = subprocess.run(
        [sys.executable, "-m", "bench.staff", *task.split()], env=environ, capture_output=True, text=True, check=False
    )
    match = re.search(r"^RESULT (.+)$", process.stdout, re.MULTILINE)
    if match is None:
        raise SystemExit(f"bench: {task} failed: {process.stderr[-2000:]}")
    return match[1].split()


def _run_task(arguments: list[str]) -> str:
    app = create_app()
    if arguments[0] == "one-section":
        with app.app_context(), transaction() as session:
            session.execute(update(Signature).values(section_code="fr", state="confirmed"))
        return "done"
    if arguments[0] == "export":
        with app.extensions["tocsin_staff"].app_context():
            return _export_all()
    with app.app_context():
        return _hand_over(app, int(arguments[1]))


def _export_all() -> str:
    appeal = find_appeal("case-0")
    assert appeal is not None
    before, start, count = _peak(), time.perf_counter(), -1
    signers = signatories(appeal.id, "fr", runtime().vault, with_email=True)
    db.session.rollback()
    for part in in_section("fr", csv_chunks(*signer_table(signers, addresses=True))):
        count += part.count(b"\r\n")
    return f"{count} {time.perf_counter() - start} {before} {_peak()}"


def _hand_over(app: Flask, names: int) -> str:
    appeal = find_appeal("case-0")
    assert appeal is not None
    with transaction() as session:
        session.execute(update(Signature).values(shares_name=False).where(Signature.shares_name))
        some = (
            select(Signature.id)
            .where(Signature.appeal_id == appeal.id, *_CONFIRMED_IN_FRANCE)
            .limit(names)
            .scalar_subquery()
        )
        session.execute(
            update(Signature).where(Signature.id.in_(some)).values(shares_name=True),
            execution_options={"synchronize_session": False},
        )
    staff = join_staff(app, f"list{names}@staff.example", Role.EDITOR)
    now = datetime.now(UTC)
    scope = Scope(staff, Role.EDITOR, "fr")
    number = queue_handover(
        appeal, language="en", target=1, reason="For the meeting", context=context(now, staff_actor(scope))
    )
    start = time.perf_counter()
    make_handover(number, clock=lambda: datetime.now(UTC), context=context())
    return f"{time.perf_counter() - start} {_peak()}"


def _peak() -> float:
    """Return the peak memory of this process in megabytes; in a child, `getrusage` would include its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[0]) / 1024


if __name__ == "__main__":
    print("RESULT", _run_task(sys.argv[1:]))
