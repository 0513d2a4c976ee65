"""Links that were copied badly: a slash or punctuation behind, capitals, no language. They lead on in one step."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.document import parse_text
from campaign.extensions import db
from campaign.models import Mail
from campaign.queries.appeal import AppealView
from campaign.services.appeals import publish
from campaign.services.import_draft import ImportOptions, import_draft
from tests.conftest import FRENCH, START, Postbox, form

PAGE = "/fr/appeals/ana-ruiz-vega"
BEHIND = (
    "/",
    ".",
    ",",
    ")",
    ").",
    "%22",
    ">",
    "%3E",
    "/.",
    "%20",
    "%E2%80%9D",
    "%E2%80%A6",
    "!",
    "%E3%80%82",
    "//",
    "%D8%8C",
)


@pytest.mark.parametrize("behind", BEHIND)
def test_what_stands_behind_a_link_is_no_part_of_it(client: FlaskClient, appeal: AppealView, behind: str) -> None:
    for path in (PAGE, f"{PAGE}/progress", "/fr/sections", "/api/v1/appeals", "/sitemap.xml", f"/embed/{appeal.slug}"):
        answer = client.get(path + behind)
        assert (answer.status_code, answer.location) == (301, path), path
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/FR/Appeals/Ana-Ruiz-Vega", "/fr/appeals/ANA-RUIZ-VEGA", "/Fr/APPEALS/ana-ruiz-vega/."]
)
def test_capitals_are_no_other_page(client: FlaskClient, appeal: AppealView, path: str) -> None:
    answer = client.get(path + "?via=stall-lyon")
    assert (answer.status_code, answer.location) == (301, PAGE + "?via=stall-lyon")
    assert client.get("/FR").location == "/fr/"
    assert client.get("/FR/Countries/CO").location == "/fr/countries/co"


@pytest.mark.parametrize(
    ("path", "asked", "leads"),
    [
        ("/appeals/ana-ruiz-vega", "de-AT,de;q=0.9", "/de/appeals/ana-ruiz-vega"),
        ("/Appeals/Ana-Ruiz-Vega/", "", "/fr/appeals/ana-ruiz-vega"),
        ("/appeals/ana-ruiz-vega.", "pt-BR", "/fr/appeals/ana-ruiz-vega"),
        ("/pt/appeals/ana-ruiz-vega", "es", "/es/appeals/ana-ruiz-vega"),
        ("/en-GB/appeals/ana-ruiz-vega", "es", "/en/appeals/ana-ruiz-vega"),
        ("/sections", "ru", "/ru/sections"),
        ("/privacy", "", "/en/privacy"),
    ],
)
def test_without_its_language_a_link_leads_to_the_readers(
    client: FlaskClient, app: Flask, path: str, asked: str, leads: str
) -> None:
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), now=START)
    publish("ana-ruiz-vega", now=START)
    answer = client.get(path, headers={"Accept-Language": asked} if asked else {})
    assert (answer.status_code, answer.location) == (302, leads)
    assert "Accept-Language" in answer.headers["Vary"]
    assert client.get(leads).status_code == 200


def test_mailed_links_too(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    client.post(f"{PAGE}/sign", data=form())
    db.session.execute(update(Mail).values(due_at=START))
    db.session.commit()
    deliver()
    link = postbox.link()
    for asked in (link + ".", link + "/", link + "%3E", link.replace("/fr/s/", "/FR/S/"), link.replace("/fr/", "/")):
        answer = client.get(asked, headers={"Accept-Language": "fr"})
        assert (answer.location, answer.headers["Cache-Control"]) == (link, "no-store"), asked
        assert answer.status_code == 302
    assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/fr/appeals/nobody.",
        "/appeals/nobody",
        "/fr/nothing/",
        "/wp-login.php",
        "/fr//evil.example/x.",
        "/x/appeals/y",
        "/" + "a/" * 2000,
    ],
)
def test_what_is_nowhere_stays_nowhere(client: FlaskClient, appeal: AppealView, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404


def test_a_draft_is_not_told_of(client: FlaskClient, app: Flask) -> None:
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), now=START)
    for path in (PAGE + ".", "/appeals/ana-ruiz-vega", PAGE.upper()):
        assert client.get(path).status_code == 404


def test_a_form_is_not_sent_on(client: FlaskClient, appeal: AppealView) -> None:
    assert client.post(f"{PAGE}/sign/", data=form()).status_code == 404
