"""Confirmed signatures for tests, made by the services as the site makes them."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaign.domain.signing.address import parse_address
from campaign.domain.staff.actor import SUPPORTER
from campaign.queries.appeals.appeal import AppealView
from campaign.services.signing.store_sign_up import SignUpRequest, sign
from tests.conftest import START, confirm_newest, context


def sign_and_confirm(
    appeal: AppealView,
    name: str,
    email: str,
    section: str = "fr",
    *,
    at: datetime = START,
    network: bytes | None = None,
) -> int:
    """Sign and confirm; return the signature's id."""
    sign_up = SignUpRequest(
        appeal.id, section, "FR", name, parse_address(email), "en", "en", 1, None, network_digest=network
    )
    sign(sign_up, context=context(at, SUPPORTER))
    return confirm_newest(at)


def sign_numbered(
    appeal: AppealView, name: str, number: int, section: str = "fr", *, shares: bool = False, version: int = 1
) -> int:
    """Sign as `p<number>@mail.example` and confirm; return the signature's id. Even numbers subscribe to updates."""
    address = parse_address(f"p{number}@mail.example")
    sign_up = SignUpRequest(appeal.id, section, "FR", name, address, "en", "en", version, None)
    sign(sign_up, context=context(actor=SUPPORTER))
    return confirm_newest(START + timedelta(minutes=5), updates=number % 2 == 0, shares_name=shares)
