"""The state of all workers together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from campaign.models import Worker
from campaign.platform import db
from campaign.platform.database.clock import server_now

# A worker updates its row every ten seconds. No round takes longer than this.
MAX_SILENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class WorkersView:
    """The number of working workers, their errors and troubles; `reason` is a current trouble, None without any."""

    working: int
    failures: int
    troubled: int
    seconds_since_done: float | None
    reason: str | None


def workers_view() -> WorkersView:
    """Return the state of the workers, by the database server's clock. If none has ever run, there is no trouble."""
    now = server_now(db.session())
    rows = db.session.scalars(select(Worker).order_by(Worker.beat_at.desc())).all()
    working = [row for row in rows if _is_working(row, now)]
    last_rounds = [row.done_at for row in rows if row.done_at is not None]
    return WorkersView(
        len(working),
        sum(row.failures for row in rows),
        sum(row.trouble is not None for row in working),
        (now - max(last_rounds)).total_seconds() if last_rounds else None,
        _reason(list(rows), working, now),
    )


def _is_working(row: Worker, now: datetime) -> bool:
    return not row.is_broken and row.done_at is not None and now - row.done_at < MAX_SILENCE


def _reason(rows: list[Worker], working: list[Worker], now: datetime) -> str | None:
    """Return the trouble of a working worker, or the reason why none works; None where there is no trouble."""
    trouble = next((row.trouble for row in working if row.trouble), None)
    if trouble:
        return trouble
    if working or not rows:
        return None
    broken = next((row.error for row in rows if row.is_broken), None)
    if broken is None and now - max(row.started_at for row in rows) < MAX_SILENCE:
        return None
    last_round = max((row.done_at for row in rows if row.done_at is not None), default=None)
    since = "" if last_round is None else f" since {last_round:%Y-%m-%d %H:%M} UTC"
    why = f": {error}" if (error := broken or rows[0].error or rows[0].trouble) else ""
    return f"no worker gets anything done{since}{why}"
