"""Sample signers are counted like real ones: each once, over sections and days."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign.cli.demo import SAMPLE, SAMPLE_HISTORY, prepare_sample, prepare_signers
from campaign.models import Mail, Signature
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import find_appeal
from campaign.queries.counting.counts import counts, daily_counts
from campaign.queries.sections.section import list_sections
from campaign.services.counting.verify import verify_counts
from tests.conftest import START, clear_caches


def test_sample_signers_are_counted_over_sections_and_days(app: Flask, client: FlaskClient) -> None:
    prepare_sample(runtime(), SAMPLE_HISTORY)
    prepare_signers(runtime(), 300)
    appeal = find_appeal(SAMPLE)
    assert appeal is not None
    assert appeal.opened_at == START - SAMPLE_HISTORY
    current_counts = counts(appeal.id)
    assert current_counts.signatures == 300
    assert set(current_counts.by_section) == {section.code for section in list_sections() if section.countries}
    assert {"email", "letter", "fax"} <= set(current_counts.by_channel)
    assert len(daily_counts(appeal.id)) > 15
    assert verify_counts() == []
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0
    clear_caches(app)
    assert client.get(f"/en/appeals/{SAMPLE}/progress").status_code == 200


def test_sample_signers_are_added_up_to_the_number(app: Flask) -> None:
    prepare_sample(runtime(), timedelta(days=1))
    for number in (20, 20, 50):
        prepare_signers(runtime(), number)
    appeal = find_appeal(SAMPLE)
    assert appeal is not None
    assert counts(appeal.id).signatures == 50
    assert verify_counts() == []
    assert db.session.scalar(select(func.count(func.distinct(Signature.address_digest)))) == 50
