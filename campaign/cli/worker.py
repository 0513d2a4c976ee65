"""flask worker: mail and periodic jobs, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

import click
from flask.cli import with_appcontext

from campaign.tasks import run_worker


@click.command()
@with_appcontext
def worker() -> None:
    """Deliver mail and run the periodic jobs; any number of workers, on any number of machines."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("huey").setLevel(logging.WARNING)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    run_worker(stop)
