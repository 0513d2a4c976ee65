"""The staff room: an application of its own under /staff, with log-in and sessions, which the public pages never know.

Each route says whom it is for (`access.needs`); one that does not say is closed.
"""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel

from campaign.web.http import errors, headers, time_limit
from campaign.web.staff import locale
from campaign.web.staff.announcements import announcement
from campaign.web.staff.appeals import appeal_facts, editor, lifecycle, target, text
from campaign.web.staff.counting import appeal_counts, dashboard, funnel
from campaign.web.staff.delivery import mail_status, message_previews
from campaign.web.staff.handover import export, handover
from campaign.web.staff.moderation import erased, moderation, new_domains, reported, signer, signer_mail
from campaign.web.staff.offline import bulk_entries, paper_sheet
from campaign.web.staff.sections import section
from campaign.web.staff.staff import access, accounts, audit, own_account, password_reset, security

ROOT = "/staff"


def init_app(app: Flask, public: Flask, babel: Babel) -> None:
    """Adds the pages for staff; style and scripts are the files that the public application serves."""
    for name in ("asset", "theme", "icon"):
        app.jinja_env.globals[name] = public.jinja_env.globals[name]
    app.config["APPLICATION_ROOT"] = ROOT
    app.extensions["tocsin_public"] = public
    time_limit.init_app(app, time_limit.STAFF_SECONDS)
    headers.init_app(app)
    errors.init_app(app, "staff/error.html")
    access.init_app(app)
    security.init_app(app)
    access.guard(app)
    locale.init_app(app, babel)
    for part in (
        own_account,
        announcement,
        appeal_counts,
        audit,
        dashboard,
        lifecycle,
        bulk_entries,
        export,
        appeal_facts,
        handover,
        message_previews,
        mail_status,
        moderation,
        new_domains,
        signer_mail,
        accounts,
        editor,
        reported,
        erased,
        password_reset,
        section,
        paper_sheet,
        signer,
        funnel,
        target,
        text,
    ):
        app.register_blueprint(part.blueprint)
