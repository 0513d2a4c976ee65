"""Suppressed addresses: recognised in any spelling, stored as a digest only, and usable again once lifted."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.signing.address import parse_address
from campaign.models import Suppression
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.services.outbox.suppression import lift_suppression, suppress, suppression_reason
from tests.conftest import START, context


def test_an_address_is_suppressed_once_and_can_be_lifted(app: Flask) -> None:
    vault = runtime().vault
    address = parse_address("Jo.Hn@mail.example")
    for reason in (SuppressionReason.REFUSED, SuppressionReason.BOUNCED):
        with transaction() as session:
            suppress(session, address, reason, now=START, vault=vault)
    assert db.session.scalars(select(Suppression.reason)).all() == ["refused"]
    assert suppression_reason(db.session(), parse_address("jo.hn@MAIL.example"), vault) == "refused"
    assert suppression_reason(db.session(), parse_address("john@mail.example"), vault) is None
    assert lift_suppression(address, context=context(vault=vault))
    assert not lift_suppression(address, context=context(vault=vault))
    assert suppression_reason(db.session(), address, vault) is None
