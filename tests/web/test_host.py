"""Attacks by the Host header: no mailed link has the host of a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.domain.staff.roles import Role
from campaign.factory import create_app
from campaign.platform import db
from campaign.platform.runtime import runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.web.http.host import host_name
from tests.conftest import Postbox, clear_caches, settings_for, text_of
from tests.staff.staff_clients import csrf, join_staff

EVIL = "evil.example"
ANA = "ana@staff.example"
PLAIN = {"Host": EVIL, "Referer": f"http://{EVIL}/staff/reset", "Origin": f"http://{EVIL}"}
FORWARDED = {
    "X-Forwarded-Host": EVIL,
    "Forwarded": f"host={EVIL}",
    "X-Forwarded-Server": EVIL,
    "X-Original-Host": EVIL,
    "Referer": f"http://{EVIL}/staff/reset",
}
HOST_HEADERS = [
    PLAIN,
    {"Host": f"{EVIL}:8000"},
    {"Host": f"127.0.0.1:8000@{EVIL}"},
    {"Host": f"{EVIL}:80#@127.0.0.1"},
    FORWARDED,
]


def ask_for_reset(client: FlaskClient, **headers: str) -> TestResponse:
    token = csrf(client.get("/staff/reset"))
    return client.post("/staff/reset", data={"email": ANA, "csrf_token": token}, headers=headers)


def mailed_hosts(postbox: Postbox) -> set[str]:
    """Return the scheme and host of every link mailed."""
    return {found for message in postbox.messages for found in re.findall(r"(https?://[^/\s\"<>]+)", str(message))}


@pytest.mark.parametrize("headers", HOST_HEADERS)
def test_a_reset_mail_never_links_to_the_host_of_the_request(
    app: Flask, client: FlaskClient, deliver: Callable[[], Any], postbox: Postbox, headers: dict[str, str]
) -> None:
    join_staff(app, ANA, Role.EDITOR)
    deliver()
    ask_for_reset(client, **headers)
    # Accepted, because the setting is a local address; sent without Origin, which would have it refused.
    ask_for_reset(client, **{k: v for k, v in headers.items() if k != "Origin"} | {"Host": "localhost:9999"})
    deliver()
    resets = [message for message in postbox.messages if "/staff/reset/" in text_of(message)]
    assert resets, "the second request was mailed"
    assert mailed_hosts(postbox) == {runtime().settings.base_url}


@pytest.mark.parametrize("proxies", ["0", "1", "2"])
def test_another_host_is_refused_by_both_applications(tmp_path: Path, proxies: str) -> None:
    environ = {"TOCSIN_BASE_URL": "https://act.example.org", "TOCSIN_PROXIES": proxies}
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.db", tmp_path, **environ))
    client = app.test_client()
    for path in ("/", "/en/", "/staff/login", "/staff/reset", "/api/v1/appeals", "/static/x/y", "//", "/healthz/"):
        for headers in HOST_HEADERS[:-1]:
            answer = client.get(path, headers=headers | {"X-Forwarded-Host": "act.example.org"})
            assert answer.status_code == 421
            assert "TOCSIN_BASE_URL" in answer.text, "the page names the setting for operators"
            assert "https://act.example.org/" in answer.text
            assert EVIL not in answer.text + str(answer.headers)
            assert client.post(path, headers=headers).status_code == 421
            assert client.head(path, headers=headers).data == b""
        assert client.get(path, headers={"Host": "localhost"}).status_code == 421, (
            "local names are answered only in demonstration and development"
        )
    for host in ("act.example.org", "ACT.example.org:8443", "act.example.org."):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
        assert client.get("/static/x/y", headers={"Host": host}).status_code == 404
    for machine in ("/healthz", "/readyz", "/metrics"):
        assert client.get(machine, headers=PLAIN).status_code != 421, "monitoring may use any host"
    dispose(app)


def test_in_a_demonstration_the_local_names_are_answered(tmp_path: Path) -> None:
    environ = {"TOCSIN_BASE_URL": "https://act.example.org", "TOCSIN_DEMO": "1"}
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.db", tmp_path, **environ))
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert app.test_client().get("/", headers={"Host": host}).status_code == 302
    assert app.test_client().get("/", headers={"Host": EVIL}).status_code == 421
    dispose(app)


@pytest.mark.parametrize("path", ["//", "//en//", "/en/appeals//x", "/staff", "//evil.example/%2e%2e"])
def test_a_redirect_leads_to_the_base_url_or_stays(tmp_path: Path, path: str) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.db", tmp_path, TOCSIN_BASE_URL="https://act.example.org"))
    asked = {"Host": "act.example.org:8443", "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "http"}
    answer = app.test_client().get("/", headers=asked, environ_overrides={"PATH_INFO": path})
    assert re.match(r"/(?!/)|https://act\.example\.org(/|$)", answer.headers.get("Location", "/")), answer.location
    dispose(app)


def test_a_cached_page_does_not_contain_the_host_of_its_first_reader(
    app: Flask, client: FlaskClient, appeal: AppealView
) -> None:
    for path in (f"/en/appeals/{appeal.slug}/act", f"/en/appeals/{appeal.slug}", "/en/", "/en/feed.atom", "/embed.js"):
        clear_caches(app)
        client.get(path, headers={"Host": "localhost:6666"})
        found = client.get(path).text
        assert "6666" not in found
        assert "localhost" not in found


def test_a_host_is_compared_without_its_port_and_case() -> None:
    assert {host_name(host) for host in ("Act.Example", "act.example:443", "act.example.")} == {"act.example"}
    assert host_name("[::1]:8000") == "[::1]"
    assert host_name("müller.example") == "xn--mller-kva.example"
    assert {host_name(host) for host in ("", ":80", "act.example:80@evil", "a" * 70 + "ü")} == {""}


def dispose(app: Flask) -> None:
    for each_app in (app, app.extensions["tocsin_staff"]):
        with each_app.app_context():
            db.engine.dispose()
