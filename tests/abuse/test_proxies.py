"""A proxy that the settings do not count: logged once, shown to administrators, and without further effect."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from campaign.web.http.proxies import EXTENSION, UnknownProxy
from tests.staff.staff_clients import staff_client

WARNING = "TOCSIN_PROXIES is 0"


@pytest.fixture
def unknown_proxy(app: Flask) -> UnknownProxy:
    found: UnknownProxy = app.extensions[EXTENSION]
    found.is_seen = False
    return found


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_an_unconfigured_proxy_is_logged_once(
    client: FlaskClient, unknown_proxy: UnknownProxy, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client.get("/en/")
        assert not unknown_proxy.is_seen
        for number in range(5):
            assert client.get("/readyz", headers={header: f"203.0.113.{number}"}).status_code == 200
    assert caplog.text.count(WARNING) == 1
    assert "203.0.113" not in caplog.text
    for value in ("", "for=unknown", "x" * 5000, "203.0.113.1, " * 300, "\xff"):
        assert client.get("/readyz", headers={header: value}).status_code == 200, (
            "a header of a stranger causes no failure"
        )
        assert client.get("/healthz", headers={header: value}).status_code == 200


def test_only_administrators_see_the_warning_on_their_first_page(
    app: Flask, client: FlaskClient, unknown_proxy: UnknownProxy
) -> None:
    admin = staff_client(app, Role.ADMIN)
    assert WARNING not in admin.get("/staff/").text
    client.get("/en/", headers={"X-Forwarded-For": "203.0.113.7"})
    assert WARNING in admin.get("/staff/").text
    assert WARNING not in staff_client(app, Role.COORDINATOR).get("/staff/").text
