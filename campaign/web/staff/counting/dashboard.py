"""The dashboard: each open appeal with its counts, its pace and the projection to the deadline."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from campaign.domain.appeals.appeal import days_left, progress
from campaign.domain.staff.roles import Permission
from campaign.platform.runtime import runtime
from campaign.queries.counting.staff_counts import AppealSummary, appeal_summaries, ended_appeals
from campaign.queries.delivery.mail_status import queue_pause
from campaign.queries.moderation.moderation import alerts
from campaign.web.http.locale import current_locale
from campaign.web.http.proxies import EXTENSION, UnknownProxy
from campaign.web.staff.moderation.captions import ALERT_NAMES
from campaign.web.staff.sections.section_names import own_section
from campaign.web.staff.staff.access import needs, scope

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@needs(Permission.SEE_COUNTS)
def show() -> ResponseReturnValue:
    """Show the open appeals, recent alerts, and whether mail is paused."""
    now, section = runtime().clock(), own_section()
    summaries = appeal_summaries(scope(), time_zone=section.time_zone, now=now)
    return render_template(
        "staff/counting/dashboard.html",
        cards=[card_values(summary) for summary in summaries],
        section=section,
        ended=ended_appeals(),
        pause=queue_pause() if scope().may(Permission.COORDINATE) else None,
        alerts=alerts(now=now, within=timedelta(days=1)) if scope().may(Permission.EDIT) else (),
        alert_names=ALERT_NAMES,
        is_behind_unknown_proxy=scope().may(Permission.ADMINISTER) and _is_behind_unknown_proxy(),
    )


def _is_behind_unknown_proxy() -> bool:
    """Return whether this process has received a request through a proxy while TOCSIN_PROXIES is 0."""
    proxy: UnknownProxy | None = current_app.extensions["tocsin_public"].extensions.get(EXTENSION)
    return proxy is not None and proxy.is_seen


def card_values(summary: AppealSummary) -> dict[str, object]:
    """Return the values of an appeal's card, in the reader's language."""
    now, appeal = runtime().clock(), summary.appeal
    return {
        "summary": summary,
        "appeal": appeal,
        "text": appeal.text_in(current_locale()),
        "days_left": days_left(appeal.deadline, now.date(), is_open=appeal.is_open),
        "progress": progress(summary.signatures, appeal.goal, appeal.opened_at, appeal.deadline, now),
    }
