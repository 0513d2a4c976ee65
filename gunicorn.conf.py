"""What gunicorn does beside its command line: a worker makes itself ready before it takes a connection."""

from __future__ import annotations

from gunicorn.workers.base import Worker

from campaign.extensions.runtime import KEY
from campaign.web.warm import warm


def post_worker_init(worker: Worker) -> None:
    """The application is loaded in the worker; it listens right after this. Other applications are left alone."""
    if KEY in worker.wsgi.extensions:
        warm(worker.wsgi)
