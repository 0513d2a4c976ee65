"""The counts API, version 1: JSON for other sites and the progress page."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Flask, Response, abort, request, url_for

from campaign.domain.appeals.appeal import AppealState, days_left
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import Counts
from campaign.web.caching.data_cache import data_cache
from campaign.web.caching.page_cache import page_cache
from campaign.web.http.headers import CROSS_ORIGIN_HEADERS
from campaign.web.http.locale import absolute_url

TIME_ZONE = "UTC"
_JSON = "application/json"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


def init_app(app: Flask) -> None:
    """Register the API."""
    app.register_blueprint(blueprint)


@blueprint.get("/appeals")
def appeals() -> Response:
    """Return the open appeals, the nearest deadline first; with `state=closed` the ended ones, the newest end first.

    Ended appeals come in pages of fifty; `next` is the address of the following page, or null. They include stopped
    ones, and each has its state, end and outcome. 400 for another state, 404 for a page behind the last.
    """
    state = request.args.get("state", AppealState.OPEN.value)
    if state == AppealState.CLOSED:
        return _ended_appeals()
    if state != AppealState.OPEN:
        abort(400)
    open_appeals = [listed.appeal for listed in data_cache().open_appeals()]
    appeals_with_counts = [(appeal, data_cache().counts(appeal)) for appeal in open_appeals]
    now = runtime().clock()
    version = (
        tuple((appeal.id, appeal.revision, counts.cells) for appeal, counts in appeals_with_counts),
        now.replace(microsecond=0),
    )

    def body() -> str:
        return json.dumps({"appeals": [_appeal_json(appeal, counts) for appeal, counts in appeals_with_counts]})

    return page_cache().answer("api", version, body, content_type=_JSON, headers=CROSS_ORIGIN_HEADERS)


def _ended_appeals() -> Response:
    """Return the page of ended appeals that the query names."""
    page_number = request.args.get("page", "1")
    page = (
        data_cache().ended_page(int(page_number))
        if page_number.isascii() and page_number.isdigit() and len(page_number) < 9
        else None
    )
    if page is None:
        abort(404)
    next_path = url_for("api.appeals", state="closed", page=page.number + 1) if page.number < page.pages else None

    def body() -> str:
        return json.dumps(
            {
                "appeals": [
                    _appeal_json(ended.appeal, ended.counts)
                    | {
                        "ended_at": ended.appeal.ended_at.strftime(_TIME_FORMAT) if ended.appeal.ended_at else None,
                        "outcome": ended.appeal.outcome,
                    }
                    for ended in page.appeals
                ],
                "next": absolute_url(next_path) if next_path else None,
            }
        )

    version = (
        tuple((ended.appeal.id, ended.appeal.revision, ended.counts.cells) for ended in page.appeals),
        next_path,
        _today(),
    )
    return page_cache().answer(
        ("api-ended", page.number), version, body, content_type=_JSON, headers=CROSS_ORIGIN_HEADERS
    )


@blueprint.get("/appeals/<slug>")
def appeal(slug: str) -> Response:
    """Return one published appeal and its counts."""
    view = data_cache().appeal(slug)
    if view is None or view.state == AppealState.DRAFT:
        abort(404)
    counts = data_cache().counts(view)
    version = (view.revision, counts.cells, _today())
    return page_cache().answer(
        ("api", slug),
        version,
        lambda: json.dumps(_appeal_json(view, counts)),
        content_type=_JSON,
        headers=CROSS_ORIGIN_HEADERS,
    )


def _appeal_json(appeal: AppealView, counts: Counts) -> dict[str, Any]:
    """Return one appeal in the API's form.

    `days_left` counts in `time_zone`, and is 0 once the appeal has ended, whatever its deadline. `updated_at` is the
    time of this answer.
    """
    now = runtime().clock()
    return {
        "slug": appeal.slug,
        "reference": appeal.reference,
        "country": appeal.country,
        "state": appeal.state,
        "deadline": appeal.deadline.isoformat() if appeal.deadline else None,
        "days_left": days_left(appeal.deadline, now.date(), is_open=appeal.is_open),
        "goal": appeal.goal,
        "time_zone": TIME_ZONE,
        "counts": {
            "total": counts.total,
            "signatures": counts.signatures,
            "by_evidence": counts.by_evidence,
            "by_channel": counts.by_channel,
            "by_section": {
                code: {"total": section.total, "by_channel": section.by_channel, "by_evidence": section.by_evidence}
                for code, section in counts.by_section.items()
            },
        },
        "updated_at": now.strftime(_TIME_FORMAT),
    }


def _today() -> str:
    return runtime().clock().date().isoformat()
