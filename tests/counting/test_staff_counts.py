"""The numbers of the dashboard and of an appeal's page: exact, filtered, and as files."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook

from campaign.document import parse_text
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.domain.staff.roles import Role, Scope
from campaign.models import Appeal
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView, find_appeal
from campaign.queries.counting.staff_counts import CountFilter, appeal_summaries, history, related_appeals, totals
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.rollup import roll_up
from campaign.services.counting.tally import TallyCell, count
from campaign.web.staff.handover.spreadsheet import as_csv
from tests.conftest import DOCUMENT, START, Clock, context
from tests.counting.actions import count_action
from tests.platform.statements import recorded_statements
from tests.staff.staff_clients import staff_client

VIEWER_SCOPE = Scope(1, Role.VIEWER, "fr")


@pytest.fixture
def appeal_with_counts(appeal: AppealView) -> AppealView:
    count_action(appeal, "fr", 5, 0)
    count_action(appeal, "fr", 30, 3)
    count_action(appeal, "be-nl", 7, 0)
    count_action(appeal, "be-nl", 100, 20)
    count_action(appeal, "fr", 4, 0, Channel.LETTER)
    db.session.rollback()
    return appeal


def test_the_dashboard_has_the_figures_of_an_appeal(appeal_with_counts: AppealView) -> None:
    (summary,) = appeal_summaries(VIEWER_SCOPE, time_zone="Europe/Paris", now=START)
    assert (summary.signatures, summary.other_actions, summary.own_signatures, summary.own_other_actions) == (
        142,
        4,
        35,
        4,
    )
    assert (summary.today, summary.own_today) == (12, 5)


def test_today_is_the_sections_own_day(appeal_with_counts: AppealView) -> None:
    """Use Kiritimati, where it is two in the morning of the next day at noon in UTC."""
    count_action(appeal_with_counts, "fr", 50, 0)
    (summary,) = appeal_summaries(VIEWER_SCOPE, time_zone="Pacific/Kiritimati", now=START + timedelta(hours=3))
    assert summary.today == 62
    (later,) = appeal_summaries(VIEWER_SCOPE, time_zone="Pacific/Kiritimati", now=START + timedelta(hours=23))
    assert later.today == 0


def test_filters_are_combined(appeal_with_counts: AppealView) -> None:
    recent = CountFilter(since=START.date() - timedelta(days=3), section="fr")
    assert totals(appeal_with_counts.id, recent) == {
        ("fr", "signature", "verified"): 35,
        ("fr", "letter", "reported"): 4,
    }
    assert sum(line.quantity for line in history(appeal_with_counts.id, CountFilter(channel="letter"))) == 4
    assert totals(appeal_with_counts.id, CountFilter(until=date(2020, 1, 1))) == {}
    assert sum(totals(appeal_with_counts.id, CountFilter()).values()) == 146


def test_the_pages_show_the_counts(app: Flask, appeal_with_counts: AppealView) -> None:
    desk = staff_client(app, Role.VIEWER)
    page = desk.get("/staff/").text
    assert ">142<" in page
    assert ">35<" in page
    assert "+12" in page
    assert '<link rel="icon" href="data:image/svg+xml,' in page
    detail = desk.get(f"/staff/appeals/{appeal_with_counts.slug}").text
    assert "France" in detail
    assert "Flemish" in detail or "Belgium" in detail
    filtered = desk.get(f"/staff/appeals/{appeal_with_counts.slug}?section=fr&channel=letter&since=nonsense").text
    assert 'value="letter" selected' in filtered
    for name in ("days.svg", "sections.svg"):
        picture = desk.get(f"/staff/appeals/{appeal_with_counts.slug}/{name}?section=fr")
        assert picture.mimetype == "image/svg+xml"
        assert picture.data.lstrip().startswith((b"<?xml", b"<svg"))


@pytest.mark.parametrize("table", ["days", "hours", "sections", "channels"])
def test_each_table_can_be_downloaded(app: Flask, appeal_with_counts: AppealView, table: str) -> None:
    desk = staff_client(app, Role.VIEWER)
    text = desk.get(f"/staff/appeals/{appeal_with_counts.slug}/{table}.csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    column = "quantity" if table in {"days", "hours"} else "total"
    assert sum(int(row[column]) for row in rows) == 146
    book = load_workbook(io.BytesIO(desk.get(f"/staff/appeals/{appeal_with_counts.slug}/{table}.xlsx").data))
    sheet = list(book.active.values)
    assert [str(cell) for cell in sheet[0]] == list(rows[0])
    assert len(sheet) == len(rows) + 1


def test_no_cell_of_a_file_is_a_formula() -> None:
    text = as_csv(["=1+1"], [["=cmd|' /C calc'!A0", "@x", "-2", "fine", -2]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [["'=1+1"], ["'=cmd|' /C calc'!A0", "'@x", "'-2", "fine", "-2"]]


def test_a_draft_has_no_counts_to_show(app: Flask) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="draft"), context=context()).slug
    assert staff_client(app, Role.VIEWER).get(f"/staff/appeals/{slug}").status_code == 404


def test_a_follow_up_shows_the_whole_case(app: Flask, appeal_with_counts: AppealView) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="second"), context=context()).slug
    publish(slug, context=context())
    with transaction() as session:
        session.query(Appeal).filter_by(slug=slug).update({"follows_id": appeal_with_counts.id, "sequence": 2})
    desk = staff_client(app, Role.VIEWER)
    for one in (slug, appeal_with_counts.slug):
        assert "The whole case" in desk.get(f"/staff/appeals/{one}").text


def test_the_case_counts_letters_and_entered_actions_separately(app: Flask, appeal_with_counts: AppealView) -> None:
    slug = import_draft(parse_text(DOCUMENT), ImportOptions(slug="second"), context=context()).slug
    publish(slug, context=context())
    with transaction() as session:
        session.query(Appeal).filter_by(slug=slug).update({"follows_id": appeal_with_counts.id, "sequence": 2})
        count(session.connection(), TallyCell(appeal_with_counts.id, "fr", Channel.LETTER, Evidence.BULK), START, 60)
    second = find_appeal(slug)
    assert second is not None
    count_action(second, "be-nl", 3, 0, Channel.LETTER)
    count_action(second, "be-nl", 2, 0)
    found = [
        (related.slug, related.signatures, related.other_actions, related.entered)
        for related in related_appeals(second)
    ]
    assert found == [(appeal_with_counts.slug, 142, 4, 60), ("second", 2, 3, 0)]
    table = staff_client(app, Role.VIEWER).get("/staff/appeals/second").text.partition("The whole case")[2]
    cells = re.findall(r'<td class="n">([\d,]+)</td>', table.partition("</table>")[0])
    assert cells == ["142", "4", "60", "2", "3", "0", "144", "7", "60"]


def test_the_page_says_since_when_hours_are_stored_and_shows_no_day_as_an_hour(
    app: Flask, appeal_with_counts: AppealView
) -> None:
    with transaction() as session:
        session.query(Appeal).update({"opened_at": START - timedelta(days=30)})
    desk = staff_client(app, Role.VIEWER)
    roll_up(context=context())
    first = START - timedelta(days=8)
    assert (
        f"By the hour, since {first:%b} {first.day}, {first.year}"
        in desk.get(f"/staff/appeals/{appeal_with_counts.slug}").text
    )
    text = desk.get(f"/staff/appeals/{appeal_with_counts.slug}/hours.csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(row["quantity"]) for row in rows) == 46
    assert min(row["hour_utc"] for row in rows) == f"{START - timedelta(days=3):%Y-%m-%d %H:%M}"


def test_the_number_of_statements_does_not_depend_on_the_counts(
    app: Flask, appeal_with_counts: AppealView, clock: Clock
) -> None:
    desk = staff_client(app, Role.VIEWER)
    with app.extensions["tocsin_staff"].app_context():
        engine = db.engine
    with recorded_statements(engine) as before:
        desk.get(f"/staff/appeals/{appeal_with_counts.slug}")
    for day in range(5):
        count_action(appeal_with_counts, "be-fr", 10, day)
    with recorded_statements(engine) as statements:
        desk.get(f"/staff/appeals/{appeal_with_counts.slug}")
    assert len(statements) == len(before)
    tables = [statement.partition(" FROM ")[2].split("WHERE")[0] for statement in statements]
    assert not [names for names in tables if " signature" in names]
