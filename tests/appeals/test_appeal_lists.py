"""Lists of open appeals for people and machines, and links of a page to its other languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from campaign.config import LOCALES
from campaign.document import parse_text
from campaign.domain.counting.action import Evidence
from campaign.domain.counting.channel import Channel
from campaign.models import AppealText, Tally
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from tests.appeals.sitemap import SITEMAP_NAMESPACE, parse_xml
from tests.conftest import clear_caches, context

BASE = "http://127.0.0.1:8000"
ATOM = "{http://www.w3.org/2005/Atom}"
FRENCH = (Path(__file__).parent.parent / "letter" / "ana-ruiz-vega.fr.md").read_text(encoding="utf-8")


def _alternates(page: str) -> dict[str, str]:
    matches = re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page)
    assert len(matches) == len(dict(matches))
    return dict(matches)


@pytest.mark.usefixtures("appeal")
def test_appeals_are_listed_by_country(client: FlaskClient) -> None:
    assert 'href="/fr/countries/co">Colombie</a>' in client.get("/fr/").text
    assert "TEACHER THREATENED" in client.get("/fr/countries/co").text
    assert "TEACHER THREATENED" not in client.get("/fr/countries/kz").text
    for wrong in ("xx", "zz", "colombia"):
        assert client.get(f"/fr/countries/{wrong}").status_code == 404
    assert client.get("/fr/countries/CO").location == "/fr/countries/co"


def test_a_section_shows_its_appeals_and_counts(client: FlaskClient, appeal: AppealView) -> None:
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
    feed = parse_xml(answer.data)
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
    found = [
        element.text or "" for element in parse_xml(client.get("/sitemap.xml").data).iter(SITEMAP_NAMESPACE + "loc")
    ]
    assert f"{BASE}/en/appeals/ana-ruiz-vega" in found
    assert f"{BASE}/ar/appeals/ana-ruiz-vega" not in found, "it has no text in Arabic"
    assert f"{BASE}/ar/appeals/ana-ruiz-vega/progress" in found
    assert len(found) == len(set(found))
    for address in found:
        assert client.get(address.removeprefix(BASE)).status_code == 200, address
    assert f"Sitemap: {BASE}/sitemap.xml" in client.get("/robots.txt").text


@pytest.mark.parametrize(
    "path",
    [
        "",
        "appeals/ana-ruiz-vega/progress",
        "sections",
        "sections/fr",
        "countries/co",
        "privacy",
    ],
)
@pytest.mark.usefixtures("appeal")
def test_each_page_names_itself_and_its_other_languages(client: FlaskClient, path: str) -> None:
    # The page is cached for all readers, so the host of the first request must not get into its links.
    page = client.get(f"/fr/{path}", headers={"Host": "localhost:8765"}).text
    assert f'<link rel="canonical" href="{BASE}/fr/{path}">' in page
    # The address without a language is the alternate for all other languages.
    rest = f"{BASE}/en/{path}" if path else f"{BASE}/"
    assert _alternates(page) == {locale: f"{BASE}/{locale}/{path}" for locale in LOCALES} | {"x-default": rest}
    assert "evil" not in page
    assert re.search(r'<meta name="description" content="[^"]{9,}">', page)


@pytest.mark.parametrize("path", ["appeals/ana-ruiz-vega", "appeals/ana-ruiz-vega/act"])
def test_only_pages_with_a_text_in_their_language_name_it(client: FlaskClient, appeal: AppealView, path: str) -> None:
    english = {"en": f"{BASE}/en/{path}", "x-default": f"{BASE}/en/{path}"}
    for locale in LOCALES:
        page = client.get(f"/{locale}/{path}", headers={"Host": "localhost:8765"}).text
        assert f'<link rel="canonical" href="{BASE}/en/{path}">' in page, "the text it shows"
        assert _alternates(page) == english
        assert "evil" not in page
    import_draft(parse_text(FRENCH), ImportOptions(slug=appeal.slug), context=context())
    clear_caches(client.application)
    for locale in LOCALES:
        page = client.get(f"/{locale}/{path}").text
        assert f'<link rel="canonical" href="{BASE}/{"fr" if locale == "fr" else "en"}/{path}">' in page
        assert _alternates(page) == english | {"fr": f"{BASE}/fr/{path}"}


@pytest.mark.parametrize("path", ["appeals/ana-ruiz-vega", "appeals/ana-ruiz-vega/act"])
def test_a_text_in_a_language_without_pages_is_canonical_on_the_english_page(
    client: FlaskClient, appeal: AppealView, path: str
) -> None:
    db.session.execute(update(AppealText).where(AppealText.appeal_id == appeal.id).values(language="pt"))
    db.session.commit()
    clear_caches(client.application)
    page = client.get(f"/fr/{path}").text
    assert f'<link rel="canonical" href="{BASE}/en/{path}">' in page
    assert _alternates(page) == {"x-default": f"{BASE}/en/{path}"}
    assert f"<loc>{BASE}/en/appeals/ana-ruiz-vega</loc>" in client.get("/sitemap.xml").text


def test_a_form_with_errors_has_the_appeals_page_as_canonical(client: FlaskClient, appeal: AppealView) -> None:
    page = client.post(f"/en/appeals/{appeal.slug}/sign", data={}).text
    assert f'<link rel="canonical" href="{BASE}/en/appeals/ana-ruiz-vega">' in page
