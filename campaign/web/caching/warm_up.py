"""Warm-up of a web process before it accepts its first connection.

The first request of a process would otherwise compile templates and open a connection to the database while others
wait: half a second at the worst moment, when many requests arrive and a process has just been restarted.
"""

from __future__ import annotations

from flask import Flask

from campaign.platform.runtime import RUNTIME_KEY, Runtime
from campaign.web.http.locale import DEFAULT_LOCALE

_MAX_APPEALS = 20


def warm_up(app: Flask) -> None:
    """Compile the public templates, then request the list, and the pages and counts of open appeals.

    If the database is down, those answers are 503 and nothing else happens: the first supporter then waits longer.
    """
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.startswith("public/")):
        app.jinja_env.get_template(name)
    at: Runtime = app.extensions[RUNTIME_KEY]
    client = app.test_client(use_cookies=False)
    base = at.settings.base_url
    client.get(f"/{DEFAULT_LOCALE}/", base_url=base)
    listed = client.get("/api/v1/appeals", base_url=base)
    if listed.status_code == 200:
        for appeal in listed.get_json()["appeals"][:_MAX_APPEALS]:
            client.get(f"/{DEFAULT_LOCALE}/appeals/{appeal['slug']}", base_url=base)
            client.get(f"/api/v1/appeals/{appeal['slug']}", base_url=base)
