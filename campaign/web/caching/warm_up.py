"""Warm-up of a web process before it accepts its first connection.

Without it, the first request of a process would compile the templates and connect to the database while other requests
wait. That takes half a second at the worst moment: a process was restarted, and many requests arrive.
"""

from __future__ import annotations

from flask import Flask

from campaign.platform.runtime import RUNTIME_KEY, Runtime
from campaign.web.http.locale import DEFAULT_LOCALE

_MAX_APPEALS = 20


def warm_up(app: Flask) -> None:
    """Compile the public templates, then request the list and, for each open appeal, its page and counts.

    If the database is down, these requests are answered 503 and the process starts all the same.
    """
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.startswith("public/")):
        app.jinja_env.get_template(name)
    app_runtime: Runtime = app.extensions[RUNTIME_KEY]
    client = app.test_client(use_cookies=False)
    base_url = app_runtime.settings.base_url
    client.get(f"/{DEFAULT_LOCALE}/", base_url=base_url)
    appeal_list = client.get("/api/v1/appeals", base_url=base_url)
    if appeal_list.status_code == 200:
        for appeal in appeal_list.get_json()["appeals"][:_MAX_APPEALS]:
            client.get(f"/{DEFAULT_LOCALE}/appeals/{appeal['slug']}", base_url=base_url)
            client.get(f"/api/v1/appeals/{appeal['slug']}", base_url=base_url)
