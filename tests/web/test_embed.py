"""Embeds: only they may be framed, the form signs inside its frame, and oEmbed follows its specification."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import nh3
import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from campaign.models import SignUp
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.signing.sign_up import origin_of
from tests.conftest import Clock, form

EMBED = "/embed/ana-ruiz-vega"
ADDRESS = "http://127.0.0.1:8000/fr/appeals/ana-ruiz-vega"


def _may_be_framed(headers: object) -> bool:
    policy = headers.get("Content-Security-Policy", "")  # type: ignore[attr-defined]
    return "frame-ancestors *" in policy and "X-Frame-Options" not in headers  # type: ignore[operator]


@pytest.mark.usefixtures("appeal")
def test_only_embeds_may_be_framed(client: FlaskClient) -> None:
    for path in (EMBED, EMBED + "?kind=counter", EMBED + "/thanks"):
        answer = client.get(path)
        assert _may_be_framed(answer.headers), path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
    assert _may_be_framed(client.post(EMBED, data={}).headers), "an error is shown inside the frame, too"
    for path in ("/fr/", "/fr/appeals/ana-ruiz-vega", "/fr/appeals/ana-ruiz-vega/thanks", "/fr/imprint", "/fr/nothing"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.usefixtures("appeal")
def test_a_refusal_is_shown_inside_the_frame_in_its_language_and_colours(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = EMBED + "?lang=fr&theme=dark"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    refusals = {
        404: client.get("/embed/nobody?lang=fr&theme=dark"),
        403: client.post(asked, data=form(), headers=foreign),
        405: client.put(asked),
    }
    sent = [client.post(asked, data=form(email=f"p{number}@mail.example")) for number in range(61)]
    assert sent[0].status_code == 303
    assert _may_be_framed(sent[0].headers), "the redirect to the thank-you page"
    refusals[429] = sent[-1]

    def raise_unavailable(_slug: str) -> None:
        raise OperationalError("SELECT 1", {}, psycopg.OperationalError("the connection is lost"))

    monkeypatch.setattr("campaign.web.public.embed.frames.published_appeal_or_404", raise_unavailable)
    refusals[503] = client.get(asked)
    assert refusals[503].headers["Retry-After"] == "5"
    for status, answer in refusals.items():
        assert answer.status_code == status
        assert _may_be_framed(answer.headers), status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert '<html lang="fr" dir="ltr" data-scheme="dark">' in answer.text, status
        links = re.findall(r"<a [^>]*>", answer.text)
        assert links, status
        assert all('target="_blank"' in link for link in links), "other pages cannot be shown in the frame"
    assert _may_be_framed(client.get("/embed/nobody/at/all").headers)
    for path in ("/embed", "/embed.js/x", "/fr/embed/x", "/staff/embed/ana-ruiz-vega"):
        assert not _may_be_framed(client.get(path).headers), path


@pytest.mark.usefixtures("appeal")
def test_parameters_choose_kind_colours_and_language(client: FlaskClient) -> None:
    page = client.get(EMBED + "?lang=ar&theme=dark").text
    assert '<html lang="ar" dir="rtl" data-scheme="dark">' in page
    assert '<meta name="color-scheme" content="dark">' in page
    assert 'action="/embed/ana-ruiz-vega?theme=dark&amp;lang=ar"' in page
    counter = client.get(EMBED + "?kind=counter&theme=light").text
    assert "<form" not in counter
    assert 'data-live="/api/v1/appeals/ana-ruiz-vega"' in counter
    odd = client.get(EMBED + "?kind=%3Cb%3E&theme=%22&lang=xx")
    assert odd.status_code == 200
    assert '<html lang="en" dir="ltr">' in odd.text
    assert client.get("/embed/nobody").status_code == 404


@pytest.mark.usefixtures("appeal")
def test_the_form_signs_inside_the_frame_and_counts_its_source(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Referer": "http://localhost" + EMBED + "?via=example-org&lang=fr"}
    wrong_answer = client.post(EMBED + "?lang=fr", data=form(name=""), headers=headers)
    assert wrong_answer.status_code == 422
    assert '<input type="hidden" name="via" value="example-org">' in wrong_answer.text
    sent = client.post(EMBED + "?lang=fr&theme=dark", data=form(), headers=headers)
    assert (sent.status_code, sent.location) == (303, EMBED + "/thanks?theme=dark&lang=fr")
    waiting = db.session.scalars(select(SignUp)).one()
    assert (origin_of(waiting, runtime().vault)[1], waiting.locale) == ("example-org", "fr")
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert client.post(EMBED, data=form(), headers=foreign).status_code == 403


@pytest.mark.usefixtures("appeal")
def test_a_form_in_a_sandbox_is_accepted_with_its_ticket(client: FlaskClient, clock: Clock) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "null"}
    first = client.post(EMBED + "?lang=en", data=form(), headers=foreign)
    assert first.status_code == 422, "a frame of another site could send this, but cannot read the ticket in the answer"
    assert _may_be_framed(first.headers)
    assert "Very many" not in first.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', first.text)
    assert ticket
    clock.now += timedelta(seconds=30)
    assert client.post(EMBED + "?lang=en", data=form(ticket=ticket[1] + "x"), headers=foreign).status_code == 422
    sent = client.post(EMBED + "?lang=en", data=form(ticket=ticket[1]), headers=foreign)
    assert (sent.status_code, sent.location) == (303, EMBED + "/thanks?theme=auto&lang=en")
    second_answer = client.post(
        EMBED + "?lang=en", data=form(ticket=ticket[1], email="b@mail.example"), headers=foreign
    )
    assert second_answer.status_code == 422, "each ticket is valid once"
    for path in ("/en/appeals/ana-ruiz-vega/sign", "/en/appeals/ana-ruiz-vega/act", "/en/new-link"):
        assert client.post(path, data=form(), headers=foreign).status_code == 403, path


@pytest.mark.usefixtures("appeal")
def test_files_of_an_embed_load_in_a_frame_without_an_origin(client: FlaskClient) -> None:
    page = client.get(EMBED).text
    loaded = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(loaded) >= 3
    for path in loaded:
        assert client.get(path).headers["Cross-Origin-Resource-Policy"] == "cross-origin", path


def test_the_script_is_one_line_to_paste(client: FlaskClient, appeal: AppealView) -> None:
    answer = client.get("/embed.js")
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    page = client.get("/fr/appeals/ana-ruiz-vega").text
    assert (
        '&lt;script async src="http://127.0.0.1:8000/embed.js" data-appeal="ana-ruiz-vega" data-lang="fr"&gt;' in page
    )


@pytest.mark.usefixtures("appeal")
def test_oembed_answers_in_json_and_xml(client: FlaskClient) -> None:
    link = re.search(r'type="application/json\+oembed" href="([^"]+)"', client.get("/fr/appeals/ana-ruiz-vega").text)
    assert link
    answer = client.get(link[1].removeprefix("http://127.0.0.1:8000"))
    data = answer.get_json()
    assert (data["version"], data["type"], data["provider_name"]) == ("1.0", "rich", "Tocsin")
    assert (data["width"], data["height"]) == (480, 900)
    assert 'src="http://127.0.0.1:8000/embed/ana-ruiz-vega?kind=form&amp;lang=fr"' in data["html"]
    small = client.get("/oembed", query_string={"url": ADDRESS, "maxwidth": 300, "maxheight": 200}).get_json()
    assert (small["width"], small["height"]) == (300, 200)
    assert "kind=counter" in small["html"]
    xml = client.get("/oembed", query_string={"url": ADDRESS, "format": "xml"})
    assert xml.content_type == "text/xml; charset=utf-8"
    assert ET.fromstring(xml.data).findtext("html") == data["html"]  # noqa: S314  the application's own answer


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"url": ADDRESS, "format": "yaml"}, 501),
        ({"url": ADDRESS + "x"}, 404),
        ({"url": "https://evil.example/fr/appeals/ana-ruiz-vega"}, 404),
        ({"url": "http://127.0.0.1:8000/fr/"}, 404),
        ({}, 404),
        ({"url": ADDRESS, "maxwidth": "many"}, 400),
        ({"url": ADDRESS, "maxheight": "0"}, 400),
        ({"url": ADDRESS, "maxheight": "²"}, 400),
    ],
)
@pytest.mark.usefixtures("appeal")
def test_oembed_refuses_as_its_specification_says(client: FlaskClient, query: dict[str, str], status: int) -> None:
    assert client.get("/oembed", query_string=query).status_code == status


@pytest.mark.usefixtures("appeal")
def test_wordpress_accepts_the_frame(client: FlaskClient) -> None:
    """Accept the frame as wp_filter_oembed_result() does for unknown providers: these attributes, and a src."""
    asked = {"url": ADDRESS, "maxwidth": "600", "maxheight": "900", "dnt": "1", "format": "json"}
    data = client.get("/oembed", query_string=asked).get_json()
    kept = set("src width height frameborder marginwidth marginheight scrolling title".split())
    allowed = {"a": {"href"}, "blockquote": set[str](), "iframe": kept}
    cleaned = nh3.clean(data["html"], tags=set(allowed), attributes=allowed, link_rel=None)
    frame = re.fullmatch(r"(<blockquote>.*?</blockquote>)?.*(<iframe.*?></iframe>)", cleaned, re.DOTALL)
    assert frame
    source = re.search(r""" src=(['"])(.*?)\1""", frame[2])
    assert source
    path = html.unescape(source[2]).removeprefix("http://127.0.0.1:8000")
    assert client.get(path).status_code == 200
    assert isinstance(data["width"], int)
    assert 0 < data["width"] <= 600
    page = client.get(path).text
    assert re.search(r'class="instead" hidden><a class="button" href="/fr/appeals/ana-ruiz-vega#form"', page)
