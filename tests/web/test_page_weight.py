"""The first visit to an appeal: all files and headers that a browser fetches fit into one round trip.

TCP sends 14 KB before it waits for an answer (RFC 6928: ten segments).
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.cli.demo import SAMPLE
from campaign.config import LOCALES, ROOT
from campaign.document import parse_document
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import START, context

MAX_BYTES = 14 * 1024


def _fetched_addresses(page: str) -> list[str]:
    """Return the addresses of styles, scripts and pictures."""
    links = re.findall(r'<link rel="(?:stylesheet|icon)" href="((?!data:)[^"]+)"', page)
    return links + re.findall(r'<(?:script|img)[^>]* src="([^"]+)"', page)


@pytest.fixture
def appeal(app: Flask) -> AppealView:
    """Return the sample appeal, which has the length of a real one."""
    for language in ("fr", "en"):
        file = f"{SAMPLE}.{language}.md"
        draft = parse_document((ROOT / "examples" / file).read_bytes(), file)
        import_draft(draft, ImportOptions(slug=SAMPLE, deadline=(START + timedelta(days=60)).date()), context=context())
    publish(SAMPLE, context=context())
    found = find_appeal(SAMPLE)
    assert found is not None
    db.session.rollback()
    return found


@pytest.mark.parametrize("coding", ["br", "gzip"])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_first_visit_fits_into_one_round_trip(
    client: FlaskClient, appeal: AppealView, locale: str, coding: str
) -> None:
    path = f"/{locale}/appeals/{SAMPLE}"
    found = _fetched_addresses(client.get(path).text)
    assert any(address.endswith("tocsin.css") for address in found)
    assert all(address.startswith("/static/") for address in found), "no file of a third party"
    weight = 0
    for address in (path, *found):
        answer = client.get(address, headers={"Accept-Encoding": coding})
        assert answer.status_code == 200
        weight += len(answer.data) + len(str(answer.headers))
    assert weight <= MAX_BYTES, weight
