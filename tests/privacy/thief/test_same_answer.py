"""The answer to a form: its bytes and database statements are the same for every state of the address.

`make attack` measures the response times; this module compares the statements that cause them.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from campaign.domain.outbox.mail_state import SuppressionReason
from campaign.domain.signing.address import parse_address
from campaign.models import Mail, Signature, SignUp
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.person import digests_of_address
from campaign.services.outbox.suppression import suppress
from campaign.web.caching import data_cache
from tests.conftest import Postbox, form
from tests.platform.statements import recorded_statements

URL = "/en/appeals/ana-ruiz-vega/sign"
STATES = ("new", "pending", "confirmed", "withdrawn", "erased", "suppressed", "invalidated")


@pytest.fixture
def addresses(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return an address by state, and keep cached data fresh, so that it does not expire meanwhile."""
    monkeypatch.setattr(data_cache, "MAX_AGE", 600.0)
    found = {state: f"{state}@mail.example" for state in STATES}
    for state in STATES[1:]:
        client.post(URL, data=form(email=found[state]))
    deliver()
    links = dict(zip(postbox.recipients, range(len(postbox.messages)), strict=True))
    for state in ("confirmed", "withdrawn", "erased", "invalidated"):
        act = client.post(postbox.link(links[found[state]])).location
        if state in {"withdrawn", "erased"}:
            do = "withdraw" if state == "withdrawn" else "erase"
            client.post(act.replace("/act", "/me"), data={"signature": "all", "do": do})
    vault = runtime().vault
    with transaction() as session:
        address = parse_address(found["suppressed"])
        suppress(session, address, SuppressionReason.REFUSED, now=runtime().clock(), vault=vault)
        digests = digests_of_address(session, parse_address(found["invalidated"]), vault)
        session.execute(update(Signature).where(Signature.address_digest.in_(digests)).values(state="invalidated"))
    return found


@pytest.mark.parametrize("path", [URL, "/embed/ana-ruiz-vega?lang=en", "/en/new-link"])
def test_the_same_statements_and_the_same_bytes_for_every_address(
    client: FlaskClient, addresses: dict[str, str], path: str
) -> None:
    seen: dict[str, Any] = {}
    client.post(path, data=form(email="first@mail.example"))  # so that the process has cached its data
    for state, email in addresses.items():
        with recorded_statements() as said:
            answer = client.post(path, data=form(email=email))
        headers = sorted(pair for pair in answer.headers if not pair[0].startswith("X-RateLimit"))
        seen[state] = (answer.status_code, answer.data, headers, said)
    assert seen["new"][0] == 303
    assert [state for state in STATES if seen[state] != seen["new"]] == []
    assert len(seen["new"][3]) <= 5


def test_confirmed_signatures_stay_unchanged(
    client: FlaskClient, addresses: dict[str, str], deliver: Any, postbox: Postbox
) -> None:
    def stored_signatures() -> list[Any]:
        db.session.rollback()
        kept = Signature.state.in_(["confirmed", "invalidated"])
        columns = [column for column in Signature.__table__.columns]  # noqa: C416  a collection of its own kind
        return list(db.session.execute(select(*columns).where(kept).order_by(Signature.id)))

    before = stored_signatures()
    for email in addresses.values():
        client.post(URL, data=form(email=email, name="Somebody Else", country="DE", updates="y"))
    assert stored_signatures() == before
    mailed = len(postbox.recipients)
    deliver()
    assert addresses["invalidated"] not in postbox.recipients[mailed:]
    assert stored_signatures() == before
    vault, appeal_id = runtime().vault, db.session.scalars(select(SignUp.appeal_id).limit(1)).one()
    digest = vault.waiting_digest(vault.address_digest(appeal_id, parse_address(addresses["invalidated"])))
    assert db.session.scalars(select(SignUp.id).where(SignUp.address_digest == digest)).one()
    reasons = db.session.scalars(select(Mail.detail).where(Mail.state == "suppressed")).all()
    # The earlier thank-you mails. No row links them to the answer to the form, which was not sent either.
    assert reasons.count("the signature is invalidated") == 1
