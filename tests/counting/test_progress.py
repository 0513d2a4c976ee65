"""The progress page: counts by section, channel and day, charts with a table under each, and its updates."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select, update

from campaign.domain.counting.channel import Channel
from campaign.domain.errors import InputError
from campaign.domain.staff.actor import SUPPORTER, staff_actor
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Mail, Tally
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.verify import verify_counts
from campaign.services.offline.bulk_entry import BulkQuantity, enter
from campaign.services.signing.report_action import record_report
from campaign.web.pictures.chart import bar_chart
from tests.conftest import START, clear_caches, confirm_at, context
from tests.conftest import form as filled
from tests.staff.staff_clients import join_staff

PAGE = "/fr/appeals/ana-ruiz-vega/progress"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def counted_actions(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    """Make two confirmed signatures, one of them from a country without its own section, and one letter."""
    for email, country in (("a@mail.example", "FR"), ("b@mail.example", "JP")):
        sent = filled(email=email, country=country)
        assert client.post("/fr/appeals/ana-ruiz-vega/sign", data=sent).status_code == 303
    ids = list(db.session.scalars(select(Mail.sign_up_id).order_by(Mail.id)))
    db.session.rollback()
    signed = [confirm_at(row_id, START) for row_id in ids if row_id is not None]
    record_report(signed[0], Channel.LETTER, target=1, context=context(actor=SUPPORTER))
    clear_caches(app)


def _rows(page: str) -> dict[str, list[str]]:
    """Return the cells of each table row by the row's heading."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL):
        heading = re.search(r'<th scope="row">(.*?)</th>', row, re.DOTALL)
        if heading:
            words = re.sub(r"<[^>]+>", "", heading[1])
            found[words] = re.findall(r'<td class="n">([^<]*)</td>', row)
    return found


def _chart_addresses(page: str) -> list[str]:
    matches = [html.unescape(link) for link in re.findall(r'<img class="chart[^"]*" src="([^"]+)"', page)]
    assert len(matches) == 2
    return matches


