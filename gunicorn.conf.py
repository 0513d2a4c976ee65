"""gunicorn's settings and hooks. Options on its command line take precedence."""

from __future__ import annotations

import gc
from typing import Any

from campaign import serving

worker_class = "gthread"
threads = 8
# gunicornc's control socket would be in the home folder, which a service does not have.
control_socket_disable = True
# Host and scheme are those of TOCSIN_BASE_URL, and no header may name another path.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""


def on_starting(server: Any) -> None:
    """Choose the worker class when the server starts."""
    serving.use_buffering_worker(server)


def on_reload(server: Any) -> None:
    """On HUP, start the new version's workers before the old ones end."""
    serving.use_buffering_worker(server)
    serving.record_reload(server)


def post_fork(_server: Any, _worker: Any) -> None:
    """Turn the garbage collector off while the worker loads the application.

    What it loads stays for the life of the process. Walking through it again and again takes a sixth of the start.
    """
    gc.disable()


def post_worker_init(worker: Any) -> None:
    """Warm up the application before its worker listens, then turn the garbage collector on for what comes later."""
    # Imported here: what the master has imported, its workers would not load anew at a reload.
    from campaign.platform.runtime import RUNTIME_KEY
    from campaign.web.caching.warm_up import warm_up
    from campaign.web.http.admission import EXTENSION

    if RUNTIME_KEY in getattr(worker.wsgi, "extensions", ()):
        warm_up(worker.wsgi)
        worker.wsgi.extensions[EXTENSION].threads = worker.cfg.threads
    gc.freeze()
    gc.enable()
    serving.mark_ready(worker)
