"""Badly copied links, with punctuation at the end, capitals or no language: one redirect leads to the page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from campaign.document import parse_text
from campaign.domain.signing.token import Purpose, find_token
from campaign.models import Mail
from campaign.platform import db
from campaign.platform.runtime import RUNTIME_KEY
from campaign.queries.appeals.appeal import AppealView
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from tests.conftest import FRENCH, START, Postbox, confirm_newest, context, form, manage_token

PAGE = "/fr/appeals/ana-ruiz-vega"
SUFFIXES = (
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
    "_",
    "-",
    "`",
    "~",
    "%E2%80%94",
    "%E2%80%93%20",
    "%DB%94",
    "&gt;",
    "&gt;&gt;.",
    "%26%23x27%3B",
    "&",
    "%253E",
    "%25E2%2580%259D",
    "=",
    "%00",
    "%0D%0A",
    "%20is%20here",
    "%E3%82%92%E8%AA%AD%E3%82%80",
    "%F0%9F%95%AF%EF%B8%8F",
    "<br>",
    "<br/>",
    "%3Cbr%3E",
    "</a>",
    "%3C/a%3E",
    "%22>here</a>",
    "=3D",
    "=3D%22",
    "%23act",
    ";jsessionid=1",
    "&utm_source=mail",
    "|Ana",
    "](now)",
    "**%20(Ana)",
    "%2Cand%20others",
)
# Slashes that programs double, also with a suffix.
DOUBLED = (("/fr/", "/fr//"), ("/fr/", "//fr//"), ("/appeals/", "//appeals///"))
# Characters that mail programs and people insert into a link.
INSERTED = ("%0A", "%0D%0A", "%20", "=%0A", "=%0D%0A", "%0A%3E%20", "%00", "%E2%80%8B", "%C2%AD", "%09", "%250A")
# Path segments that are neither a token nor a slug.
DAMAGED = ("a%20b", "%C3%A9", "a%0Ab", "a%3Fb", "%00", "%20", "a", "%FF", "%2e%2e", "a%2Fb", "-", ".", "%25", "&amp;")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_suffix_of_a_link_is_ignored(client: FlaskClient, appeal: AppealView, suffix: str) -> None:
    for path in (PAGE, f"{PAGE}/progress", "/fr/sections", "/api/v1/appeals", "/sitemap.xml", f"/embed/{appeal.slug}"):
        answer = client.get(path + suffix)
        assert (answer.status_code, answer.location) == (301, path), path
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("suffix", ["", ".", "/", ")", "<br>", "=3D"])
@pytest.mark.parametrize("doubled", DOUBLED)
def test_doubled_slashes_take_one_redirect(
    client: FlaskClient, appeal: AppealView, doubled: tuple[str, str], suffix: str
) -> None:
    for path in (PAGE, f"{PAGE}/progress"):
        # The test client would read a path that begins with two slashes as a host.
        answer = client.get("/", environ_overrides={"PATH_INFO": path.replace(*doubled) + suffix})
        assert (answer.status_code, answer.location) == (301, path)


@pytest.mark.parametrize(
    "path", ["/FR/Appeals/Ana-Ruiz-Vega", "/fr/appeals/ANA-RUIZ-VEGA", "/Fr/APPEALS/ana-ruiz-vega/."]
)
def test_capitals_lead_to_the_same_page(client: FlaskClient, appeal: AppealView, path: str) -> None:
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
def test_a_link_without_a_language_leads_to_the_readers_language(
    client: FlaskClient, app: Flask, path: str, asked: str, leads: str
) -> None:
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), context=context())
    publish("ana-ruiz-vega", context=context())
    answer = client.get(path, headers={"Accept-Language": asked} if asked else {})
    assert (answer.status_code, answer.location) == (302, leads)
    assert "Accept-Language" in answer.headers["Vary"]
    assert client.get(leads).status_code == 200


def test_badly_copied_mailed_links_lead_to_the_link(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(f"{PAGE}/sign", data=form())
    db.session.execute(update(Mail).values(due_at=START))
    db.session.commit()
    deliver()
    link = postbox.link()
    for asked in (*(link + end for end in SUFFIXES), link.replace("/fr/s/", "/FR/S/"), link.replace("/fr/", "/")):
        answer = client.get(asked, headers={"Accept-Language": "fr"})
        if answer.status_code == 200:  # the decoder of the signature skips this suffix
            continue
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
def test_an_unknown_address_stays_a_404(client: FlaskClient, appeal: AppealView, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404


def test_a_draft_is_not_revealed(client: FlaskClient, app: Flask) -> None:
    import_draft(parse_text(FRENCH), ImportOptions(slug="ana-ruiz-vega"), context=context())
    for path in (PAGE + ".", "/appeals/ana-ruiz-vega", PAGE.upper()):
        assert client.get(path).status_code == 404


def test_a_form_is_not_redirected(client: FlaskClient, appeal: AppealView) -> None:
    assert client.post(f"{PAGE}/sign/", data=form()).status_code == 404


@pytest.fixture
def links(client: FlaskClient, appeal: AppealView) -> list[str]:
    """Return the address of a page, and mailed links that are valid."""
    client.post(f"{PAGE}/sign", data=form())
    signature = confirm_newest(START)
    manage, unsubscribe = (
        manage_token(signature, purpose=purpose) for purpose in (Purpose.MANAGE, Purpose.UNSUBSCRIBE)
    )
    return [PAGE, f"/fr/m/{manage}/act", f"/fr/u/{unsubscribe}"]


@pytest.mark.parametrize("inserted", INSERTED)
def test_a_link_broken_over_lines_is_joined(client: FlaskClient, links: list[str], inserted: str) -> None:
    for link in links:
        assert client.get(link).status_code == 200
        for place in (8, 12, len(link) // 2, len(link) - 2):
            answer = client.get(link[:place] + inserted + link[place:])
            assert answer.location == link or answer.status_code == 200, place


@pytest.mark.parametrize("before", ["/en/s/", "/en/u/", "/en/m/", "/en/appeals/", "/s/", "/en/countries/", "/en/", "/"])
def test_a_link_without_its_last_part_is_a_404(client: FlaskClient, appeal: AppealView, before: str) -> None:
    for damaged in DAMAGED:
        for suffix in ("", "/act", "/", "."):
            _check_at_most_one_redirect(client, before + damaged + suffix)


_junk_text = st.one_of(
    st.sampled_from([unquote(one) for one in (*SUFFIXES, *INSERTED, *DAMAGED)]),
    st.sampled_from(["/fr", "/s/", "..", "%0A", "%", "\\", "//evil.example", "İ", "K"]),
    st.text(max_size=4),
)
_damage_steps = st.tuples(
    st.sampled_from(["insert", "cut", "upper", "quote", "twice"]), st.integers(0, 200), _junk_text
)


def _damaged(link: str, damage: list[tuple[str, int, str]]) -> str:
    for kind, where, junk in damage:
        place = 1 + where % len(link)
        link = {
            "insert": link[:place] + junk + link[place:],
            "cut": link[:place] + link[place + len(junk) :],
            "upper": link[:place] + link[place:].upper(),
            "quote": quote(link, safe="/"),
            "twice": link + link[place - 1 :],
        }[kind]
    return link


def _check_at_most_one_redirect(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    onward = answer.headers.get("Location")
    if onward is None:
        assert answer.status_code in {200, 404, 410}
        return
    assert onward.startswith("/")
    assert not onward.startswith("//")
    assert unquote(onward) != unquote(path)
    assert client.get(onward).status_code in {200, 404, 410}, onward


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 2), damage=st.lists(_damage_steps, min_size=1, max_size=3))
@example(which=2, damage=[("insert", 8, " ")])
@example(which=2, damage=[("insert", 8, "\n")])
@example(which=2, damage=[("cut", 4, "x" * 4), ("insert", 9, "é")])
def test_no_damaged_link_redirects_to_itself(
    client: FlaskClient, links: list[str], which: int, damage: list[tuple[str, int, str]]
) -> None:
    path = quote(_damaged(links[which], damage).replace("?", "%3F"), safe="/")
    _check_at_most_one_redirect(client, "/" + path.lstrip("/"))


@given(st.text(max_size=200))
def test_mending_twice_changes_nothing_more(text: str) -> None:
    token = find_token(text)
    assert token is None or find_token(token) == token


@pytest.mark.parametrize("purpose", Purpose)
def test_the_token_of_every_purpose_is_recognised(app: Flask, purpose: Purpose) -> None:
    tokens = app.extensions[RUNTIME_KEY].tokens
    for number in (0, 1, 10**12):
        for beside in (b"", bytes(range(240)), b"\0" * 240):
            token = tokens.make(purpose, number, START, b"k" * 16, b"shown", beside)
            assert find_token(token) == token
            assert find_token(token[:9] + "=\r\n> " + token[9:] + "&gt; and so on") == token
            # So that a letter after a link is not read as its last one.
            assert token[-1].isalnum()