@pytest.mark.usefixtures("counted_actions")
def test_counts_are_shown_by_section_channel_and_day(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    rows = _rows(page)
    # The columns are signatures, letters, and all actions.
    assert rows["France"] == ["1", "1", "2"]
    assert rows["International"][-1] == "1"
    assert rows["Signatures confirmées"] == ["2"]
    assert rows["1 mars 2026"] == ["2", "1", "3"]
    assert '<a href="/fr/sections/fr">France</a></th>' in page
    assert '<th scope="row">1 mars 2026</th>' in page
    assert ">فرنسا</a></th>" in client.get(PAGE.replace("/fr/", "/ar/")).text


@pytest.mark.usefixtures("counted_actions")
def test_counts_that_move_between_sections_change_the_pages_at_once(client: FlaskClient, app: Flask) -> None:
    api, every = "/api/v1/appeals/ana-ruiz-vega", "/api/v1/appeals"
    before = client.get(api).get_json()["counts"]
    pages = {path: client.get(path).text for path in (PAGE, every, api)}
    pictures = _chart_addresses(pages[PAGE])
    with transaction() as session:
        session.execute(update(Tally).where(Tally.section_code == "international").values(section_code="be-nl"))
    clear_caches(app)
    after = client.get(api).get_json()["counts"]
    assert {key: before[key] == after[key] for key in ("total", "signatures", "by_section")} == {
        "total": True,
        "signatures": True,
        "by_section": False,
    }
    assert after["by_section"]["be-nl"]["total"] == 1
    for path, was in pages.items():
        assert client.get(path).text != was, path
    # A browser would show its cached picture if the address were the same.
    moved = _chart_addresses(client.get(PAGE).text)
    assert not set(pictures) & set(moved)
    for address in moved:
        assert client.get(address).status_code == 200


@pytest.mark.usefixtures("counted_actions")
def test_equal_counts_have_charts_at_the_same_address(client: FlaskClient, app: Flask) -> None:
    before = _chart_addresses(client.get(PAGE).text)
    clear_caches(app)
    assert _chart_addresses(client.get(PAGE).text) == before


@pytest.mark.usefixtures("counted_actions")
def test_paper_signatures_are_shown_apart_from_confirmed_ones(client: FlaskClient, app: Flask) -> None:
    scope = Scope(join_staff(app, "ana@staff.example", Role.EDITOR), Role.EDITOR, "fr")
    entered = BulkQuantity(Channel.PAPER, 7, START.date(), "", "")
    enter("ana-ruiz-vega", entered, context=context(START, staff_actor(scope)), is_sure=True)
    clear_caches(app)
    counted = client.get("/api/v1/appeals/ana-ruiz-vega").get_json()["counts"]
    assert (counted["signatures"], counted["total"]) == (2, 10)
    assert counted["by_channel"] == {"signature": 2, "paper": 7, "letter": 1}
    assert counted["by_evidence"] == {"verified": 2, "reported": 1, "bulk": 7}
    assert counted["by_section"]["fr"]["by_channel"] == {"signature": 1, "paper": 7, "letter": 1}
    assert counted["by_section"]["fr"]["by_evidence"] == {"verified": 1, "reported": 1, "bulk": 7}
    rows = _rows(client.get(PAGE.replace("/fr/", "/en/")).text)
    # The last column holds the actions that staff entered.
    assert (rows["Confirmed signatures"], rows["Signatures on paper"]) == (["2", "0"], ["7", "7"])
    with pytest.raises(InputError):
        enter(
            "ana-ruiz-vega",
            replace(entered, channel=Channel.SIGNATURE),
            context=context(START, staff_actor(scope)),
            is_sure=True,
        )
    assert verify_counts() == []


@pytest.mark.usefixtures("counted_actions")
@pytest.mark.parametrize("page", [PAGE, "/embed/ana-ruiz-vega?kind=counter"])
def test_a_page_names_the_version_of_its_counts(client: FlaskClient, page: str) -> None:
    shown = client.get(page).text
    source = re.search(r'data-live="([^"]+)" data-shown="([^"]+)"', shown)
    assert source
    data = client.get(source[1]).get_json()
    counts = data["counts"]
    assert source[2] == f"{counts['signatures']} {counts['total']} {data['updated_at'][:10]}"


@pytest.mark.usefixtures("counted_actions")
def test_the_map_shows_every_section_and_grows_darker(client: FlaskClient) -> None:
    answer = client.get("/fr/appeals/ana-ruiz-vega/map.svg")
    assert answer.content_type.startswith("image/svg+xml")
    assert (
        answer.headers["Content-Security-Policy"]
        == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    tiles = {element.find(SVG + "text").text: element for element in ET.fromstring(answer.data).iter(SVG + "g")}  # type: ignore[union-attr]  # noqa: S314  our own
    assert tiles["FR"].get("class") == "l4"
    assert [text.text for text in tiles["FR"].iter(SVG + "text")] == ["FR", "2"]
    assert tiles["BE-NL"].get("class") == "l0"


def test_the_chart_is_a_picture_that_parses(client: FlaskClient, appeal: AppealView) -> None:
    for locale in ("fr", "ar"):
        answer = client.get(f"/{locale}/appeals/ana-ruiz-vega/progress.svg")
        assert ET.fromstring(answer.data).tag == SVG + "svg"  # noqa: S314  our own
        second_answer = client.get(f"/{locale}/appeals/ana-ruiz-vega/progress.svg")
        assert second_answer.headers["Content-Security-Policy"] == answer.headers["Content-Security-Policy"]


def test_an_empty_chart_says_so_in_the_language_of_the_page(app: Flask) -> None:
    with app.test_request_context(), force_locale("es"):
        drawn = bar_chart([], [("firmado", []), ("confirmado", [])], runtime().settings.theme).decode()
    assert "Nada por ahora." in drawn
    assert "No data" not in drawn
