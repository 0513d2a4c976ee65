"""A long outbox and thousands of appeals, on PostgreSQL as an ordinary role.

It measures how mail is claimed, the monitor's figures, and the staff pages.
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
from campaign.services.outbox.refused_recipients import RefusedRecipients
from campaign.web.public.site.metrics import MetricsCache
from tests.staff.staff_clients import join_staff, log_in

QUEUED, LONGEST, APPEALS = 300_000, 1_000_000, 5_100
TAKEN, TURNS, WARM_UP = 128, 9, 2
CLAIM_MS, PAGE_MS, PAGE_KB = 100.0, 300.0, 100.0
# Beside a superuser, to whom no policy applies; noise affects both.
SLOWER = 1.5
PAGES = {
    "metrics": "/metrics",
    "moderation": "/staff/moderation",
    "new domains": "/staff/moderation/domains",
    "all appeals": "/staff/appeals",
    "all appeals, by words": "/staff/appeals?q=number+7",
    "outbox": "/staff/outbox",
}
# The results of the mail to each domain are summed over a whole week.
SHOWN = {"outbox"}


def measure_suite() -> list[Row]:
    """Return all rows, on both databases."""
    rows: list[Row] = []
    with bench_sites("outbox") as found:
        for place in found:
            one = place.sized("queued")
            app = _queued(one, QUEUED)
            with app.app_context():
                _copy_appeals()
            rows += _claims(one, app, QUEUED) + _pages(place.kind, app)
            longest = place.sized("longest")
            rows += _claims(longest, _queued(longest, LONGEST), LONGEST)
    return rows


def _queued(place: BenchSite, mails: int) -> Flask:
    """Return an application whose mails all wait: an announcement, due at one moment, to large and small providers."""
    app = place.make(mails, appeals=50)
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
            # All are sendable: thanks to those who have confirmed, the confirmation letter to all others.
            confirmed = "SELECT 1 FROM signature WHERE id = mail.signature_id AND state = 'confirmed'"
            session.execute(text(f"UPDATE mail SET kind = 'confirmed' WHERE EXISTS ({confirmed})"))  # noqa: S608
            session.execute(text(f"UPDATE mail SET domain_digest = {domain} WHERE id % 30 = 0"))  # noqa: S608
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"))
        _close_connections()
    return app


def _copy_appeals() -> None:
    """Copy the appeal, to as many as an organisation has after twenty years."""
    columns = [one for one in Appeal.__table__.columns if one.name != "id"]
    with transaction() as session:
        first = session.scalar(select(Appeal.id).order_by(Appeal.id))
        row = dict(session.execute(select(*columns).where(Appeal.id == first)).mappings().one())
        words = dict(
            session.execute(select(AppealText.__table__).where(AppealText.appeal_id == first)).mappings().one()
        )
        for number in range(APPEALS - 50):
            made = row | {
                "slug": f"old-{number}",
                "reference": f"UA {number}/99",
                "state": "closed",
                "ended_at": datetime.now(UTC),
            }
            key = session.scalar(insert(Appeal).values(made).returning(Appeal.id))
            headline = f"A headline of the usual length, number {number}"
            session.execute(insert(AppealText).values(words | {"appeal_id": key, "headline": headline}))


def _claims(place: BenchSite, app: Flask, mails: int) -> list[Row]:
    """Claim a batch and begin it, rolled back; on PostgreSQL beside the same by a superuser."""
    apps = [app]
    if place.kind == "postgresql":
        apps.append(_as_superuser(place))
    claims: list[list[float]] = [[] for _ in apps]
    begins: list[list[float]] = [[] for _ in apps]
    for turn in range(TURNS + WARM_UP):
        for one, claimed, begun in zip(apps, claims, begins, strict=True):
            with one.app_context():
                spent = _claim()
                db.session.rollback()
            if turn >= WARM_UP:
                claimed.append(spent[0])
                begun.append(spent[1])
    for one in apps:
        with one.app_context():
            _close_connections()
    what = f"{TAKEN} of {mails:,} queued"
    ours = statistics.median(claims[0])
    rows = [Row(place.kind, f"claim {what}", ours, CLAIM_MS, "ms", ours / CLAIM_MS, 1.0, True)]
    for act, times in (("claim", claims), ("begin", begins)):
        mine, *others = [statistics.median(one) for one in times]
        rows += [
            Row(place.kind, f"{act} {what}, superuser", mine, one, "ms", mine / one, SLOWER, True) for one in others
        ]
    return rows


def _as_superuser(place: BenchSite) -> Flask:
    name = place.url.partition("//")[2].partition(":")[0]
    return BenchSite(place.kind, place.url.replace(f"//{name}:@", "//postgres:@"), place.folder).app()


def _claim() -> tuple[float, float]:
    """Return the milliseconds for claiming, and for beginning what was claimed."""
    session, start = db.session(), time.perf_counter()
    now = database_now(session)
    taken = claim(session, now, after=b"", capacity=TAKEN, domain_limit=lambda _domain: TAKEN).mails
    between = time.perf_counter()
    at = runtime()
    context = at.context(SYSTEM, now=now)
    jobs = begin_sending(session, taken, refused_recipients=RefusedRecipients(at.settings), context=context).jobs
    end = time.perf_counter()
    if len(jobs) != TAKEN:
        raise SystemExit(f"bench: {len(jobs)} mails of {len(taken)} claimed were begun instead of {TAKEN}")
    return 1000 * (between - start), 1000 * (end - between)


def _pages(kind: str, app: Flask) -> list[Row]:
    """Measure the pages as coordinators see them; the monitor's figures are collected anew each time."""
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
        limit = None if what in SHOWN else 1.0
        rows.append(Row(kind, what, middle, PAGE_MS, "ms", middle / PAGE_MS, limit, True))
        rows.append(Row(kind, f"{what}: size", kilobytes, PAGE_KB, "KB", kilobytes / PAGE_KB, 1.0, True))
    with app.app_context():
        _close_connections()
    return rows


def _close_connections() -> None:
    db.session.remove()
    db.engine.dispose()
