"""What gunicorn does beside its command line, which wins."""

from __future__ import annotations

from typing import Any

from campaign import serving

worker_class = "gthread"
threads = 8
# The socket for gunicornc stands in the home folder, which a service has none of.
control_socket_disable = True
# Host and scheme are those of TOCSIN_BASE_URL, and no header may name another path.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""


def on_starting(server: Any) -> None:
    """Choose the worker."""
    serving.use(server)


def on_reload(server: Any) -> None:
    """HUP: start the new version's processes, then end the old ones."""
    serving.use(server)
    serving.begin_reload(server)


def post_worker_init(worker: Any) -> None:
    """Prepare an application of ours before its worker listens, which it does right after this."""
    # Imported here: what the master has imported, its workers would not load anew at a reload.
    from campaign.platform.runtime import KEY
    from campaign.web.caching.warm_up import warm
    from campaign.web.http.admission import ADMISSION

    if KEY in getattr(worker.wsgi, "extensions", ()):
        warm(worker.wsgi)
        worker.wsgi.extensions[ADMISSION].threads = worker.cfg.threads
    serving.say_ready(worker)
