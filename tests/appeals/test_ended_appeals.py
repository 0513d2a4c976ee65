"""Ended appeals: a list with outcome and final count, for people, search engines and the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from campaign.document import parse_text
from campaign.models import Appeal, AppealText
from campaign.platform import db
from campaign.platform.database.transaction import transaction
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting import ended_appeals as ended
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import close, set_outcome, stop
from tests.appeals.sitemap import SITEMAP_NAMESPACE, parse_xml
from tests.conftest import FRENCH, START, clear_caches, context
from tests.signing.signatures import sign_numbered

SLUG = "ana-ruiz-vega"


@pytest.fixture
def ended_appeal(app: Flask, appeal: AppealView) -> AppealView:
    """Return a closed appeal with two signatures and an outcome in English and French."""
    sign_numbered(appeal, "Ana", 1)
    sign_numbered(appeal, "Bob", 2, "be-nl")
    close(SLUG, context=context(START + timedelta(days=20)))
    set_outcome(SLUG, "en", "She is **free** and teaches again.", context=context())
    set_outcome(SLUG, "fr", "Elle est libre.", context=context())
    clear_caches(app)
    return appeal


@pytest.mark.parametrize("path", ["/{}/ended", "/{}/countries/co"])
@pytest.mark.usefixtures("ended_appeal")
def test_the_list_shows_outcome_and_final_count(client: FlaskClient, path: str) -> None:
    english, french = client.get(path.format("en")).text, client.get(path.format("fr")).text
    for said in (
        f'href="/en/appeals/{SLUG}"',
        "2 confirmed signatures",
        "She is free and teaches again.",
        "Mar 21, 2026",
    ):
        assert said in english, said
    assert "Elle est libre." in french
    assert "She is free" not in french
    assert 'href="/en/ended"' in client.get("/en/").text
    assert client.get("/en/countries/kz").status_code == 200
    assert SLUG not in client.get("/en/countries/kz").text


def test_without_ended_appeals_the_list_is_empty(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get("/en/ended")
    assert page.status_code == 200
    assert "No appeal has ended yet." in page.text
    assert SLUG not in page.text
    assert client.get("/api/v1/appeals?state=closed").get_json() == {"appeals": [], "next": None}
    assert client.get("/en/ended/2").status_code == 404


def test_a_new_end_and_a_new_outcome_show_at_once(client: FlaskClient, app: Flask, ended_appeal: AppealView) -> None:
    import_draft(parse_text(FRENCH), ImportOptions(slug="other"), context=context())
    with transaction() as session:
        session.execute(update(Appeal).where(Appeal.slug == "other").values(state="open", opened_at=START))
    before = {path: client.get(path).text for path in ("/en/ended", "/sitemap.xml", "/api/v1/appeals?state=closed")}
    stop("other", context=context(START + timedelta(days=30)), outcome={"en": "He has been released."})
    clear_caches(app)
    for path, was in before.items():
        now = client.get(path).text
        assert now != was, path
        assert "other" in now
        assert now.index("other") < now.index(SLUG) or path == "/sitemap.xml", "the newest end first"
    assert "stopped on" in client.get("/en/ended").text


@pytest.mark.usefixtures("ended_appeal")
def test_the_api_lists_ended_appeals(client: FlaskClient) -> None:
    answer = client.get("/api/v1/appeals?state=closed")
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    (one,) = answer.get_json()["appeals"]
    assert (one["slug"], one["state"], one["counts"]["signatures"]) == (SLUG, "closed", 2)
    by_evidence = {"verified": 1, "reported": 0, "bulk": 0}
    assert one["counts"]["by_section"]["be-nl"] == {
        "total": 1,
        "by_channel": {"signature": 1},
        "by_evidence": by_evidence,
    }
    assert one["ended_at"] == "2026-03-21T12:00:00Z"
    assert one["outcome"] == {"en": "She is **free** and teaches again.", "fr": "Elle est libre."}
    assert client.get("/api/v1/appeals").get_json() == {"appeals": []}
    assert client.get("/api/v1/appeals?state=open").get_json() == {"appeals": []}
    for asked in ("draft", "x", "stopped"):
        assert client.get(f"/api/v1/appeals?state={asked}").status_code == 400, asked
    for asked in ("2", "x", "0", "-1", "9" * 50):
        assert client.get(f"/api/v1/appeals?state=closed&page={asked}").status_code == 404, asked


@pytest.mark.parametrize("is_stopped", [False, True])
def test_an_ended_appeal_has_no_days_left(
    client: FlaskClient, app: Flask, appeal: AppealView, is_stopped: bool
) -> None:
    one = f"/api/v1/appeals/{SLUG}"
    assert client.get(one).get_json()["days_left"] == 42
    if is_stopped:
        stop(SLUG, context=context())
    else:
        close(SLUG, context=context())
    clear_caches(app)
    listed = client.get("/api/v1/appeals?state=closed").get_json()["appeals"]
    assert [client.get(one).get_json()["days_left"], *(found["days_left"] for found in listed)] == [0, 0]
    assert client.get(one).get_json()["deadline"] == "2026-04-12"


@pytest.mark.usefixtures("ended_appeal")
def test_the_sitemap_names_ended_appeals(client: FlaskClient) -> None:
    found = [
        element.text or "" for element in parse_xml(client.get("/sitemap.xml").data).iter(SITEMAP_NAMESPACE + "loc")
    ]
    base = "http://127.0.0.1:8000"
    assert {f"{base}/en/appeals/{SLUG}", f"{base}/fr/ended", f"{base}/ar/countries/co"} <= set(found)
    for address in found:
        assert client.get(address.removeprefix(base)).status_code == 200, address


def test_many_ended_appeals_are_listed_by_pages_each_once(
    client: FlaskClient, app: Flask, ended_appeal: AppealView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "PAGE_LENGTH", 2)
    with transaction() as session:
        for number in range(4):
            columns = {"slug": f"case-{number}", "goal": 10, "state": "closed", "country": "CO", "languages": []}
            made = session.execute(
                insert(Appeal)
                .values(**columns, own_language=False, created_at=START, ended_at=START)
                .returning(Appeal.id)
            ).scalar_one()
            text = session.scalars(select(AppealText)).first()
            assert text is not None
            words = {column.name: getattr(text, column.name) for column in AppealText.__table__.columns}
            session.execute(insert(AppealText).values(words | {"appeal_id": made}))
    seen: list[str] = []
    address: str | None = "/api/v1/appeals?state=closed"
    while address:
        data = client.get(address.removeprefix("http://127.0.0.1:8000")).get_json()
        seen += [appeal["slug"] for appeal in data["appeals"]]
        address = data["next"]
    assert sorted(seen) == [SLUG, "case-0", "case-1", "case-2", "case-3"]
    middle = client.get("/en/ended/2").text
    assert 'rel="prev" href="/en/ended"' in middle
    assert 'rel="next" href="/en/ended/3"' in middle
    assert client.get("/en/ended/4").status_code == 404
    db.session.rollback()
