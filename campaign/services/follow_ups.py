"""Which appeal an appeal follows: the one with the same reference and the next lower sequence, once it is known."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.models import Appeal

_INDEX = re.compile(r"([a-z]{3})\s?(\d{2})/(\d{2,6})/(\d{4}|\d{2})(?!\d)", re.IGNORECASE)


def link(session: Session, appeal: Appeal) -> Appeal | None:
    """Links an imported appeal to the one it follows, and later ones to it; returns what it follows since now.

    Documents come in any order, so that a follow-up may be known before what it follows. A link once made stays: staff
    may have chosen it.
    """
    followed = None
    if appeal.follows_id is None:
        followed = _before(session, appeal)
        if followed is not None:
            appeal.follows_id = followed.id
    if appeal.reference is not None:
        later = select(Appeal).where(
            Appeal.reference == appeal.reference, Appeal.sequence > appeal.sequence, Appeal.follows_id.is_(None)
        )
        for follower in session.scalars(later.with_for_update()):
            if _before(session, follower) is appeal:
                follower.follows_id = appeal.id
                follower.revision += 1
    return followed


def _before(session: Session, appeal: Appeal) -> Appeal | None:
    """The appeal that this one follows: by its reference, else by the index in the link to its previous document."""
    if appeal.sequence > 1 and appeal.reference is not None:
        earlier = select(Appeal).where(
            Appeal.reference == appeal.reference, Appeal.sequence < appeal.sequence, Appeal.id != appeal.id
        )
        found = session.scalars(earlier.order_by(Appeal.sequence.desc(), Appeal.id).limit(1)).one_or_none()
        if found is not None:
            return found
    index = _INDEX.search(appeal.previous or "")
    if index is None:
        return None
    name = f"{index[1].upper()} {index[2]}/{index[3]}/{index[4]}"
    named = select(Appeal).where(Appeal.document_index == name, Appeal.id != appeal.id)
    return session.scalars(named.order_by(Appeal.id).limit(1)).one_or_none()
