"""The staff room: an application of its own under /staff, with log-in and sessions, which the public pages never know.

Each route says whom it is for (`access.needs`); one that does not say is closed.
"""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel

from campaign.web import deadline, errors, headers
from campaign.web.staff import (
    access,
    account,
    announcement,
    appeal,
    audit,
    dashboard,
    decide,
    entries,
    erased,
    export,
    facts,
    handover,
    locale,
    messages,
    moderation,
    new_domains,
    outbox,
    people,
    prepare,
    reported,
    reset,
    section,
    security,
    sheet,
    signer,
    signer_mail,
    signing,
    target,
    text,
)

ROOT = "/staff"


def init_app(app: Flask, public: Flask, babel: Babel) -> None:
    """Adds the pages for staff; style and scripts are the files that the public application serves."""
    for name in ("asset", "theme", "icon"):
        app.jinja_env.globals[name] = public.jinja_env.globals[name]
    app.config["APPLICATION_ROOT"] = ROOT
    app.extensions["tocsin_public"] = public
    deadline.init_app(app, deadline.STAFF_SECONDS)
    headers.init_app(app)
    errors.init_app(app, "staff/error.html")
    access.init_app(app)
    security.init_app(app)
    access.guard(app)
    locale.init_app(app, babel)
    for part in (
        account,
        announcement,
        appeal,
        audit,
        dashboard,
        decide,
        entries,
        export,
        facts,
        handover,
        messages,
        outbox,
        moderation,
        new_domains,
        signer_mail,
        people,
        prepare,
        reported,
        erased,
        reset,
        section,
        sheet,
        signer,
        signing,
        target,
        text,
    ):
        app.register_blueprint(part.blueprint)
