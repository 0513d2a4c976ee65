"""What the pages on which appeals are prepared have in common: who works, on what, and two editors at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import abort, request

from campaign.domain.appeal import AppealState
from campaign.extensions.runtime import runtime
from campaign.queries.dossier import Dossier, find_dossier
from campaign.services.desk import Desk
from campaign.web.staff.access import scope

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merge:
    """What the form shows after somebody else was quicker: its values, and what others wrote beside some of them."""

    values: Values
    theirs: Values


def desk() -> Desk:
    """Who works, for services."""
    at = runtime()
    return Desk(scope(), at.vault, at.mail_domain, at.settings.base_url)


def found(slug: str) -> Dossier:
    """The appeal, for anybody of the staff; 404 where there is none."""
    return find_dossier(slug) or abort(404)


def editable(slug: str) -> Dossier:
    """The appeal, for those who work on it, while it can be changed; else 404."""
    dossier = found(slug)
    has_ended = dossier.appeal.state in {AppealState.CLOSED, AppealState.STOPPED}
    if has_ended or not scope().works_on(dossier.section):
        abort(404)
    return dossier


def as_seen(values: Values) -> str:
    """What the form was made from, to come back with it."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def seen() -> Values:
    """What the person had before them when they began to type; nothing where that came back damaged."""
    try:
        values = json.loads(request.form.get("seen", ""))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def merge(typed: Values, before: Values, current: Values) -> Merge:
    """Brings two people's changes together, without losing either.

    What this person left alone becomes what the others made of it; where both changed the same, both are shown.
    """
    values, theirs = dict(typed), {}
    for name in typed:
        if name not in current or current[name] == before.get(name) or current[name] == typed[name]:
            continue
        theirs[name] = current[name]
        if typed[name] == before.get(name):
            values[name] = current[name]
    return Merge(values, theirs)
