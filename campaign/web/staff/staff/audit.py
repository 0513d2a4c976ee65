"""The audit log, for those who administer."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from campaign.domain.staff.actor import ActorKind
from campaign.domain.staff.roles import Permission
from campaign.queries.staff.audit import PAGE, audit_log
from campaign.web.staff.staff.access import needs, scope

# A command and an entry that does not say it: the server.
ACTORS = {ActorKind.SUPPORTER: lazy_gettext("a supporter"), ActorKind.SYSTEM: lazy_gettext("a periodic job")}
blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@needs(Permission.ADMINISTER)
def show() -> ResponseReturnValue:
    """Show the audit log: actor, act, subject and time, the newest first."""
    typed = request.args.get("before", "")
    before = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else None
    entries = audit_log(scope(), before=before)
    older = entries[-1].id if len(entries) == PAGE and entries[-1].id > 1 else None
    return render_template("staff/staff/audit.html", entries=entries, older=older, ACTORS=ACTORS)
