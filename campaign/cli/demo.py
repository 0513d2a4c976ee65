"""flask demo: web server and worker with sample data on an embedded database, to try the application."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from campaign.cli.refusal import exit_on_refusal, refuse
from campaign.config import ROOT
from campaign.document import parse_document
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import Runtime, runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.counting.counts import counts
from campaign.queries.sections.section import list_sections
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.sample_signers import add_sample_signers
from campaign.services.sections.load_sections import load_sections

SAMPLE = "janbolat-mamai"
SAMPLE_GOAL = 1000
SAMPLE_DAYS = 60
SAMPLE_HISTORY = timedelta(days=21)
_STOP_SECONDS = 2.5
_CODE_FOLDERS = ("campaign", "templates")
_CODE_SUFFIXES = {".py", ".html", ".txt", ".typ", ".toml", ".css", ".js", ".mo"}


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--signatures", default=0, type=click.IntRange(0, 100_000), help="Add invented signers up to this number."
)
@click.option("--reload", "reloads", is_flag=True, help="Start web and worker again when the code changes.")
@with_appcontext
def demo(port: int, signatures: int, reloads: bool) -> None:
    """Prepare the database and the sample appeal, then run web server and worker until Ctrl-C."""
    app_runtime = runtime()
    if not app_runtime.settings.demo:
        refuse("the demonstration needs TOCSIN_DEMO=1 (make run sets it)")
    with exit_on_refusal():
        upgrade(directory=current_app.extensions["migrate"].directory)
        load_sections(context=app_runtime.context(OPERATOR))
        # The invented signers signed on several days, so the appeal has to have been open on these days.
        prepare_sample(app_runtime, opened_for=SAMPLE_HISTORY if signatures else timedelta(0))
        prepare_signers(app_runtime, signatures)
    _serve(port, reloads=reloads)


def prepare_sample(app_runtime: Runtime, opened_for: timedelta = timedelta(0)) -> None:
    """Import and publish the sample appeal unless it exists; its deadline is 60 days after its opening.

    `opened_for` is how long ago it was opened.
    """
    existing = find_appeal(SAMPLE)
    if existing is not None and existing.state != AppealState.DRAFT:
        return
    context = app_runtime.context(OPERATOR)
    context = replace(context, now=context.now - opened_for)
    for language in ("fr", "en"):
        path = ROOT / "examples" / f"{SAMPLE}.{language}.md"
        draft = parse_document(path.read_bytes(), path.name)
        deadline = context.now.date() + timedelta(days=SAMPLE_DAYS)
        import_draft(draft, ImportOptions(slug=SAMPLE, goal=SAMPLE_GOAL, deadline=deadline), context=context)
    publish(SAMPLE, context=context)


def prepare_signers(app_runtime: Runtime, number: int) -> None:
    """Add invented signers to the sample appeal until it has `number` signatures."""
    appeal = find_appeal(SAMPLE)
    if appeal is None:
        return
    missing = number - counts(appeal.id).signatures
    sections = [section for section in list_sections() if section.countries]
    if missing > 0:
        click.echo(f"adding {missing} invented signers")
        add_sample_signers(appeal, sections, missing, context=app_runtime.context(OPERATOR))


def _serve(port: int, *, reloads: bool) -> None:
    """Run web server and worker as child processes; both end within three seconds of Ctrl-C.

    With `reloads` both start again when a file of the code changes, also after one of them has failed. Without it, end
    the command if one of them fails.
    """
    received_signals: list[int] = []
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda number, _frame: received_signals.append(number))
    children, last_change = _start(port), changed_at(ROOT) if reloads else 0.0
    click.echo(f"\n  Tocsin is running: open http://127.0.0.1:{port}/")
    click.echo(f"  Mail that it sends: http://127.0.0.1:{port}/dev/mail        stop with Ctrl-C\n")
    while not received_signals and (reloads or all(child.poll() is None for child in children)):
        time.sleep(0.1 if not reloads else 0.5)
        if reloads and (newest_change := changed_at(ROOT)) > last_change:
            last_change = newest_change
            click.echo("  the code has changed: starting again")
            _stop(children)
            children = _start(port)
    failed = next((child for child in children if child.poll() is not None), None)
    _stop(children)
    if failed is not None and not received_signals:
        refuse(f"{'the web server' if failed is children[0] else 'the worker'} ended; see its last lines above")


def changed_at(root: Path) -> float:
    """Return when a file of the code was last changed, in seconds since 1970."""
    files = (path for folder in _CODE_FOLDERS for path in (root / folder).rglob("*") if path.suffix in _CODE_SUFFIXES)
    return max(path.stat().st_mtime for path in files)


def _start(port: int) -> list[subprocess.Popen[bytes]]:
    """Start web server and worker; return their processes in this order."""
    environment = {**os.environ, "TOCSIN_BASE_URL": f"http://127.0.0.1:{port}"}
    web = [sys.executable, "-m", "gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    web += ["--threads", "8", "--log-level", "warning", "--graceful-timeout", "1", "--no-control-socket"]
    worker = [sys.executable, "-m", "flask", "worker"]
    return [
        subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603  fixed commands
        for command in (web, worker)
    ]


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    """Stop the processes; kill those that have not ended after `_STOP_SECONDS`."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
