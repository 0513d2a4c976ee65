"""The response cache before Flask: same bytes as the application, only while the counts in them are fresh."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from flask import Flask

from campaign.queries.appeals.appeal import AppealView
from campaign.web.caching.response_cache import ResponseCache, accepted_coding
from tests.conftest import Clock

CachedAnswer = tuple[str, dict[str, str], bytes]


# Request headers of a browser, and the coding of the answer (RFC 9110, 12.5.3).
ACCEPTED = {
    "": "",
    "br": "br",
    "gzip": "gzip",
    "gzip, deflate, br, zstd": "br",
    "GZip;Q=0.5": "gzip",
    "gzip;q=1.0,\tbr ; q=0.001": "gzip",
    "br;q=0": "",
    "br;q=0, gzip": "gzip",
    "gzip, br;q=0": "gzip",
    "gzip;q=0, br;q=0": "",
    "gzip;q=0.0": "",
    "gzip ; q=0.000": "",
    "gzip;q=0, gzip": "",
    "gzipx": "",
    "x-gzip": "gzip",
    "abr, brx, bro": "",
    "*": "br",
    "*;q=0": "",
    "*, br;q=0": "gzip",
    "br;q=0, gzip;q=0, *": "",
    "*;q=0, gzip": "gzip",
    "identity": "",
    "identity, br;q=0.5": "",
    "identity;q=0.5, gzip": "gzip",
    "identity;q=0": "",
    "br;q=maybe": "",
    "br;q=": "",
    "br;q=2": "",
    "br;q=-1": "",
    "br;q=nan": "",
    ";;,,=": "",
    "br, " + "x" * 300: "",
}


@pytest.fixture
def application_paths() -> list[str]:
    """Return the paths that reached the application."""
    return []


@pytest.fixture
def response_cache(application_paths: list[str]) -> ResponseCache:
    """Return a cache with one page stored for a second, before an application that answers everything with its path."""
    clock = Clock()

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        application_paths.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return (b"application",)

    made = ResponseCache(application, clock)
    made.clock = clock  # type: ignore[attr-defined]
    made.store("/page", "br", ("200 OK", [("ETag", '"1br"'), ("Content-Type", "text/html"), ("Vary", "x")], b"kept"), 1)
    return made


def send(
    response_cache: ResponseCache, path: str = "/page", method: str = "GET", query: str = "", **headers: str
) -> CachedAnswer:
    """Send one request, as the server does."""
    said: list[tuple[str, dict[str, str]]] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **headers}
    body: Iterable[bytes] = response_cache(environ, lambda status, pairs, _=None: said.append((status, dict(pairs))))  # type: ignore[arg-type]
    return *said[0], b"".join(body)


def test_a_fresh_page_is_answered_without_the_application(
    response_cache: ResponseCache, application_paths: list[str]
) -> None:
    assert send(response_cache, HTTP_ACCEPT_ENCODING="gzip, br")[2] == b"kept"
    assert application_paths == []


@pytest.mark.parametrize(
    "other",
    [
        {"HTTP_ACCEPT_ENCODING": "gzip"},
        {"HTTP_ACCEPT_ENCODING": "br", "query": "a=b"},
        {"HTTP_ACCEPT_ENCODING": "br", "method": "POST"},
        {"HTTP_ACCEPT_ENCODING": "br", "method": "HEAD"},
        {"HTTP_ACCEPT_ENCODING": "br", "path": "/other"},
    ],
)
def test_other_requests_reach_the_application(
    response_cache: ResponseCache, application_paths: list[str], other: dict[str, str]
) -> None:
    assert send(response_cache, **other)[2] == b"application"
    assert len(application_paths) == 1


@pytest.mark.parametrize("by", [timedelta(seconds=1), timedelta(seconds=-1)], ids=["later", "clock set back"])
def test_an_expired_page_is_requested_again(
    response_cache: ResponseCache, application_paths: list[str], by: timedelta
) -> None:
    clock: Clock = response_cache.clock  # type: ignore[attr-defined]
    clock.now += by
    assert send(response_cache, HTTP_ACCEPT_ENCODING="br")[2] == b"application"
    assert len(application_paths) == 1


def test_an_unchanged_page_is_answered_by_its_etag(response_cache: ResponseCache) -> None:
    status, headers, body = send(response_cache, HTTP_ACCEPT_ENCODING="br", HTTP_IF_NONE_MATCH='"0br", W/"1br"')
    assert (status, headers, body) == ("304 NOT MODIFIED", {"ETag": '"1br"', "Vary": "x"}, b"")


@pytest.mark.parametrize(
    "address",
    ["/en/appeals/{}", "/api/v1/appeals/{}", "/fr/", "/en/appeals/{}/progress", "/fr/appeals/{}/progress.svg"],
)
def test_the_cache_answers_as_the_application_does(app: Flask, appeal: AppealView, address: str) -> None:
    path = address.format(appeal.slug)
    response_cache: ResponseCache = app.extensions["tocsin_response_cache"]
    coding = {"Accept-Encoding": "gzip"}
    first = app.test_client().get(path, headers=coding)
    status, headers, body = response_cache._answers[path, "gzip"][2]
    assert status == "200 OK"
    assert first.status_code == 200
    assert sorted(headers) == sorted(first.headers)
    assert body == first.data


@pytest.mark.parametrize("header", ACCEPTED)
def test_only_an_accepted_coding_is_chosen(header: str) -> None:
    assert accepted_coding(header) == ACCEPTED[header]


@pytest.mark.parametrize("header", ["br;q=0", "br;q=0, gzip", "gzip;q=0, br;q=0", "gzipx", "*;q=0", "identity"])
def test_a_cached_page_is_not_answered_in_a_refused_coding(
    response_cache: ResponseCache, application_paths: list[str], header: str
) -> None:
    assert send(response_cache, HTTP_ACCEPT_ENCODING=header)[2] == b"application"
    assert len(application_paths) == 1


@pytest.mark.parametrize("path", ["/fr/appeals/{}", "/fr/", "/fr/appeals/{}/progress", "/embed.js", "/embed/{}"])
@pytest.mark.parametrize("query", ["", "?a=b"], ids=["front", "page cache"])
def test_no_page_is_sent_in_a_refused_coding(app: Flask, appeal: AppealView, path: str, query: str) -> None:
    client = app.test_client()
    address = path.format(appeal.slug) + query
    plain = client.get(address).data
    # Each coding is cached first, so that both caches could answer in the wrong one.
    for coding in ("br", "gzip"):
        assert client.get(address, headers={"Accept-Encoding": coding}).headers["Content-Encoding"] == coding
    for header, coding in ACCEPTED.items():
        for _ in range(2):
            answer = client.get(address, headers={"Accept-Encoding": header})
            assert answer.headers.get("Content-Encoding", "") == coding, header
            assert coding or answer.data == plain, header


def test_a_coding_is_not_looked_for_in_a_very_long_header() -> None:
    assert accepted_coding("gzip" + ", x" * 65) == "gzip"
    assert accepted_coding("gzip" + ", x" * 66) == ""
