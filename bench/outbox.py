"""A long outbox and thousands of appeals, on PostgreSQL as an ordinary role.

Measured are claims of mail, the metrics, and the staff pages.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import insert, select, text, update

from bench.support.report import Row
from bench.support.site import BenchSite, bench_sites
from campaign.domain.staff.actor import SYSTEM
from campaign.domain.staff.roles import Role
from campaign.models import Appeal, AppealText, Mail
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.delivery.claim import claim, database_now
from campaign.services.delivery.deliver import begin_sending
from campaign.services.outbox.target_mailboxes import TargetMailboxes
from campaign.web.public.site.metrics import MetricsCache
from tests.staff.staff_clients import join_staff, log_in

QUEUED, LONGEST, APPEALS = 300_000, 1_000_000, 5_100
CLAIMED, TURNS, WARM_UP = 128, 9, 2
CLAIM_MS, PAGE_MS, PAGE_KB = 100.0, 300.0, 100.0
# Against a superuser, to whom no row policy applies; noise affects both.
MAX_SLOWDOWN = 1.5
PAGES = {
    "metrics": "/metrics",
    "moderation": "/staff/moderation",
    "new domains": "/staff/moderation/domains",
    "all appeals": "/staff/appeals",
    "all appeals, by words": "/staff/appeals?q=number+7",
    "outbox": "/staff/outbox",
}
# Pages without a limit: the outbox sums the outcomes of a whole week by domain.
WITHOUT_LIMIT = {"outbox"}


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    rows: list[Row] = []
    with bench_sites("outbox") as sites:
        for bench_site in sites:
            queued = bench_site.sized("queued")
            app = _queued(queued, QUEUED)
            with app.app_context():
                _copy_appeals()
            rows += _claims(queued, app, QUEUED) + _pages(bench_site.kind, app)
            longest = bench_site.sized("longest")
            rows += _claims(longest, _queued(longest, LONGEST), LONGEST)
    return rows


def _queued(bench_site: BenchSite, mails: int) -> Flask:
    """Return an application whose mails are all queued and due at one moment, to large and small providers."""
    app = bench_site.make(mails, appeals=50)
    with app.app_context():
        domain = {"postgresql": "sha256(int8send(id % 5000))", "sqlite": "CAST(printf('%032d', id % 5000) AS BLOB)"}[
            db.engine.dialect.name
        ]
        with transaction() as session:
            waiting = {
                "state": "queued",
                "attempts": 0,
                "sent_at": None,
                "due_at": datetime.now(UTC) - timedelta(hours=1),
            }
            session.execute(update(Mail).values(waiting), execution_options={"synchronize_session": False})
            # All mails are eligible: thank-you mails to confirmed signers, confirmation mails to all others.
            confirmed = "SELECT 1 FROM signature WHERE id = mail.signature_id AND state = 'confirmed'"
            session.execute(text(f"UPDATE mail SET kind = 'confirmed' WHERE EXISTS ({confirmed})"))  # noqa: S608
            session.execute(text(f"UPDATE mail SET domain_digest = {domain} WHERE id % 30 = 0"))  # noqa: S608
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"))
        _close_connections()
    return app


def _copy_appeals() -> None:
    """Copy the first appeal until there are as many as after twenty years of an organisation."""
    columns = [column for column in Appeal.__table__.columns if column.name != "id"]
    with transaction() as session:
        first = session.scalar(select(Appeal.id).order_by(Appeal.id))
        row = dict(session.execute(select(*columns).where(Appeal.id == first)).mappings().one())
        text_columns = dict(
            session.execute(select(AppealText.__table__).where(AppealText.appeal_id == first)).mappings().one()
        )
        for number in range(APPEALS - 50):
            appeal_columns = row | {
                "slug": f"old-{number}",
                "reference": f"UA {number}/99",
                "state": "closed",
                "ended_at": datetime.now(UTC),
            }
            key = session.scalar(insert(Appeal).values(appeal_columns).returning(Appeal.id))
            headline = f"A headline of the usual length, number {number}"
            session.execute(insert(AppealText).values(text_columns | {"appeal_id": key, "headline": headline}))


def _claims(bench_site: BenchSite, app: Flask, mails: int) -> list[Row]:
    """Claim and begin a batch, then roll back; on PostgreSQL beside a superuser."""
    apps = [app]
    if bench_site.kind == "postgresql":
        apps.append(_as_superuser(bench_site))
    claims: list[list[float]] = [[] for _ in apps]
    begins: list[list[float]] = [[] for _ in apps]
    for turn in range(TURNS + WARM_UP):
        for each_app, claim_times, begin_times in zip(apps, claims, begins, strict=True):
            with each_app.app_context():
                spent = _claim()
                db.session.rollback()
            if turn >= WARM_UP:
                claim_times.append(spent[0])
                begin_times.append(spent[1])
    for each_app in apps:
        with each_app.app_context():
            _close_connections()
    what = f"{CLAIMED} of {mails:,} queued"
    milliseconds = statistics.median(claims[0])
    rows = [Row(bench_site.kind, f"claim {what}", milliseconds, CLAIM_MS, "ms", milliseconds / CLAIM_MS, 1.0, True)]
    for step, times in (("claim", claims), ("begin", begins)):
        own, *comparisons = [statistics.median(durations) for durations in times]
        rows += [
            Row(bench_site.kind, f"{step} {what}, superuser", own, one, "ms", own / one, MAX_SLOWDOWN, True)
            for one in comparisons
        ]
    return rows


def _as_superuser(bench_site: BenchSite) -> Flask:
    name = bench_site.url.partition("//")[2].partition(":")[0]
    return BenchSite(bench_site.kind, bench_site.url.replace(f"//{name}:@", "//postgres:@"), bench_site.folder).app()


def _claim() -> tuple[float, float]:
    """Return the milliseconds for claiming a batch, and for beginning to send it."""
    session, start = db.session(), time.perf_counter()
    now = database_now(session)
    mails = claim(session, now, after=b"", capacity=CLAIMED, domain_limit=lambda _domain: CLAIMED).mails
    between = time.perf_counter()
    app_runtime = runtime()
    context = app_runtime.context(SYSTEM, now=now)
    jobs = begin_sending(session, mails, target_mailboxes=TargetMailboxes(app_runtime.settings), context=context).jobs
    end = time.perf_counter()
    if len(jobs) != CLAIMED:
        raise SystemExit(f"bench: {len(jobs)} mails of {len(mails)} claimed were begun instead of {CLAIMED}")
    return 1000 * (between - start), 1000 * (end - between)


def _pages(kind: str, app: Flask) -> list[Row]:
    """Measure the pages as a coordinator sees them; the metrics are computed again each time."""
    with app.app_context():
        join_staff(app, "desk@staff.example", Role.COORDINATOR)
        desk = log_in(app, "desk@staff.example")
    rows = []
    for what, path in PAGES.items():
        spent, size = [], 0
        for turn in range(TURNS + WARM_UP):
            app.extensions["tocsin_metrics"] = MetricsCache()
            start = time.perf_counter()
            answer = desk.get(path)
            if turn >= WARM_UP:
                spent.append(1000 * (time.perf_counter() - start))
            if answer.status_code != 200:
                raise SystemExit(f"bench: {path} answered {answer.status_code}")
            size = len(answer.data)
        middle, kilobytes = statistics.median(spent), size / 1000
        limit = None if what in WITHOUT_LIMIT else 1.0
        rows.append(Row(kind, what, middle, PAGE_MS, "ms", middle / PAGE_MS, limit, True))
        rows.append(Row(kind, f"{what}: size", kilobytes, PAGE_KB, "KB", kilobytes / PAGE_KB, 1.0, True))
    with app.app_context():
        _close_connections()
    return rows


def _close_connections() -> None:
    db.session.remove()
    db.engine.dispose()
