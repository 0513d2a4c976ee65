"""Page views of an appeal: counted only if switched on, and without personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaign.domain.counting.funnel import OTHER_SOURCES
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role, Scope
from campaign.models import AbuseAlert, FunnelCount
from campaign.platform import db
from campaign.platform.runtime import RUNTIME_KEY, runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.funnel import funnel
from campaign.services.abuse import limits as guard
from campaign.services.abuse.counters import parse_limits
from campaign.services.appeals.lifecycle import close
from campaign.services.counting import funnel_counts as steps
from campaign.services.counting.funnel_counts import count_view, roll_up_funnel
from tests.conftest import DAY, Clock, clear_caches, context, form
from tests.staff.staff_clients import staff_client

COORDINATOR_SCOPE = Scope(2, Role.COORDINATOR, "fr")


@pytest.fixture
def counting_app(app: Flask) -> Iterator[Flask]:
    """Return the application with TOCSIN_PAGE_VIEWS=1, on the staff pages too."""
    before = app.extensions[RUNTIME_KEY]
    for each_app in (app, app.extensions["tocsin_staff"]):
        each_app.extensions[RUNTIME_KEY] = replace(before, settings=replace(before.settings, page_views=True))
    yield app
    for each_app in (app, app.extensions["tocsin_staff"]):
        each_app.extensions[RUNTIME_KEY] = before


def stored_views() -> dict[tuple[str, str, str], int]:
    """Return the number of views by (section, aspect, value)."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in db.session.scalars(select(FunnelCount).where(FunnelCount.funnel_stage == "viewed")):
        found[row.section_code, row.aspect, row.value] += row.quantity
    db.session.rollback()
    return dict(found)


def send_view(client: FlaskClient, appeal: AppealView, via: str = "", locale: str = "en", **headers: str) -> int:
    """Send what the page's script sends; return the status."""
    path = f"/{locale}/appeals/{appeal.slug}"
    said = {"Referer": f"http://localhost{path}" + (f"?via={via}" if via else ""), "Sec-Fetch-Site": "same-origin"}
    answer = client.post(path + "/viewed", headers=said | {name.replace("_", "-"): headers[name] for name in headers})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


def test_without_the_setting_no_view_is_counted(client: FlaskClient, appeal: AppealView) -> None:
    assert send_view(client, appeal) == 404
    assert "data-view" not in client.get(f"/en/appeals/{appeal.slug}").text
    assert "asks not to be tracked" not in client.get("/en/privacy").text
    assert stored_views() == {}


def test_the_page_reports_views_and_the_privacy_notice_says_so(
    client: FlaskClient, appeal: AppealView, counting_app: Flask
) -> None:
    path = f"/fr/appeals/{appeal.slug}"
    assert f' data-view="{path}/viewed"></script>' in client.get(path).text
    refused_answer = client.post(f"{path}/sign", data=form(name=""))
    assert (refused_answer.status_code, "data-view" in refused_answer.text) == (422, False), (
        "a form returned with errors is no new view"
    )
    assert "demande à ne pas être suivi" in client.get("/fr/privacy").text
    close(appeal.slug, context=context())
    clear_caches(counting_app)
    assert "data-view" not in client.get(path).text, "a page that cannot be signed reports no view"


def test_a_view_is_counted_by_section_and_source(client: FlaskClient, appeal: AppealView, counting_app: Flask) -> None:
    assert send_view(client, appeal, via="stall-lyon", Accept_Language="en,fr-FR;q=0.8") == 204
    assert send_view(client, appeal, via="no tag", Accept_Language="zh-Hant-FR") == 204
    assert send_view(client, appeal, via="stall-lyon") == 204
    assert send_view(client, appeal, locale="fr", Accept_Language="fr-BE, fr-FR;q=0.5") == 204
    assert send_view(client, appeal, Accept_Language="x-*,en-419;q=nonsense") == 204
    assert stored_views() == {
        ("fr", "page", ""): 2,
        ("fr", "source", "stall-lyon"): 1,
        ("international", "page", ""): 2,
        ("international", "source", "stall-lyon"): 1,
        ("be-fr", "page", ""): 1,
    }


def test_views_of_readers_who_refuse_tracking_or_of_other_sites_are_not_counted(
    client: FlaskClient, appeal: AppealView, counting_app: Flask
) -> None:
    assert send_view(client, appeal, Sec_GPC="1") == 204
    assert send_view(client, appeal, DNT="1") == 204
    assert send_view(client, appeal, Sec_Fetch_Site="cross-site") == 403
    assert client.post("/en/appeals/no-such-case/viewed").status_code == 404
    close(appeal.slug, context=context())
    clear_caches(counting_app)
    assert send_view(client, appeal) == 204
    assert stored_views() == {}


