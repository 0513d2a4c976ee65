"""Small numbers in the funnel: no number on staff pages changes when one person confirms."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.counting.small_cells import SMALLEST_SHOWN, rounded
from campaign.domain.staff.roles import Role
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import Postbox, clear_caches, form
from tests.staff.staff_clients import staff_client

URL = "/en/appeals/ana-ruiz-vega/sign"
FUNNEL_PAGE = "/staff/appeals/ana-ruiz-vega/funnel"
TABLES = ("stages", "providers", "waits", "sources")
FUNNEL_PATHS = [
    "",
    *(f"/{funnel_rows}.csv" for funnel_rows in TABLES),
    *(f"/{funnel_rows}.svg" for funnel_rows in TABLES[1:]),
]

# Random parts of each page: the form's token, and the name of a chart.
RANDOM_PARTS = re.compile(r'value="[\w.-]{60,}"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}')

Confirm = Callable[[str], None]


@pytest.fixture
def confirm(client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox) -> Confirm:
    """Return a function that signs with an address and confirms by the mailed link."""

    def sign_and_confirm(email: str) -> None:
        client.post(URL, data=form(email=email, via="probe"))
        deliver()
        client.post(postbox.link(postbox.recipients.index(email)))
        deliver()

    return sign_and_confirm


def funnel_texts(app: Flask, desk: FlaskClient) -> dict[str, str]:
    clear_caches(app)
    return {place: RANDOM_PARTS.sub("", desk.get(f"{FUNNEL_PAGE}{place}").text) for place in FUNNEL_PATHS}


def funnel_rows(app: Flask, desk: FlaskClient, name: str) -> list[dict[str, str]]:
    clear_caches(app)
    return list(csv.DictReader(io.StringIO(desk.get(f"{FUNNEL_PAGE}/{name}.csv").text.lstrip("\ufeff"))))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COORDINATOR])
def test_no_page_changes_when_one_person_confirms(
    app: Flask, client: FlaskClient, confirm: Confirm, deliver: Callable[[], object], postbox: Postbox, role: Role
) -> None:
    """Attack: compute the hidden number of one provider or source as the total less all others."""
    for number in range(SMALLEST_SHOWN + 1):
        confirm(f"a{number}@gmail.com")
    client.post(URL, data=form(email="somebody@laposte.net", via="stall"))
    deliver()
    desk = staff_client(app, role)
    desk.get("/staff/")  # shows a welcome once
    before = funnel_texts(app, desk)
    client.post(postbox.link(postbox.recipients.index("somebody@laposte.net")))
    deliver()
    assert funnel_texts(app, desk) == before


def test_larger_numbers_are_rounded_to_steps(app: Flask, confirm: Confirm) -> None:
    desk = staff_client(app, Role.VIEWER)
    for number in range(SMALLEST_SHOWN - 1):
        confirm(f"a{number}@gmail.com")
    for name in TABLES:
        for row in funnel_rows(app, desk, name):
            answer = row.get("confirmed", row.get("quantity", "")) if row.get("step") != "signed" else ""
            assert answer == "", (name, row)
    confirm("last@gmail.com")
    (provider,), (source,) = funnel_rows(app, desk, "providers"), funnel_rows(app, desk, "sources")
    assert (provider["confirmed"], source["confirmed"], source["source"]) == ("5", "5", "probe")
    assert {row["step"]: row["quantity"] for row in funnel_rows(app, desk, "stages")} == {
        "signed": "5",
        "confirmed": "5",
    }
    assert [row["quantity"] for row in funnel_rows(app, desk, "waits") if row["quantity"]] == ["5"]
    page = funnel_texts(app, desk)[""]
    assert "rounded down to a multiple of 5" in page
    assert "under 5" in page, "the number of those who waited longer"


def test_numbers_are_rounded_down() -> None:
    assert [rounded(number) for number in (0, 1, 4, 5, 9, 10, 1234)] == [0, 0, 0, 5, 5, 10, 1230]
