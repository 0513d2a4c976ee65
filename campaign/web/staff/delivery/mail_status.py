"""The state of mail for coordinators: counts by state, outcomes by domain, and failed mails."""

from __future__ import annotations

import json

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from campaign.domain.outbox.mail_state import MailState
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.delivery.mail_status import (
    FailedMailGroup,
    domain_outcomes,
    failed_mail_groups,
    outbox_for_staff,
    outbox_status,
    unsent_mail_groups,
)
from campaign.services.delivery.failed_mail import FailureReason, drop, retry
from campaign.web.http.locale import number
from campaign.web.staff.delivery.captions import MESSAGE_NAMES, PHASE_NAMES, STATE_NAMES, reason_words
from campaign.web.staff.staff.access import all_sections, needs, staff_context

blueprint = Blueprint("mail_status", __name__, url_prefix="/outbox")


@blueprint.get("")
@needs(Permission.COORDINATE)
def show() -> ResponseReturnValue:
    """Show the outbox of all sections."""
    return _page()


@blueprint.post("")
@needs(Permission.COORDINATE)
def retry_or_drop() -> ResponseReturnValue:
    """Retry or drop the chosen groups of mails. Ask for confirmation first, because neither can be undone."""
    act, chosen = request.form.get("do"), set(request.form.getlist("reason"))
    with all_sections():
        groups = [group for group in failed_mail_groups() if _group_key(group) in chosen]
    if act not in {"retry", "drop"} or not groups:
        return _page(gettext("Please choose what to try again or to drop.")), 422
    if request.form.get("sure") != "y":
        total = sum(group.number for group in groups)
        return _render("staff/delivery/drop_failed_mail.html", action=act, failed_groups=groups, total=total)
    context = staff_context()
    reasons = [FailureReason(group.state, group.kind, group.phase, group.code, group.detail) for group in groups]
    with all_sections():
        changed = retry(reasons, context=context) if act == "retry" else drop(reasons, context=context)
    if act == "retry":
        message = ngettext(
            "One mail will be tried again.", "%(count)s mails will be tried again.", changed, count=number(changed)
        )
    else:
        message = ngettext("One mail was dropped.", "%(count)s mails were dropped.", changed, count=number(changed))
    flash(message, "success")
    return redirect(url_for("mail_status.show"), 303)


def _page(fault: str | None = None) -> str:
    """Return the page about the outbox; `fault` is the error message of the form."""
    app_runtime = runtime()
    now = app_runtime.clock()
    with all_sections():
        status, failed_groups, not_sent = outbox_status(), failed_mail_groups(), unsent_mail_groups(now=now)
        domains, counts = domain_outcomes(app_runtime.vault, now=now), outbox_for_staff()
    return _render(
        "staff/delivery/mail_status.html",
        status=status,
        counts=counts,
        failed_groups=failed_groups,
        unsent=not_sent,
        domains=domains,
        fault=fault,
        reason_words=reason_words,
    )


def _render(template: str, **values: object) -> str:
    names = {"message_names": MESSAGE_NAMES, "state_names": STATE_NAMES, "phase_names": PHASE_NAMES}
    return render_template(
        template, group_key=_group_key, states=[state.value for state in MailState], **names, **values
    )


def _group_key(group: FailedMailGroup) -> str:
    """Return the value of a group's checkbox: its state, kind and reason as JSON."""
    return json.dumps([group.state, group.kind, group.phase, group.code, group.detail])
