"""Access to a published appeal for staff pages about counts and signers, which a draft does not have."""

from __future__ import annotations

from flask import abort

from campaign.domain.appeals.appeal import AppealState
from campaign.queries.appeals.appeal import AppealView, find_appeal


def published_appeal(slug: str) -> AppealView:
    """Return the appeal; answer 404 if there is no such appeal or it is a draft."""
    appeal = find_appeal(slug)
    if appeal is None or appeal.state == AppealState.DRAFT:
        abort(404)
    return appeal
