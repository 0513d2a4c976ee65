"""The public pages: their content, their headers, and how they are cached."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.queries.appeals.appeal import AppealView

PAGE = "/fr/appeals/ana-ruiz-vega"


def test_the_root_leads_to_the_readers_language(client: FlaskClient) -> None:
    assert client.get("/", headers={"Accept-Language": "fr-CH, en;q=0.5"}).location == "/fr/"
    assert client.get("/", headers={"Accept-Language": "xx"}).location == "/en/"


@pytest.mark.parametrize("locale", ["fr", "en", "es", "ar", "de", "ru"])
def test_every_page_renders_in_every_locale(client: FlaskClient, appeal: AppealView, locale: str) -> None:
    for path in (
        "",
        "appeals/ana-ruiz-vega",
        "appeals/ana-ruiz-vega/thanks",
        "appeals/ana-ruiz-vega/progress",
        "appeals/ana-ruiz-vega/act",
        "new-link",
        "new-link/sent",
    ):
        page = client.get(f"/{locale}/{path}")
        assert page.status_code == 200, path
        assert f'<html lang="{locale}" dir="{"rtl" if locale == "ar" else "ltr"}">' in page.text


def test_the_appeal_page_has_all_parts_of_the_case(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get(PAGE).text
    for part in (
        "TEACHER THREATENED",
        "Ana Ruiz Vega",
        "she/her",
        "Colombie",
        "Pedro Alba Montes",
        "I ask you to protect her at once.",
        "espagnol",
        "ou la vôtre",
        "hills above the river",
        "objectif",
        "encore 42 jours",
    ):
        assert part in page, part


def test_no_answer_sets_a_cookie_and_all_have_security_headers(client: FlaskClient, appeal: AppealView) -> None:
    for path in ("/", "/fr/", PAGE, PAGE + "/progress", "/fr/nothing", "/api/v1/appeals", "/healthz"):
        headers = client.get(path).headers
        assert "Set-Cookie" not in headers
        assert "Cookie" not in headers.get("Vary", "")
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_is_answered_by_its_etag_and_compressed(client: FlaskClient, appeal: AppealView) -> None:
    first = client.get(PAGE, headers={"Accept-Encoding": "gzip, br"})
    assert first.headers["Content-Encoding"] == "br"
    second_answer = client.get(PAGE, headers={"Accept-Encoding": "gzip, br", "If-None-Match": first.headers["ETag"]})
    assert (second_answer.status_code, second_answer.data) == (304, b"")


def test_unknown_addresses_get_a_404_page(client: FlaskClient, app: Flask) -> None:
    page = client.get("/fr/appeals/nobody")
    assert page.status_code == 404
    assert "Cette page n’existe pas" in page.text
    assert client.get("/api/v1/appeals/nobody").get_json()["status"] == 404
    assert client.post("/fr/appeals/nobody/sign").status_code == 404
    for slug in ("%00", "x" * 5000, "..", "%ff", "a'b"):
        assert client.get(f"/fr/appeals/{slug}").status_code == 404


def test_the_counts_api_has_the_documented_fields(client: FlaskClient, appeal: AppealView) -> None:
    data = client.get("/api/v1/appeals/ana-ruiz-vega").get_json()
    assert data.pop("updated_at") == "2026-03-01T12:00:00Z"
    assert data == {
        "slug": "ana-ruiz-vega",
        "reference": "UA 7/26",
        "country": "CO",
        "state": "open",
        "deadline": "2026-04-12",
        "days_left": 42,
        "goal": 1000,
        "time_zone": "UTC",
        "counts": {
            "total": 0,
            "signatures": 0,
            "by_evidence": {"verified": 0, "reported": 0, "bulk": 0},
            "by_channel": {},
            "by_section": {},
        },
    }
    assert client.get("/api/v1/appeals").headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert [appeal["slug"] for appeal in client.get("/api/v1/appeals").get_json()["appeals"]] == ["ana-ruiz-vega"]


def test_the_health_checks_answer(client: FlaskClient, app: Flask) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_the_mailbox_page_exists_only_in_a_demonstration(client: FlaskClient) -> None:
    assert client.get("/dev/mail").status_code == 404
