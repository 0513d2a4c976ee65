"""The channel of docs/developing/add-a-channel.md appears for supporters, staff, in the API and in exports."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.counting.channel import Channel
from campaign.domain.staff.roles import Role
from campaign.queries.appeals.appeal import AppealView
from campaign.services.counting.verify import verify_counts
from campaign.web.public.site.metrics import MetricsCache
from tests.code.test_migrations import test_models_equal_migrations as models_equal_migrations
from tests.code.test_words import extracted_messages
from tests.conftest import Postbox, clear_caches, form, text_of
from tests.moderation.test_reported import PAGE as REPORTED
from tests.staff.staff_clients import csrf, staff_client

APPEAL, STAFF = "/en/appeals/ana-ruiz-vega", "/staff/appeals/ana-ruiz-vega"


def report_letter(client: FlaskClient) -> None:
    answer = client.post(f"{APPEAL}/act", data={"channel": "courier", "target": "1", "country": "FR"})
    assert answer.status_code == 303
    assert "#courier" in answer.location
    assert "Counted, thank you." in client.get(answer.location).text


def enter_bulk(app: Flask) -> FlaskClient:
    """Enter a quantity of twelve as staff do; return the editor's browser."""
    browser = staff_client(app, Role.EDITOR)
    page = browser.get(f"{STAFF}/bulk-entries")
    assert '<option value="courier">Letters by courier</option>' in page.text
    typed = {"csrf_token": csrf(page), "quantity": "12", "channel": "courier", "day": "2026-03-01"}
    assert browser.post(f"{STAFF}/bulk-entries", data=typed).status_code == 303
    clear_caches(app)
    return browser


def test_the_page_for_sending_the_letter_offers_it_last(client: FlaskClient, appeal: AppealView) -> None:
    page = client.get(f"{APPEAL}/act?country=FR").text
    steps = [part.partition('"')[0] for part in page.split('<li id="')[1:]]
    assert steps[-1] == "courier"
    step = page.split('<li id="courier"')[1].partition("</li>")[0]
    assert "<h2>By courier</h2>" in step
    assert "Calle Ejemplo 1" in step
    assert "letter.pdf" in step
    assert "By post until March 22, 2026" in step, "it takes days, like every channel that is carried"
    assert 'aria-label="I have done it: By courier"' in step


def test_reports_and_entries_are_counted_on_pages_and_in_the_api(
    app: Flask, client: FlaskClient, appeal: AppealView
) -> None:
    report_letter(client)
    enter_bulk(app)
    counts = client.get("/api/v1/appeals/ana-ruiz-vega").json["counts"]  # type: ignore[index]
    assert counts["by_channel"] == {"courier": 13}
    assert counts["by_evidence"] == {"verified": 0, "reported": 1, "bulk": 12}
    assert "Letters by courier" in client.get(f"{APPEAL}/progress").text
    app.extensions["tocsin_metrics"] = MetricsCache()
    assert 'channel="courier"' in client.get("/metrics").text
    assert verify_counts() == []


def test_staff_see_filter_and_export_it(app: Flask, client: FlaskClient, appeal: AppealView) -> None:
    report_letter(client)
    browser = enter_bulk(app)
    page = browser.get(STAFF).text
    assert '<option value="courier">Letters by courier</option>' in page
    assert '<th scope="row">Letters by courier</th>' in page
    assert '<option value="courier" selected>' in browser.get(f"{STAFF}?channel=courier").text
    rows = list(csv.reader(io.StringIO(browser.get(f"{STAFF}/channels.csv").text)))
    assert ["courier", "0", "1", "12", "13"] in rows
    assert any("courier" in row for row in csv.reader(io.StringIO(browser.get(f"{STAFF}/days.csv").text)))
    assert "Letters by courier" in browser.get(f"{STAFF}/bulk-entries").text
    assert browser.get(REPORTED).status_code == 200


def test_supporters_see_it_in_their_own_data(
    client: FlaskClient, appeal: AppealView, deliver: Any, postbox: Postbox
) -> None:
    client.post(f"{APPEAL}/sign", data=form())
    deliver()
    act = client.post(postbox.link()).location
    deliver()
    assert client.post(act, data={"channel": "courier", "target": "1"}).status_code == 303
    mine = re.search(r"/en/m/\S+/me", text_of(postbox.messages[-1]))
    assert mine, "the thank-you mail links to the data"
    assert "By courier" in client.get(mine[0]).text
    assert '"courier"' in client.get(f"{mine[0]}.json").text


def test_the_schema_allows_it_and_its_names_are_translatable(app: Flask) -> None:
    models_equal_migrations(app)
    assert {Channel("courier").rules.counted, Channel("courier").rules.done} <= extracted_messages()
