"""The audit log, for administrators."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from campaign.domain.staff.actor import ActorKind
from campaign.domain.staff.roles import Permission
from campaign.queries.staff.audit import PAGE, audit_log
from campaign.web.staff.staff.access import needs, scope
from campaign.web.staff.staff_form import read_number

# The actors without an account. A command, and an entry without an actor, is shown as the server.
ACTOR_NAMES = {ActorKind.SUPPORTER: lazy_gettext("a supporter"), ActorKind.SYSTEM: lazy_gettext("a periodic job")}
blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@needs(Permission.ADMINISTER)
def show() -> ResponseReturnValue:
    """Show the audit log: actor, act, subject and time, the newest first."""
    entries = audit_log(scope(), before=read_number(request.args.get("before", "")))
    oldest_id = entries[-1].id if len(entries) == PAGE and entries[-1].id > 1 else None
    return render_template("staff/staff/audit.html", entries=entries, oldest_id=oldest_id, actor_names=ACTOR_NAMES)
