"""The `/metrics` page: its figures, and the clients that may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from campaign.platform.runtime import RUNTIME_KEY
from campaign.queries.appeals.appeal import AppealView
from campaign.web.public.site.metrics import MetricsCache
from tests.conftest import Postbox, form

PUBLIC = {"REMOTE_ADDR": "203.0.114.9"}


@pytest.fixture(autouse=True)
def _fresh_metrics(app: Flask) -> None:
    app.extensions["tocsin_metrics"] = MetricsCache()


def with_settings(app: Flask, **changes: Any) -> None:
    app.extensions[RUNTIME_KEY] = replace(
        app.extensions[RUNTIME_KEY], settings=replace(app.extensions[RUNTIME_KEY].settings, **changes)
    )


def test_the_metrics_show_the_state(client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox) -> None:
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form())
    client.post("/en/appeals/ana-ruiz-vega/sign", data=form(email="b@mail.example"))
    deliver()
    client.post(postbox.link(0))
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["tocsin_mails", "sent"] == 2
    assert found["tocsin_mails", "queued"] == 1  # the thanks
    assert found["tocsin_mails", "dead"] == found["tocsin_mail_held",] == 0
    assert found["tocsin_mail_oldest_due_seconds",] >= 0
    assert (found["tocsin_appeals", "open"], found["tocsin_appeals", "draft"]) == (1, 0)
    assert (found["tocsin_signatures", "confirmed"], found["tocsin_signatures", "pending"]) == (1, 1)
    assert found["tocsin_signatures", "withdrawn"] == 0
    assert found["tocsin_actions", "signature", "verified"] == 1
    assert "@" not in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "fd00::1"])
def test_a_private_address_needs_no_key(client: FlaskClient, address: str) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["203.0.114.9", "2a01::1", "", "unix"])
def test_other_addresses_need_the_key(client: FlaskClient, address: str) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 403
    assert "tocsin_" not in answer.text


def test_the_key_opens_it_from_anywhere(app: Flask, client: FlaskClient) -> None:
    key = "a key of sixteen or more"
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.get("/metrics", headers=bearer, environ_base=PUBLIC).status_code == 403
    with_settings(app, metrics_key=key)
    assert client.get("/metrics", headers=bearer, environ_base=PUBLIC).status_code == 200
    for wrong in ("", "Bearer ", "Bearer x", f"Bearer {key}é"):
        headers = {"Authorization": wrong}
        assert client.get("/metrics", headers=headers, environ_base=PUBLIC).status_code == 403


def test_an_unconfigured_proxy_makes_no_address_private(app: Flask, client: FlaskClient) -> None:
    near = {"REMOTE_ADDR": "127.0.0.1"}
    forwarded = {"X-Forwarded-For": "203.0.114.9"}
    assert client.get("/metrics", headers=forwarded, environ_base=near).status_code == 403
    assert client.get("/metrics", headers={"Forwarded": "for=x"}, environ_base=near).status_code == 403
