"""Sharing an appeal: the card, links without trackers, posters, and counted sources."""

from __future__ import annotations

import io
import json
import re
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from campaign.config import LOCALES
from campaign.letter.letter_pdf import is_printable
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.source import SourceCounts, source_counts
from campaign.web.pictures.typeset import card_png
from tests.conftest import START, Clock, clear_caches, form
from tests.platform.commands import run_command

PAGE = "/fr/appeals/ana-ruiz-vega"


def test_the_card_is_a_png_of_the_size_for_social_networks(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.get(PAGE + "/card.png")
    assert answer.content_type == "image/png"
    assert answer.data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(answer.data[16:20]), int.from_bytes(answer.data[20:24])) == (1200, 630)
    assert len(answer.data) < 300_000
    assert f'content="http://127.0.0.1:8000{PAGE}/card.png"' in client.get(PAGE).text


def test_the_card_is_rendered_again_only_if_its_content_changed(
    client: FlaskClient, appeal: AppealView, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def count_rendering(*arguments: object) -> bytes:
        made.append(1)
        return b"png"

    monkeypatch.setattr("campaign.web.public.appeal.share.card_png", count_rendering)
    for _ in range(5):
        client.get(PAGE + "/card.png")
        clear_caches(app)
    assert len(made) == 1


def test_a_card_omits_characters_without_a_font(appeal: AppealView) -> None:
    words = {"kicker": "كولومبيا", "name": "Tocsin", "headline": "حرية", "until": "", "share": 0.5, "time": 0.2}
    theme = runtime().settings.theme
    assert not is_printable("حرية", ())
    assert card_png(words | {"signatures": "5"}, "ar", theme, ())[:4] == b"\x89PNG"


def test_a_poster_holds_the_case_the_section_and_a_code(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.get(PAGE + "/poster/fr.pdf")
    assert answer.content_type == "application/pdf"
    reader = PdfReader(io.BytesIO(answer.data))
    assert len(reader.pages) == 1
    assert [round(float(side) / 72 * 25.4) for side in reader.pages[0].mediabox[2:]] == [210, 297]
    text = " ".join(reader.pages[0].extract_text().split())
    for part in ("TEACHER THREATENED", "She must be protected.", "France", "fr@sections.example", "via=poster-fr"):
        assert part in text, part
    tagged = client.get(PAGE + "/poster/fr.pdf?via=stall-lyon")
    assert "via=stall-lyon" in PdfReader(io.BytesIO(tagged.data)).pages[0].extract_text()
    assert client.get(PAGE + "/poster/nowhere.pdf").status_code == 404


@pytest.mark.slow
def test_every_linked_poster_can_be_made(client: FlaskClient, appeal: AppealView, app: Flask, clock: Clock) -> None:
    pages = ("appeals/ana-ruiz-vega", "appeals/ana-ruiz-vega/thanks", "sections/fr")
    linked = dict.fromkeys(LOCALES, 0)
    for locale in LOCALES:
        for page in pages:
            matches = re.findall(r'href="([^"]+/poster/[^"]+)"', client.get(f"/{locale}/{page}").text)
            linked[locale] += len(matches)
            assert {client.get(poster).content_type for poster in matches} <= {"application/pdf"}
    # The tests' server has no font with Arabic.
    assert linked == {locale: 0 if locale == "ar" else 3 for locale in LOCALES}
    assert client.get("/ar/appeals/ana-ruiz-vega/poster/fr.pdf").status_code == 404
    clock.now = START.replace(month=4, day=20)
    clear_caches(app)
    assert "/poster/" not in client.get(PAGE).text


def test_share_links_carry_the_page_and_their_source(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get(PAGE).text
    links = [unquote(link) for link in re.findall(r'<a href="([^"]+)" rel="noopener noreferrer">', page)]
    assert len(links) == 6
    for link, tag in zip(links, "mail whatsapp telegram mastodon bluesky facebook".split(), strict=True):
        assert f"http://127.0.0.1:8000{PAGE}?via={tag}" in link
    assert not re.findall(r'<(?:img|script|link|iframe)[^>]+(?:src|href)="https?://(?!127)', page), "no third party"


def test_the_page_describes_itself_to_search_engines(client: FlaskClient, appeal: AppealView) -> None:
    match = re.search(r'<script type="application/ld\+json">(.*?)</script>', client.get(PAGE).text)
    assert match
    data = json.loads(match[1])
    assert (data["@type"], data["inLanguage"], data["expires"]) == ("Article", "en", "2026-04-12")
    assert data["interactionStatistic"]["userInteractionCount"] == 0
    assert '<meta name="description" content="Ana Ruiz Vega, a village teacher' in client.get(PAGE).text


def test_sources_are_counted(client: FlaskClient, appeal: AppealView, app: Flask) -> None:
    stall = {"Referer": f"http://localhost{PAGE}?via=Stall-Lyon"}
    for number in range(3):
        client.post(PAGE + "/sign", data=form(email=f"p{number}@mail.example"), headers=stall)
    client.post(PAGE + "/sign", data=form(email="q@mail.example", via="poster-fr"), headers=stall)
    other = {"Referer": "https://elsewhere.example/?via=spoof"}
    client.post(PAGE + "/sign", data=form(email="r@mail.example"), headers=other)
    assert source_counts(appeal.id) == (SourceCounts("stall-lyon", 3, 0), SourceCounts("poster-fr", 1, 0))
    assert source_counts(appeal.id, "be-fr") == ()
    data = json.loads(run_command(app, "appeal", "sources", appeal.slug, "--json").stdout)
    assert data[0] == {"source": "stall-lyon", "signed": 3, "confirmed": 0}
    assert "stall-lyon" in run_command(app, "appeal", "sources", appeal.slug).output
    assert run_command(app, "appeal", "sources", "nobody").exit_code == 1


def test_the_language_switch_keeps_typed_values(client: FlaskClient, appeal: AppealView) -> None:
    wrong_answer = client.post(PAGE + "/sign", data=form(name="Jeanne", email="broken", via="stall"))
    switch = re.search(r'<button form="form" formaction="(/ar/[^"]+)"', wrong_answer.text)
    assert switch
    page = client.post(switch[1], data=form(name="Jeanne", email="broken", via="stall"))
    assert page.status_code == 200
    assert '<html lang="ar" dir="rtl">' in page.text
    for part in ('value="Jeanne"', 'value="broken"', '<option value="FR" selected>', 'name="via" value="stall"'):
        assert part in page.text, part
    assert "aria-invalid" not in page.text, "the values are not checked yet"
    assert client.get(switch[1]).location == "/ar/appeals/ana-ruiz-vega"
