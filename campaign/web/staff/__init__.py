"""The staff pages: an application of its own under /staff, with log-in and sessions.

Each route states the permission that it needs (`access.needs`); a route that states none answers 404.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from flask import Blueprint, Flask
from flask_babel import Babel

from campaign.web.http import errors, headers, time_limit
from campaign.web.staff import locale
from campaign.web.staff.staff import access, security

ROOT = "/staff"


def init_app(app: Flask, public: Flask, babel: Babel) -> None:
    """Add the staff pages to the application. Style sheets and scripts are the files of the public application."""
    for name in ("asset", "theme", "icon"):
        app.jinja_env.globals[name] = public.jinja_env.globals[name]
    app.config["APPLICATION_ROOT"] = ROOT
    app.extensions["tocsin_public"] = public
    time_limit.init_app(app, time_limit.STAFF_SECONDS)
    headers.init_app(app)
    errors.init_app(app, "staff/error.html")
    access.init_app(app)
    security.init_app(app)
    access.register_access_check(app)
    locale.init_app(app, babel)
    for blueprint in _blueprints():
        app.register_blueprint(blueprint)


def _blueprints() -> Iterator[Blueprint]:
    """Yield the blueprint of every module in the packages below that has one."""
    for module in walk_packages(__path__, f"{__name__}."):
        blueprint = getattr(import_module(module.name), "blueprint", None)
        if isinstance(blueprint, Blueprint):
            yield blueprint
