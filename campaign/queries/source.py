"""Where signatures came from: the tag in the link (`?via=stall-lyon`) that somebody followed before signing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from campaign.domain.signature import SignatureState
from campaign.extensions import db
from campaign.models import Signature


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """How many signed with that tag, and how many of them have confirmed."""

    source: str
    signed: int
    confirmed: int


def signatures_by_source(appeal_id: int, section_code: str | None = None) -> tuple[SourceCounts, ...]:
    """The tags of one appeal, of one section or all, the most signatures first."""
    confirmed = func.count().filter(Signature.state == SignatureState.CONFIRMED)
    chosen = select(Signature.via, func.count(), confirmed).where(
        Signature.appeal_id == appeal_id, Signature.via.is_not(None)
    )
    if section_code is not None:
        chosen = chosen.where(Signature.section_code == section_code)
    rows = db.session.execute(chosen.group_by(Signature.via).order_by(func.count().desc(), Signature.via))
    return tuple(SourceCounts(str(via), signed, sure) for via, signed, sure in rows)
