"""flask worker: mail and periodic jobs, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import threading

import click
from flask.cli import with_appcontext

from campaign.cli.refusal import refuse
from campaign.tasks import WorkerBrokenError, run_worker

_ENDING = {signal.SIGINT, signal.SIGTERM}


@click.command()
@with_appcontext
def worker() -> None:
    """Deliver mail and run the periodic jobs; any number of workers, on any number of machines."""
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("huey").setLevel(logging.WARNING)
    stop = threading.Event()
    # A thread waits for them. A handler would run in the middle of whatever the main thread does: setting the event
    # while that waits for it may lock both for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    threading.Thread(target=_wait_for_end, args=(stop,), name="signals", daemon=True).start()
    try:
        run_worker(stop)
    except WorkerBrokenError as error:
        refuse(f"the worker ended: {error}")


def _wait_for_end(stop: threading.Event) -> None:
    signal.sigwait(_ENDING)
    stop.set()
