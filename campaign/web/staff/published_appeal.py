"""The appeal that a page of staff is about, where it has been published: a draft has no counts and no signers."""

from __future__ import annotations

from flask import abort

from campaign.domain.appeals.appeal import AppealState
from campaign.queries.appeals.appeal import AppealView, find_appeal


def published_appeal(slug: str) -> AppealView:
    """Return the appeal; answer 404 where there is none, or it is a draft."""
    appeal = find_appeal(slug)
    if appeal is None or appeal.state == AppealState.DRAFT:
        abort(404)
    return appeal
