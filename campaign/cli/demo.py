"""flask demo: everything at once on an embedded database, to try the application."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from campaign.cli.refusal import refusals, refuse
from campaign.config import ROOT
from campaign.document import parse_document
from campaign.domain.appeals.appeal import AppealState
from campaign.domain.staff.actor import OPERATOR
from campaign.platform.runtime import Runtime, runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.sections.load_sections import load_sections

SAMPLE = "janbolat-mamai"
SAMPLE_GOAL = 1000
SAMPLE_DAYS = 60
_STOP_SECONDS = 2.5


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@with_appcontext
def demo(port: int) -> None:
    """Try it: prepare the database and the sample appeal, then run web and worker until Ctrl-C."""
    at = runtime()
    if not at.settings.demo:
        refuse("the demonstration wants TOCSIN_DEMO=1 (make run sets it)")
    with refusals():
        upgrade(directory=current_app.extensions["migrate"].directory)
        load_sections(context=at.context(OPERATOR))
        prepare_sample(at)
    _serve(port)


def prepare_sample(at: Runtime) -> None:
    """Import and publish the sample appeal where it is missing; its deadline is 60 days from today."""
    known = find_appeal(SAMPLE)
    if known is not None and known.state != AppealState.DRAFT:
        return
    context = at.context(OPERATOR)
    for language in ("fr", "en"):
        path = ROOT / "examples" / f"{SAMPLE}.{language}.md"
        draft = parse_document(path.read_bytes(), path.name)
        deadline = context.now.date() + timedelta(days=SAMPLE_DAYS)
        import_draft(draft, ImportOptions(slug=SAMPLE, goal=SAMPLE_GOAL, deadline=deadline), context=context)
    publish(SAMPLE, context=context)


def _serve(port: int) -> None:
    """Run web and worker as child processes; both end within three seconds of Ctrl-C."""
    environment = {**os.environ, "TOCSIN_BASE_URL": f"http://127.0.0.1:{port}"}
    web = [sys.executable, "-m", "gunicorn", "app:app", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    web += ["--threads", "8", "--log-level", "warning", "--graceful-timeout", "1", "--no-control-socket"]
    worker = [sys.executable, "-m", "flask", "worker"]
    children = [
        subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603  fixed commands
        for command in (web, worker)
    ]
    click.echo(f"\n  Tocsin is running: open http://127.0.0.1:{port}/")
    click.echo(f"  Mail that it sends: http://127.0.0.1:{port}/dev/mail        stop with Ctrl-C\n")
    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    while not stopping and all(child.poll() is None for child in children):
        time.sleep(0.1)
    failed = next((child for child in children if child.poll() is not None), None)
    _stop(children)
    if failed is not None and not stopping:
        refuse(f"{'web' if failed is children[0] else 'worker'} ended by itself; its reason stands above")


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    end = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
