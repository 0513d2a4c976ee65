"""A proxy that the settings do not count: logged once, shown to administrators, and without further effect."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from campaign.web.http.proxies import EXTENSION, UnknownProxy
from tests.staff.staff_clients import staffed

SAID = "TOCSIN_PROXIES is 0"


@pytest.fixture
def watch(app: Flask) -> UnknownProxy:
    found: UnknownProxy = app.extensions[EXTENSION]
    found.is_seen = False
    return found


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_the_first_forwarded_request_is_logged_once(
    client: FlaskClient, watch: UnknownProxy, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client.get("/en/")
        assert not watch.is_seen
        for number in range(5):
            assert client.get("/readyz", headers={header: f"203.0.113.{number}"}).status_code == 200
    assert caplog.text.count(SAID) == 1
    assert "203.0.113" not in caplog.text
    for value in ("", "for=unknown", "x" * 5000, "203.0.113.1, " * 300, "\xff"):
        assert client.get("/readyz", headers={header: value}).status_code == 200, "a stranger's header fails nothing"
        assert client.get("/healthz", headers={header: value}).status_code == 200


def test_only_administrators_read_it_on_their_first_page(app: Flask, client: FlaskClient, watch: UnknownProxy) -> None:
    admin = staffed(app, Role.ADMIN)
    assert SAID not in admin.get("/staff/").text
    client.get("/en/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert SAID in admin.get("/staff/").text
    assert SAID not in staffed(app, Role.COORDINATOR).get("/staff/").text
