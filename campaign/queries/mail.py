"""What a message needs to know when it is rendered, and how the outbox stands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from campaign.domain.outbox import MailState
from campaign.extensions import db
from campaign.models import Mail


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How many mails are in each state, and the age in seconds of the oldest that is due."""

    by_state: dict[str, int]


def outbox_status() -> OutboxStatus:
    """The outbox at this moment, every state named."""
    found = {state: int(number) for state, number in db.session.execute(_BY_STATE)}
    return OutboxStatus({state.value: found.get(state.value, 0) for state in MailState})


_BY_STATE = select(Mail.state, func.count()).group_by(Mail.state)