@pytest.mark.slow
def test_views_of_one_network_are_limited(client: FlaskClient, appeal: AppealView, counting_app: Flask) -> None:
    assert {send_view(client, appeal) for _ in range(120)} == {204}
    assert send_view(client, appeal) == 429
    assert stored_views() == {("international", "page", ""): 120}


def test_staff_see_the_stage_only_if_it_is_counted(app: Flask, appeal: AppealView, counting_app: Flask) -> None:
    for section, via in (("fr", "stall-lyon"), ("fr", None), ("be-nl", "poster")):
        count_view(appeal.id, section, via, context=context(actor=SUPPORTER))
    app.test_client().post(f"/fr/appeals/{appeal.slug}/sign", data=form(via="stall-lyon"))
    browser = staff_client(app, Role.VIEWER)
    page = browser.get(f"/staff/appeals/{appeal.slug}/funnel").text
    assert '<th scope="row">Viewed</th><td class="n">2</td><td class="n">–</td><td class="n">2</td>' in page
    assert '<th scope="row">Signed</th><td class="n">1</td><td class="n">50%</td>' in page
    assert page.count('<th scope="col" class="n">Viewed</th>') == 1, "by source, but not by provider"
    sources = browser.get(f"/staff/appeals/{appeal.slug}/funnel/sources.csv").text.splitlines()
    assert sources[0].endswith(
        "source,viewed,signed,confirmed,signed_last_7_days,confirmed_last_7_days,viewed_last_7_days"
    )
    assert sources[1:] == ["stall-lyon,1,1,,1,,1"], "confirmations are shown from five on"
    steps_file = browser.get(f"/staff/appeals/{appeal.slug}/funnel/stages.csv").text.splitlines()
    assert steps_file[1:] == ["viewed,2,2", "signed,1,1", "confirmed,,"]
    for each_app in (app, app.extensions["tocsin_staff"]):
        each_app.extensions[RUNTIME_KEY] = replace(runtime(), settings=replace(runtime().settings, page_views=False))
    page = browser.get(f"/staff/appeals/{appeal.slug}/funnel").text
    assert "Viewed" not in page
    assert browser.get(f"/staff/appeals/{appeal.slug}/funnel/sources.csv").text.splitlines()[1:] == ["stall-lyon,1,,1,"]
    assert "viewed" not in browser.get(f"/staff/appeals/{appeal.slug}/funnel/stages.csv").text


def test_sources_with_views_only_displace_no_source_with_signatures(
    app: Flask, appeal: AppealView, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MOST_SOURCES", 2)
    app.test_client().post(f"/fr/appeals/{appeal.slug}/sign", data=form(via="stall-lyon"))
    for number in range(4):
        for _ in range(5 - number):
            count_view(appeal.id, "fr", f"made-up-{number}", context=context(clock.now, SUPPORTER))
    clock.now += DAY
    roll_up_funnel(context=context(clock.now))
    found = funnel(appeal.id, COORDINATOR_SCOPE, section="fr", now=clock.now, has_views=True)
    assert {source.value: (source.viewed, source.signed) for source in found.sources} == {
        "stall-lyon": (0, 1),
        "made-up-0": (5, 0),
        OTHER_SOURCES: (9, 0),
    }
    assert found.total.viewed == 14
    assert [source.value for source in funnel(appeal.id, COORDINATOR_SCOPE, section="fr", now=clock.now).sources] == [
        "stall-lyon"
    ]


def test_views_of_neighbouring_networks_are_limited_together(
    client: FlaskClient, appeal: AppealView, counting_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guard._VIEWS_BY_NETWORK, "/48", parse_limits("2 per minute"))
    counting_app.extensions[guard.EXTENSION] = guard.AbuseLimits()
    path = f"/en/appeals/{appeal.slug}"
    for number in range(5):
        answer = client.post(
            path + "/viewed",
            headers={"Referer": f"http://localhost{path}"},
            environ_base={"REMOTE_ADDR": f"2001:db8:1:{number}::1"},
        )
        assert answer.status_code == 204
    assert sum(number for (_, aspect, _), number in stored_views().items() if aspect == "page") == 2
    assert db.session.scalars(select(AbuseAlert.kind)).all() == ["views"]


def test_views_of_one_appeal_are_limited(
    client: FlaskClient, appeal: AppealView, counting_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_VIEWS", parse_limits("3 per minute"))
    counting_app.extensions[guard.EXTENSION] = guard.AbuseLimits()
    for _ in range(5):
        send_view(client, appeal)
    assert sum(number for (_, aspect, _), number in stored_views().items() if aspect == "page") == 3
