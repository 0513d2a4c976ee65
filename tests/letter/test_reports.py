"""Reports of “I sent it”: counted for the right section, once, within limits, and not after the end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.models import Action
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.counting.verify import verify_counts
from tests.conftest import START, Clock, form
from tests.letter.pages import ACT_PAGE, act_page_mailed_at


def test_reporting_without_a_signature_needs_a_country_and_is_counted_for_its_section(
    client: FlaskClient, bilingual_appeal: AppealView
) -> None:
    refused_answer = client.post(ACT_PAGE, data={"channel": "fax", "target": "1"})
    assert refused_answer.status_code == 422
    assert 'id="country-wrong"' in refused_answer.text
    done = client.post(ACT_PAGE, data={"channel": "fax", "target": "1", "country": "FR", "lang": "fr", "form": "f"})
    assert done.status_code == 303
    assert re.fullmatch(
        re.escape(f"{ACT_PAGE}?lang=fr&country=FR&form=f&done=fax-1.") + r"\d+\.[\w-]{12}#fax", done.location
    )
    assert "Counted, thank you." in client.get(done.location).text
    db.session.rollback()
    current_counts = counts(bilingual_appeal.id)
    assert current_counts.by_evidence == {"verified": 0, "reported": 1, "bulk": 0}
    assert current_counts.by_section["fr"].by_channel == {"fax": 1}
    assert verify_counts() == []
    row = db.session.scalars(select(Action)).one()
    assert (row.signature_id, row.target, row.happened_on) == (None, 1, START.date())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "signature"),
        ("channel", "event"),
        ("channel", "x"),
        ("target", "9"),
        ("target", "-1"),
        ("target", "٣"),
    ],
)
def test_an_impossible_report_is_refused(
    client: FlaskClient, bilingual_appeal: AppealView, field: str, value: str
) -> None:
    client.post(ACT_PAGE, data={"channel": "email", "target": "1", "country": "FR", field: value})
    db.session.rollback()
    assert counts(bilingual_appeal.id).total == 0


def test_reports_of_one_network_are_limited(client: FlaskClient, appeal: AppealView) -> None:
    codes = [client.post(ACT_PAGE, data={"channel": "email", "country": "FR"}).status_code for _ in range(45)]
    assert codes == [303] * 40 + [429] * 5
    db.session.rollback()
    assert counts(appeal.id).by_evidence["reported"] == 40
    assert client.post("/en/appeals/ana-ruiz-vega/sign", data=form()).status_code == 303


def test_reports_after_the_end_are_refused(
    client: FlaskClient, appeal: AppealView, act_page: str, clock: Clock
) -> None:
    clock.now = START.replace(month=4, day=13, hour=12)
    assert client.get(act_page).status_code == 410, "a month after it was mailed"
    assert client.post(act_page_mailed_at(clock.now), data={"channel": "letter", "target": "1"}).status_code == 303
    clock.now = START.replace(month=4, day=15)
    client.post(act_page_mailed_at(clock.now), data={"channel": "letter", "target": "1"})
    client.post(ACT_PAGE, data={"channel": "email", "country": "FR"})
    db.session.rollback()
    assert counts(appeal.id).by_evidence == {"verified": 1, "reported": 1, "bulk": 0}


def test_a_channel_reported_today_has_no_button(client: FlaskClient, act_page: str, clock: Clock) -> None:
    client.post(act_page, data={"channel": "letter", "target": "1"})
    assert client.get(act_page).text.count('name="channel" value="letter"') == 0
    clock.now += timedelta(days=1)
    assert client.get(act_page).text.count('name="channel" value="letter"') == 1


def test_no_page_thanks_for_an_uncounted_report(
    client: FlaskClient, bilingual_appeal: AppealView, clock: Clock
) -> None:
    for made_up in ("fax-1", "fax-1.94000.AAAAAAAAAAAA", "fax-1.x.y", "fax-1..", "é.1.é", "fax-1." + "9" * 5000 + ".A"):
        assert "Counted" not in client.get(ACT_PAGE, query_string={"country": "FR", "done": made_up}).text, made_up
    done = client.post(ACT_PAGE, data={"channel": "fax", "target": "1", "country": "FR"}).location
    assert "Counted, thank you." in client.get(done).text
    assert "Counted" not in client.get(done.replace("done=fax-1", "done=letter-1")).text
    clock.now += timedelta(hours=2)
    assert "Counted" not in client.get(done).text, "a link that was shared later"
