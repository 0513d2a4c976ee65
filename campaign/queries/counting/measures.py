"""Figures of the whole campaign for `/metrics`. Each figure is read by one statement."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.signing.signature import SignatureState
from campaign.models import Appeal, Signature, SignUp, Tally
from campaign.platform import db


@dataclass(frozen=True, slots=True)
class Measures:
    """Appeals and signatures by state, actions by channel and evidence. Confirmed signatures come from the tally."""

    appeals: dict[str, int]
    signatures: dict[str, int]
    actions: dict[tuple[str, str], int]


def measures() -> Measures:
    """Return the current figures. No statement reads all confirmed signatures."""
    appeals = {state: int(number) for state, number in db.session.execute(_APPEALS)}
    actions = {(channel, evidence): int(number) for channel, evidence, number in db.session.execute(_ACTIONS)}
    signatures = {SignatureState.CONFIRMED.value: actions.get((Channel.SIGNATURE.value, Evidence.VERIFIED.value), 0)}
    signatures[SignatureState.PENDING.value] = int(db.session.execute(_PENDING).scalar_one())
    ended = {state: int(number) for state, number in db.session.execute(_ENDED)}
    for state in (SignatureState.WITHDRAWN, SignatureState.INVALIDATED):
        signatures[state.value] = ended.get(state.value, 0)
    return Measures({state.value: appeals.get(state.value, 0) for state in AppealState}, signatures, actions)


_APPEALS = select(Appeal.state, func.count()).group_by(Appeal.state)
_ACTIONS = select(Tally.channel, Tally.evidence, func.sum(Tally.quantity)).group_by(Tally.channel, Tally.evidence)
# The conditions have the same words as those of the partial indexes: otherwise SQLite does not use the indexes.
_PENDING = select(func.count()).select_from(SignUp).where(SignUp.signature_id.is_(None))
_ENDED = (
    select(Signature.state, func.count())
    .where(text("signature.state IN ('withdrawn', 'invalidated')"))
    .group_by(Signature.state)
)
