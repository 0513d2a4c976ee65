"""The HTTP layer: requests and answers only. It reads through queries and writes through services."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel
from flask_limiter import Limiter

from campaign.services.abuse import limits
from campaign.web import api, public, staff
from campaign.web.caching import page_cache
from campaign.web.http import alternates, errors, headers, locale, time_limit
from campaign.web.public.signing.mended_link import mended_link

__all__ = ["init_app", "staff"]


def init_app(app: Flask, babel: Babel, limiter: Limiter) -> None:
    """Add the public pages, the API and everything that applies to each answer."""
    time_limit.init_app(app, time_limit.PUBLIC_SECONDS)
    locale.init_app(app, babel)
    alternates.init_app(app)
    limiter.init_app(app)
    app.extensions[limits.EXTENSION] = limits.AbuseLimits()
    headers.init_app(app)
    app.url_map.merge_slashes = False  # `mended_link` repairs slashes too, and needs one redirect instead of two
    errors.init_app(app, mended_link=mended_link)
    page_cache.init_app(app)
    public.init_app(app)
    api.init_app(app)
