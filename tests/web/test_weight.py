"""The first visit to an appeal over a bad connection: all that a browser fetches, headers too, in one round trip.

14 KB is what TCP sends before it waits for an answer (RFC 6928: ten segments).
"""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from campaign.config import LOCALES
from campaign.queries.appeal import AppealView

MOST = 14 * 1024


def _fetched(page: str) -> list[str]:
    """The addresses of styles, scripts and pictures."""
    links = re.findall(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"', page)
    return links + re.findall(r'<(?:script|img)[^>]* src="([^"]+)"', page)


@pytest.mark.parametrize("coding", ["br", "gzip"])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_first_visit_fits_into_one_round_trip(
    client: FlaskClient, appeal: AppealView, locale: str, coding: str
) -> None:
    path = f"/{locale}/appeals/ana-ruiz-vega"
    found = _fetched(client.get(path).text)
    assert any(address.endswith("tocsin.css") for address in found)
    assert all(address.startswith("/static/") for address in found), "nothing of a third party"
    weight = 0
    for address in (path, *found):
        answer = client.get(address, headers={"Accept-Encoding": coding})
        assert answer.status_code == 200
        weight += len(answer.data) + len(str(answer.headers))
    assert weight <= MOST, weight
