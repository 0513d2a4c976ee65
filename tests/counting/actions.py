"""Counted actions for tests."""

from __future__ import annotations

from datetime import timedelta

from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.models import Action
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.tally import TallyCell, count
from tests.conftest import START


def count_action(
    appeal: AppealView, section: str, quantity: int, days_ago: int, channel: Channel = Channel.SIGNATURE
) -> None:
    """Store and count an action as the application does, that many days before START."""
    evidence = Evidence.VERIFIED if channel is Channel.SIGNATURE else Evidence.REPORTED
    cell, at = TallyCell(appeal.id, section, channel, evidence), START - timedelta(days=days_ago)
    with transaction() as session:
        session.add(Action(**cell.as_columns(), quantity=quantity, target=0, happened_on=at.date(), counted_at=at))
        count(session.connection(), cell, at, quantity)
