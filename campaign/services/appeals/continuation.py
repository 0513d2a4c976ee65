"""Which appeal an appeal follows: the one with the same reference and the next lower sequence, once it is known."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.errors import ConflictError, InputError
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.access import admit, note
from campaign.services.appeals.lifecycle import find

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
        for follower in session.scalars(later.with_for_update(**NO_KEY_UPDATE)):
            if _before(session, follower) is appeal:
                follower.follows_id = appeal.id
                follower.revision += 1
    return followed


def follow(slug: str, followed: str | None, *, context: Context, seen: str | None = None) -> None:
    """Says which appeal this one follows, or (None) that it follows none; in whatever state it is.

    `seen` is what it followed when the writer began ("": none): what a colleague has chosen since is not overwritten.
    Raises NotFoundError, InputError (`follows`: itself, or one that follows it), ConflictError (`follows`).
    """
    with transaction() as session:
        appeal = find(session, slug)
        admit(context, appeal)
        earlier = None
        if followed:
            earlier = session.scalars(select(Appeal).where(Appeal.slug == followed)).one_or_none()
            if earlier is None:
                raise InputError("follows", "unknown", f"there is no appeal {followed}")
            one: Appeal | None = earlier
            while one is not None:
                if one is appeal:
                    raise InputError("follows", "circle", f"{followed} follows {slug} itself")
                one = session.get(Appeal, one.follows_id) if one.follows_id else None
        before = session.scalar(select(Appeal.slug).where(Appeal.id == appeal.follows_id))
        after = None if earlier is None else earlier.slug
        if before == after:
            return
        if seen not in {None, before or ""}:
            raise ConflictError({"follows": before or ""})
        appeal.follows_id = None if earlier is None else earlier.id
        appeal.revision += 1
        note(session, "appeal.follow", appeal, context=context, before={"follows": before}, after={"follows": after})


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
