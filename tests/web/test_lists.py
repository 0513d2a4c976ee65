"""Lists of open appeals for people and machines, and what a page says about its other languages."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from campaign.config import LOCALES
from campaign.domain.action import Channel, Evidence
from campaign.extensions import db
from campaign.models import Tally
from campaign.queries.appeal import AppealView

BASE = "http://127.0.0.1:8000"
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def _xml(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314  our own


@pytest.mark.usefixtures("appeal")
def test_appeals_are_listed_by_country(client: FlaskClient) -> None:
    assert 'href="/fr/countries/co">Colombie</a>' in client.get("/fr/").text
    assert "TEACHER THREATENED" in client.get("/fr/countries/co").text
    assert "TEACHER THREATENED" not in client.get("/fr/countries/kz").text
    for wrong in ("xx", "CO", "zz", "colombia"):
        assert client.get(f"/fr/countries/{wrong}").status_code == 404


def test_a_section_shows_what_it_has_done(client: FlaskClient, appeal: AppealView) -> None:
    key = {"appeal_id": appeal.id, "section_code": "fr", "slot": 0}
    db.session.add(Tally(**key, channel=Channel.LETTER, evidence=Evidence.BULK, quantity=1234))
    db.session.commit()
    page = client.get("/fr/sections/fr").text
    assert "<h1>France</h1>" in page
    assert "1\u202f234 actions de cette section" in page
    assert 'href="mailto:fr@sections.example"' in page
    assert client.get("/fr/sections/nowhere").status_code == 404
    assert 'href="/fr/sections/be-nl">Belgique (néerlandais)</a>' in client.get("/fr/sections").text


def test_the_feed_holds_each_open_appeal(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.get("/fr/feed.atom")
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    feed = _xml(answer.data)
    for name in ("id", "title", "updated"):
        assert feed.findtext(ATOM + name)
    (entry,) = feed.findall(ATOM + "entry")
    assert entry.findtext(ATOM + "id") == f"{BASE}/fr/appeals/ana-ruiz-vega"
    assert entry.findtext(ATOM + "title") == appeal.text_in("en").headline
    assert entry.findtext(ATOM + "published") == "2026-03-01T12:00:00Z"
    assert "<strong>" not in (entry.findtext(ATOM + "title") or "")
    assert (entry.findtext(ATOM + "summary") or "").startswith("<p>"), "HTML, escaped once"
    assert '<link rel="alternate" type="application/atom+xml" href="/fr/feed.atom"' in client.get("/fr/").text


@pytest.mark.usefixtures("appeal")
def test_the_sitemap_names_pages_that_answer(client: FlaskClient) -> None:
    found = [one.text or "" for one in _xml(client.get("/sitemap.xml").data).iter(MAP + "loc")]
    assert f"{BASE}/ar/appeals/ana-ruiz-vega" in found
    assert len(found) == len(set(found))
    for address in found:
        assert client.get(address.removeprefix(BASE)).status_code == 200, address
    assert f"Sitemap: {BASE}/sitemap.xml" in client.get("/robots.txt").text


@pytest.mark.parametrize(
    "path",
    [
        "",
        "appeals/ana-ruiz-vega",
        "appeals/ana-ruiz-vega/act",
        "appeals/ana-ruiz-vega/progress",
        "sections",
        "sections/fr",
        "countries/co",
        "privacy",
    ],
)
@pytest.mark.usefixtures("appeal")
def test_each_page_names_itself_and_its_other_languages(client: FlaskClient, path: str) -> None:
    # Any Host header can be sent, and the page is kept for everybody: it must not end up in its links.
    page = client.get(f"/fr/{path}", headers={"Host": "evil.example"}).text
    assert f'<link rel="canonical" href="{BASE}/fr/{path}">' in page
    named = dict(re.findall(r'<link rel="alternate" hreflang="(\w+)" href="([^"]+)">', page))
    assert named == {locale: f"{BASE}/{locale}/{path}" for locale in LOCALES}, "its own among them"
    assert "evil" not in page
    assert re.search(r'<meta name="description" content="[^"]{9,}">', page)
