"""The public pages, for supporters: without session, cookie or log-in."""

from __future__ import annotations

from flask import Flask

from campaign.platform.runtime import runtime
from campaign.web.caching.data_cache import DataCache
from campaign.web.public.account import my_data, unsubscribe
from campaign.web.public.appeal import appeal_lists, ended_appeals, page_views, pages, progress, share
from campaign.web.public.embed import frames
from campaign.web.public.letter import letter_files, own_letter, take_action
from campaign.web.public.signing import confirm, request_link, sign
from campaign.web.public.site import assets, demo_mailbox, health, legal_pages, metrics


def init_app(app: Flask) -> None:
    """Register the public pages; the mailbox page only in a demonstration."""
    app.extensions["tocsin_data_cache"] = DataCache()
    app.extensions["tocsin_metrics"] = metrics.MetricsCache()
    for module in (
        assets,
        confirm,
        frames,
        ended_appeals,
        letter_files,
        request_link,
        appeal_lists,
        health,
        take_action,
        my_data,
        metrics,
        pages,
        progress,
        share,
        sign,
        legal_pages,
        unsubscribe,
        page_views,
        own_letter,
    ):
        app.register_blueprint(module.blueprint)
    assets.init_app(app)
    with app.app_context():
        if runtime().settings.demo:
            app.register_blueprint(demo_mailbox.blueprint)

    @app.context_processor
    def _template_values() -> dict[str, bool]:
        return {"is_demo": runtime().settings.demo}
