"""Links between the appeals of a case: an appeal follows the one with its reference and the next lower sequence."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaign.domain.errors import ConflictError, InputError
from campaign.models import Appeal
from campaign.platform.context import Context
from campaign.platform.database.locks import NO_KEY_UPDATE
from campaign.platform.database.transaction import transaction
from campaign.services.appeals.access import audit_change, require_access
from campaign.services.appeals.lifecycle import find_locked

_INDEX = re.compile(r"([a-z]{3})\s?(\d{2})/(\d{2,6})/(\d{4}|\d{2})(?!\d)", re.IGNORECASE)


def link(session: Session, appeal: Appeal) -> Appeal | None:
    """Link an imported appeal to the appeal it follows, and later appeals to it; return the appeal it now follows.

    Return None if it follows none, or has a link already: an existing link is not changed, because staff may have set
    it. Documents are imported in any order, so a follow-up may exist before the appeal that it follows.
    """
    followed = None
    if appeal.follows_id is None:
        followed = _find_earlier(session, appeal)
        if followed is not None:
            appeal.follows_id = followed.id
    if appeal.reference is not None:
        later = select(Appeal).where(
            Appeal.reference == appeal.reference, Appeal.sequence > appeal.sequence, Appeal.follows_id.is_(None)
        )
        for follower in session.scalars(later.with_for_update(**NO_KEY_UPDATE)):
            if _find_earlier(session, follower) is appeal:
                follower.follows_id = appeal.id
                follower.revision += 1
    return followed


def follow(slug: str, followed: str | None, *, context: Context, expected: str | None = None) -> None:
    """Set the slug of the appeal that this one follows, or None for no appeal. Allowed in every state.

    `expected` is the slug with which the form was opened ("": no appeal), so that a colleague's later change is not
    overwritten. Raises NotFoundError, InputError (`follows`: unknown, itself, or an appeal that follows it),
    ConflictError (`follows`: it has another value now).
    """
    with transaction() as session:
        appeal = find_locked(session, slug)
        require_access(context, appeal)
        earlier = None
        if followed:
            earlier = session.scalars(select(Appeal).where(Appeal.slug == followed)).one_or_none()
            if earlier is None:
                raise InputError("follows", "unknown", f"there is no appeal {followed}")
            ancestor: Appeal | None = earlier
            while ancestor is not None:
                if ancestor is appeal:
                    raise InputError("follows", "circle", f"{followed} follows {slug} itself")
                ancestor = session.get(Appeal, ancestor.follows_id) if ancestor.follows_id else None
        before = session.scalar(select(Appeal.slug).where(Appeal.id == appeal.follows_id))
        after = None if earlier is None else earlier.slug
        if before == after:
            return
        if expected not in {None, before or ""}:
            raise ConflictError({"follows": before or ""})
        appeal.follows_id = None if earlier is None else earlier.id
        appeal.revision += 1
        audit_change(
            session, "appeal.follow", appeal, context=context, before={"follows": before}, after={"follows": after}
        )


def _find_earlier(session: Session, appeal: Appeal) -> Appeal | None:
    """Return the appeal that this one follows by its documents; None if there is none.

    Search by reference and sequence, then by the document index in `previous`.
    """
    if appeal.sequence > 1 and appeal.reference is not None:
        earlier = select(Appeal).where(
            Appeal.reference == appeal.reference, Appeal.sequence < appeal.sequence, Appeal.id != appeal.id
        )
        by_reference = session.scalars(earlier.order_by(Appeal.sequence.desc(), Appeal.id).limit(1)).one_or_none()
        if by_reference is not None:
            return by_reference
    return find_previous(session, appeal.previous, excluded_id=appeal.id)


def find_previous(session: Session, previous: str | None, *, excluded_id: int | None = None) -> Appeal | None:
    """Return the appeal whose document index is in the link to the previous document; None if there is none."""
    index = _INDEX.search(previous or "")
    if index is None:
        return None
    name = f"{index[1].upper()} {index[2]}/{index[3]}/{index[4]}"
    named = select(Appeal).where(Appeal.document_index == name, Appeal.id.is_distinct_from(excluded_id))
    return session.scalars(named.order_by(Appeal.id).limit(1)).one_or_none()
