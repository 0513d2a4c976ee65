"""Small numbers in the tables of the funnel: no number that staff see changes when one person confirms."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.counting.small_cells import FEW, rounded
from campaign.domain.staff.roles import Role
from campaign.queries.appeals.appeal import AppealView
from tests.conftest import Postbox, clear_caches, form
from tests.staff.staff_clients import staffed

URL = "/en/appeals/ana-ruiz-vega/sign"
DESK = "/staff/appeals/ana-ruiz-vega/funnel"
TABLES = ("stages", "providers", "waits", "sources")
PLACES = ["", *(f"/{table}.csv" for table in TABLES), *(f"/{table}.svg" for table in TABLES[1:])]

# Drawn by lot for each page: the form's token, and the name of a chart.
DRAWN = re.compile(r'value="[\w.-]{60,}"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}')

Confirm = Callable[[str], None]


@pytest.fixture
def confirm(client: FlaskClient, appeal: AppealView, deliver: Callable[[], object], postbox: Postbox) -> Confirm:
    """Return a function with which the owner of the mailbox confirms by the mailed link."""

    def press(email: str) -> None:
        client.post(URL, data=form(email=email, via="probe"))
        deliver()
        client.post(postbox.link(postbox.recipients.index(email)))
        deliver()

    return press


def shown(app: Flask, desk: FlaskClient) -> dict[str, str]:
    clear_caches(app)
    return {place: DRAWN.sub("", desk.get(f"{DESK}{place}").text) for place in PLACES}


def table(app: Flask, desk: FlaskClient, name: str) -> list[dict[str, str]]:
    clear_caches(app)
    return list(csv.DictReader(io.StringIO(desk.get(f"{DESK}/{name}.csv").text.lstrip("\ufeff"))))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COORDINATOR])
def test_nobody_is_seen_to_confirm(
    app: Flask, client: FlaskClient, confirm: Confirm, deliver: Callable[[], object], postbox: Postbox, role: Role
) -> None:
    """The attack: one provider or tag is not told, and the whole less the others is its number."""
    for number in range(FEW + 1):
        confirm(f"a{number}@gmail.com")
    client.post(URL, data=form(email="somebody@laposte.net", via="stall"))
    deliver()
    desk = staffed(app, role)
    desk.get("/staff/")  # which bids welcome, once
    before = shown(app, desk)
    client.post(postbox.link(postbox.recipients.index("somebody@laposte.net")))
    deliver()
    assert shown(app, desk) == before


def test_numbers_of_several_are_told_in_steps(app: Flask, confirm: Confirm) -> None:
    desk = staffed(app, Role.VIEWER)
    for number in range(FEW - 1):
        confirm(f"a{number}@gmail.com")
    for name in TABLES:
        for row in table(app, desk, name):
            told = row.get("confirmed", row.get("quantity", "")) if row.get("step") != "signed" else ""
            assert told == "", (name, row)
    confirm("last@gmail.com")
    (provider,), (source,) = table(app, desk, "providers"), table(app, desk, "sources")
    assert (provider["confirmed"], source["confirmed"], source["source"]) == ("5", "5", "probe")
    assert {row["step"]: row["quantity"] for row in table(app, desk, "stages")} == {"signed": "5", "confirmed": "5"}
    assert [row["quantity"] for row in table(app, desk, "waits") if row["quantity"]] == ["5"]
    page = shown(app, desk)[""]
    assert "rounded down to a multiple of 5" in page
    assert "under 5" in page, "how many waited longer"


def test_rounding_is_down_and_never_up() -> None:
    assert [rounded(number) for number in (0, 1, 4, 5, 9, 10, 1234)] == [0, 0, 0, 5, 5, 10, 1230]
