"""flask privacy …: the personal data that is stored, and deleting expired data."""

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
from campaign.services.privacy.erasure_journal import delete_expired_files
from campaign.services.privacy.retention import purge_expired

privacy = AppGroup("privacy", help="Personal data: the record of what is stored, and deleting expired data.")


@privacy.command("report")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def report(as_json: bool) -> None:
    """Report each kind of personal data with its purpose, legal basis and period; exit 1 if any is stored too long."""
    app_runtime = runtime()
    with exit_on_refusal():
        categories = data_categories(now=app_runtime.clock(), days=app_runtime.settings.retention_days)
    if as_json:
        rows = [asdict(category) for category in categories]
        click.echo(json.dumps(rows, default=lambda moment: moment.isoformat(), indent=1))
    else:
        for category in categories:
            oldest = f", the oldest of {category.oldest_at:%Y-%m-%d}" if category.oldest_at else ""
            overdue = f", {category.overdue} TOO LONG" if category.overdue else ""
            click.echo(f"{category.what}\n  rows: {category.rows}{oldest}{overdue}")
            click.echo(f"  why: {category.why}\n  ground: {category.basis}\n  until: {category.until}\n")
    if any(category.overdue for category in categories):
        raise SystemExit(1)


@privacy.command("prune")
def prune() -> None:
    """Delete expired data now, as a worker does every hour. SIGTERM ends it after the current batch."""
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    app_runtime = runtime()
    with exit_on_refusal():
        context = app_runtime.context(OPERATOR, now=agreed_now(app_runtime.clock()))
        deleted = purge_expired(may_continue=lambda: not stop.is_set(), context=context)
        deleted["months of the erasure journal"] = delete_expired_files(
            app_runtime.settings.erasure_journal, context=context
        )
    line = ", ".join(f"{number} {name}" for name, number in sorted(deleted.items()) if number) or "nothing was due"
    click.echo(line + ("; stopped, run it again" if stop.is_set() else ""))
