"""With hundreds of appeals the lists of the staff pages stay short, and every appeal can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, update

from campaign.domain.appeals.appeal import AppealState
from campaign.domain.staff.roles import Role
from campaign.models import Appeal, AppealText
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.appeals.appeal_list import CHOICES, PAGE
from tests.conftest import START
from tests.staff.staff_clients import csrf, staff_client

APPEALS = 450
# The limit of a page's size, however many appeals there are: it grows only with the appeals that it shows.
MAX_BYTES = 100_000


@pytest.fixture
def editor(app: Flask, appeal: AppealView) -> FlaskClient:
    """Return an editor's browser on a site with many appeals; `case-0` is the second oldest."""
    columns = [column for column in Appeal.__table__.columns if column.name != "id"]
    row = dict(db.session.execute(select(*columns).where(Appeal.id == appeal.id)).mappings().one())
    words = dict(
        db.session.execute(select(AppealText.__table__).where(AppealText.appeal_id == appeal.id)).mappings().one()
    )
    numbers = range(APPEALS)
    cases = [row | {"id": appeal.id + 1 + n, "slug": f"case-{n}", "reference": f"UA {n}/26"} for n in numbers]
    headlines = [f"A headline of the usual length, for the case number {n} of many" for n in numbers]
    texts = [words | {"appeal_id": appeal.id + 1 + n, "headline": headline} for n, headline in enumerate(headlines)]
    db.session.execute(insert(Appeal), cases)
    db.session.execute(insert(AppealText), texts)
    db.session.commit()
    return staff_client(app, Role.EDITOR)


@contextmanager
def record_loaded_texts() -> Iterator[list[str]]:
    """Yield a list of the headlines of the texts that the block loads."""
    headlines: list[str] = []

    def loaded(text: AppealText, _context: object) -> None:
        headlines.append(text.headline)

    event.listen(AppealText, "load", loaded)
    try:
        yield headlines
    finally:
        event.remove(AppealText, "load", loaded)


def slugs(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/staff/appeals/([^/]+)/edit"', page)


def test_every_appeal_is_on_one_page_of_the_list(editor: FlaskClient) -> None:
    path, seen = "/staff/appeals", []
    while path:
        page = editor.get(path)
        assert len(page.data) < MAX_BYTES
        assert len(slugs(page.text)) <= PAGE
        seen += slugs(page.text)
        older = re.search(r'href="(/staff/appeals\?before=\d+)"', page.text)
        path = older[1] if older else ""
    assert seen == [*(f"case-{number}" for number in reversed(range(APPEALS))), "ana-ruiz-vega"]


@pytest.mark.parametrize("words", ["case number 7 of", "CASE-7", "UA 7/26", "  number   7 of "])
def test_words_find_an_old_appeal(editor: FlaskClient, words: str) -> None:
    page = editor.get("/staff/appeals", query_string={"q": words})
    assert "case-7" in slugs(page.text)
    assert len(slugs(page.text)) <= 1 + 100


@pytest.mark.parametrize("words", ["%", "_", "nothing like it", "\0", "x" * 5000])
def test_words_without_a_match_find_nothing(editor: FlaskClient, words: str) -> None:
    page = editor.get("/staff/appeals", query_string={"q": words})
    assert page.status_code == 200
    assert slugs(page.text) == [] or not words.strip("\0")


@pytest.mark.parametrize("before", ["9" * 30, "-1", "x", "1e3", "٣"])
def test_an_invalid_position_in_the_list_is_no_server_error(editor: FlaskClient, before: str) -> None:
    assert editor.get("/staff/appeals", query_string={"before": before}).status_code == 200


@pytest.mark.parametrize("path", ["/staff/moderation", "/staff/moderation/reports", "/staff/moderation/erased"])
def test_moderation_offers_the_newest_appeals_and_the_requested_one(editor: FlaskClient, path: str) -> None:
    page = editor.get(f"{path}?appeal=case-0")
    assert len(page.data) < MAX_BYTES
    offered = re.findall(r'<option value="([^"]+)"', page.text)
    assert len(offered) == CHOICES + 1
    assert '<option value="case-0" selected>' in page.text
    assert "case-0" not in re.findall(r'<option value="([^"]+)"', editor.get(path).text)


def test_an_old_appeal_can_still_be_moderated_and_links_to_it(editor: FlaskClient) -> None:
    assert 'href="/staff/moderation?appeal=case-0#lately"' in editor.get("/staff/appeals/case-0").text
    token = csrf(editor.get("/staff/moderation"))
    form = {"csrf_token": token, "domain": "mail.example", "reason": "is it a flood?"}
    assert editor.post("/staff/moderation/invalidations", data=form | {"appeal": "case-0"}).status_code == 303
    assert editor.post("/staff/moderation/invalidations", data=form | {"appeal": "no-such"}).status_code == 422


def test_the_page_of_one_appeal_stays_light(editor: FlaskClient) -> None:
    page = editor.get("/staff/appeals/case-0/edit")
    assert page.status_code == 200
    assert len(re.findall(r"<option", page.text)) < CHOICES + 150


def test_no_page_reads_the_texts_of_all_appeals(app: Flask, editor: FlaskClient) -> None:
    staff = app.extensions["tocsin_staff"]
    paths = sorted(
        f"/staff{rule.rule}"
        for rule in staff.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.rule != "/logout"
    )
    assert "/staff/moderation/domains" in paths
    # Open appeals are few and are all shown.
    ended = {"state": AppealState.CLOSED, "ended_at": START}
    db.session.execute(update(Appeal).where(Appeal.slug.startswith("case-")).values(ended))
    db.session.commit()
    # An administrator may see more pages; an editor's own mailbox and lists differ.
    for desk in (editor, staff_client(app, Role.ADMIN)):
        answered = 0
        for path in paths:
            db.session.expunge_all()
            with record_loaded_texts() as headlines:
                answer = desk.get(path)
            answered += answer.status_code == 200
            assert len(headlines) <= CHOICES + PAGE, path
            assert len(answer.data) < MAX_BYTES, path
        assert answered > 10


def test_new_domains_of_an_old_appeal_read_only_that_appeal(editor: FlaskClient) -> None:
    with record_loaded_texts() as headlines:
        page = editor.get("/staff/moderation/domains?appeal=case-0")
    assert headlines == ["A headline of the usual length, for the case number 0 of many"]
    assert f"<strong>{headlines[0]}</strong>" in page.text
    assert "<strong>" not in editor.get("/staff/moderation/domains?appeal=no-such").text.partition("<main")[2]
    assert editor.get("/staff/moderation/domains", query_string={"appeal": "\0"}).status_code == 200
