"""flask privacy …: the personal data that is stored, and deleting what is due."""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import asdict

import click
from flask.cli import AppGroup

from campaign.cli.refusal import exit_on_refusal
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import runtime
from campaign.queries.privacy.processing_record import data_categories
from campaign.services.periodic.clock import agreed_now
from campaign.services.privacy.erasure_journal import forget
from campaign.services.privacy.retention import purge_expired

privacy = AppGroup("privacy", help="Personal data: what is stored, and deleting what is due.")


@privacy.command("report")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def report(as_json: bool) -> None:
    """Report the personal data, its reason, ground and end; exit 1 where any is stored too long."""
    at = runtime()
    with exit_on_refusal():
        found = data_categories(now=at.clock(), days=at.settings.retention_days)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], default=lambda moment: moment.isoformat(), indent=1))
    else:
        for one in found:
            since = f", the oldest of {one.oldest_at:%Y-%m-%d}" if one.oldest_at else ""
            click.echo(f"{one.what}\n  held: {one.rows}{since}{f', {one.overdue} TOO LONG' if one.overdue else ''}")
            click.echo(f"  why: {one.why}\n  ground: {one.basis}\n  until: {one.until}\n")
    if any(one.overdue for one in found):
        raise SystemExit(1)


@privacy.command("prune")
def prune() -> None:
    """Delete now what is due, as a worker does each hour. SIGTERM ends it after the current batch."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    at = runtime()
    with exit_on_refusal():
        context = at.context(OPERATOR, now=agreed_now(at.clock()))
        done = purge_expired(go_on=lambda: not stop.is_set(), context=context)
        done["months of the erasure journal"] = forget(at.settings.erasure_journal, context=context)
    said = ", ".join(f"{number} {name}" for name, number in sorted(done.items()) if number) or "nothing was due"
    click.echo(said + ("; stopped, run it again" if stop.is_set() else ""))
