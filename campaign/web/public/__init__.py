"""What supporters see: no session, no cookie, no log-in."""

from __future__ import annotations

from flask import Flask

from campaign.extensions.runtime import runtime
from campaign.web.public import (
    assets,
    confirm,
    embed,
    ended,
    letter,
    links,
    lists,
    machine,
    mailbox,
    manage,
    me,
    metrics,
    pages,
    progress,
    share,
    sign,
    site,
    unsubscribe,
    view,
    words,
)
from campaign.web.snapshot import Snapshots


def init_app(app: Flask) -> None:
    """Registers the public pages; the mailbox page only in a demonstration."""
    app.extensions["tocsin_snapshots"] = Snapshots()
    app.extensions["tocsin_metrics"] = metrics.KeptMetrics()
    for part in (
        assets,
        confirm,
        embed,
        ended,
        letter,
        links,
        lists,
        machine,
        manage,
        me,
        metrics,
        pages,
        progress,
        share,
        sign,
        site,
        unsubscribe,
        view,
        words,
    ):
        app.register_blueprint(part.blueprint)
    assets.init_app(app)
    with app.app_context():
        if runtime().settings.demo:
            app.register_blueprint(mailbox.blueprint)

    @app.context_processor
    def _demo() -> dict[str, bool]:
        return {"is_demo": runtime().settings.demo}
