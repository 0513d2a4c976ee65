"""The counts API, version 1: JSON that other sites and the progress page read."""

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
from campaign.web.http.locale import absolute

TIME_ZONE = "UTC"
_JSON = "application/json"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
# Any site may read the counts.
_OPEN = (("Access-Control-Allow-Origin", "*"), ("Cross-Origin-Resource-Policy", "cross-origin"))
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


def init_app(app: Flask) -> None:
    """Registers the API."""
    app.register_blueprint(blueprint)


@blueprint.get("/appeals")
def appeals() -> Response:
    """The open appeals, the nearest deadline first; with `state=closed` those that have ended, the newest end first.

    The ended ones come by pages of fifty: `next` is the address of the following page, or null. Among them are stopped
    ones; each says its state, when it ended and what became of it. Another state is 400, a page behind the last 404.
    """
    state = request.args.get("state", AppealState.OPEN.value)
    if state == AppealState.CLOSED:
        return _ended()
    if state != AppealState.OPEN:
        abort(400)
    listed = [one.appeal for one in data_cache().open()]
    counted = [(appeal, data_cache().counts(appeal)) for appeal in listed]
    now = runtime().clock()
    version = (tuple((one.id, one.revision, counts.cells) for one, counts in counted), now.replace(microsecond=0))

    def body() -> str:
        return json.dumps({"appeals": [_appeal(one, counts) for one, counts in counted]})

    return page_cache().answer("api", version, body, kind=_JSON, instead=_OPEN)


def _ended() -> Response:
    asked = request.args.get("page", "1")
    page = data_cache().ended(int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 9 else None
    if page is None:
        abort(404)
    onward = url_for("api.appeals", state="closed", page=page.number + 1) if page.number < page.pages else None

    def body() -> str:
        return json.dumps(
            {
                "appeals": [
                    _appeal(one.appeal, one.counts)
                    | {
                        "ended_at": one.appeal.ended_at.strftime(_MOMENT) if one.appeal.ended_at else None,
                        "outcome": one.appeal.outcome,
                    }
                    for one in page.appeals
                ],
                "next": absolute(onward) if onward else None,
            }
        )

    version = (tuple((one.appeal.id, one.appeal.revision, one.counts.cells) for one in page.appeals), onward, _today())
    return page_cache().answer(("api-ended", page.number), version, body, kind=_JSON, instead=_OPEN)


@blueprint.get("/appeals/<slug>")
def appeal(slug: str) -> Response:
    """One published appeal and its counts."""
    found = data_cache().appeal(slug)
    if found is None or found.state == AppealState.DRAFT:
        abort(404)
    counts = data_cache().counts(found)
    version = (found.revision, counts.cells, _today())
    return page_cache().answer(
        ("api", slug), version, lambda: json.dumps(_appeal(found, counts)), kind=_JSON, instead=_OPEN
    )


def _appeal(appeal: AppealView, counts: Counts) -> dict[str, Any]:
    """Return one appeal as the API gives it.

    `days_left` counts in `time_zone` and is 0 once the appeal has ended, whatever its deadline; `updated_at` is when
    these counts were read.
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
                code: {"total": one.total, "by_channel": one.by_channel, "by_evidence": one.by_evidence}
                for code, one in counts.by_section.items()
            },
        },
        "updated_at": now.strftime(_MOMENT),
    }


def _today() -> str:
    return runtime().clock().date().isoformat()
