"""A web process makes itself ready before it takes its first connection.

The first request of a process would otherwise compile templates and open a connection to the database while others
wait: half a second at the worst moment, when a crowd is there and a process has just been restarted.
"""

from __future__ import annotations

from flask import Flask

from campaign.platform.runtime import KEY, Runtime
from campaign.web.http.locale import DEFAULT

_MOST_APPEALS = 20


def warm(app: Flask) -> None:
    """Compiles the public templates, then asks for the list, and for the page and counts of the open appeals on it.

    A database that is away makes those answers 503, nothing more: the first supporter then waits a little longer.
    """
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.startswith("public/")):
        app.jinja_env.get_template(name)
    at: Runtime = app.extensions[KEY]
    client = app.test_client(use_cookies=False)
    base = at.settings.base_url
    client.get(f"/{DEFAULT}/", base_url=base)
    known = client.get("/api/v1/appeals", base_url=base)
    if known.status_code == 200:
        for one in known.get_json()["appeals"][:_MOST_APPEALS]:
            client.get(f"/{DEFAULT}/appeals/{one['slug']}", base_url=base)
            client.get(f"/api/v1/appeals/{one['slug']}", base_url=base)
