"""Sections on the staff pages: listed, added, changed, also at the same time; and their effect on public pages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select
from werkzeug.test import TestResponse

from campaign.domain.staff.roles import Role
from campaign.models import AuditEntry, Mail, Section, SignUp
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.sections.section import find_section
from tests.conftest import form
from tests.staff.staff_clients import csrf, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

PAGE = "/staff/sections"
NEW: dict[str, Any] = {
    "code": "jp",
    "name": "Japan",
    "contact": "hello@japan.example",
    "reply_to": "answers@japan.example",
    "countries": ["JP"],
    "language": "ja",
    "languages": ["en"],
    "time_zone": "Asia/Tokyo",
    "tile_column": "5",
    "tile_row": "2",
    "position": "9",
}


@pytest.fixture(autouse=True)
def _restore_sections(migrated_app: Flask) -> Iterator[None]:
    """Restore the sections after the test, because other tests share them."""
    with migrated_app.app_context(), db.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(*Section.__table__.columns)).mappings()]
    yield
    with migrated_app.app_context(), db.engine.begin() as connection:
        connection.execute(delete(Section))
        connection.execute(insert(Section), rows)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return staff_client(app, Role.ADMIN)


def post(browser: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data={**fields, "csrf_token": csrf(browser.get("/staff/account"))})


def form_values(page: TestResponse) -> dict[str, Any]:
    """Return the values of the page's form as a browser sends them."""
    found: dict[str, Any] = {"countries": [], "languages": []}
    for name, value in re.findall(r'<input[^>]* name="(\w+)"(?: type="email")? value="([^"]*)"', page.text):
        if name not in {"csrf_token", "countries", "languages"}:
            found[name] = html.unescape(value)
    for name, value in re.findall(r'type="checkbox" name="(\w+)" value="([^"]*)" checked', page.text):
        found[name].append(value)
    chosen = re.search(r'<option value="([^"]*)" selected', page.text)
    found["language"] = chosen[1] if chosen else ""
    return found


def stored_section(code: str) -> dict[str, Any]:
    db.session.rollback()
    found = find_section(code)
    db.session.rollback()
    assert found is not None
    return found


def newest_audit_entry() -> AuditEntry:
    db.session.rollback()
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_signers_of_its_country_belong_to_an_added_section(
    admin: FlaskClient, client: FlaskClient, appeal: AppealView
) -> None:
    assert post(admin, f"{PAGE}/new", **NEW).location == PAGE
    assert stored_section("jp") == {
        "name": "Japan",
        "countries": ["JP"],
        "languages": ["ja", "en"],
        "time_zone": "Asia/Tokyo",
        "contact": "hello@japan.example",
        "reply_to": "answers@japan.example",
        "tile": [5, 2],
        "position": 9,
    }
    entry = newest_audit_entry()
    assert (entry.act, entry.subject, entry.section_code) == ("section.add", "section:jp", "jp")
    assert entry.staff_id is not None
    assert entry.after is not None
    assert (entry.after["contact"], entry.before) == ("hello@japan.example", None)
    assert "hello@japan.example" in admin.get(PAGE).text
    assert client.post(f"/en/appeals/{appeal.slug}/sign", data=form(country="JP")).status_code == 303
    assert db.session.scalars(select(SignUp.section_code)).one() == "jp"


def test_an_unchanged_form_changes_and_logs_nothing(admin: FlaskClient) -> None:
    for code in ("be-nl", "fr", "international"):
        before, entry = stored_section(code), newest_audit_entry().id
        assert post(admin, f"{PAGE}/{code}", **form_values(admin.get(f"{PAGE}/{code}"))).location == PAGE
        assert stored_section(code) == before
        assert newest_audit_entry().id == entry


def test_a_change_is_seen_by_supporters_and_in_the_audit_log(admin: FlaskClient, client: FlaskClient) -> None:
    values = {**form_values(admin.get(f"{PAGE}/fr")), "contact": "Nouveau@france.example"}
    assert post(admin, f"{PAGE}/fr", **values).location == PAGE
    entry = newest_audit_entry()
    assert (entry.act, entry.subject) == ("section.change", "section:fr")
    assert entry.before is not None
    assert set(entry.before) == {"contact"}, "only the changed column"
    assert entry.after == {"contact": "Nouveau@france.example"}
    assert "Nouveau@france.example" in client.get("/en/sections").text
    assert "Nouveau@france.example" in admin.get("/staff/audit").text


def test_a_section_without_countries_keeps_its_signers_and_gets_no_new_ones(
    admin: FlaskClient, client: FlaskClient, appeal: AppealView
) -> None:
    sign = f"/en/appeals/{appeal.slug}/sign"
    assert client.post(sign, data=form(email="a@mail.example", country="FR")).status_code == 303
    assert post(admin, f"{PAGE}/fr", **{**form_values(admin.get(f"{PAGE}/fr")), "countries": []}).status_code == 303
    client.application.extensions["tocsin_data_cache"]._sections._values.clear()
    assert client.post(sign, data=form(email="b@mail.example", country="FR")).status_code == 303
    codes = db.session.scalars(
        select(SignUp.section_code).join(Mail, Mail.sign_up_id == SignUp.id).order_by(Mail.id)
    ).all()
    assert codes == ["fr", "international"]
    assert "takes nobody new" in admin.get(PAGE).text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code": "FRANCE"}, "This is no code"),
        ({"code": "fr"}, "There is a section of this code already"),
        ({"name": " "}, "must not be empty"),
        ({"name": "n" * 81}, "too long"),
        ({"contact": ""}, "must not be empty"),
        ({"contact": "no address"}, "does not look like an e-mail address"),
        ({"reply_to": "no address"}, "does not look like an e-mail address"),
        ({"reply_to": "a@b.example, c@d.example"}, "does not look like an e-mail address"),
        ({"reply_to": "jürgen@japan.example"}, "does not look like an e-mail address"),
        ({"reply_to": "a@b.example\r\nBcc: c@d.example"}, "does not look like an e-mail address"),
        ({"countries": ["JP", "BE"], "languages": ["nl"]}, "Another section takes these already"),
        ({"countries": ["XX"]}, "choose from the list"),
        ({"language": "", "languages": []}, "must not be empty"),
        ({"language": "not"}, "choose from the list"),
        ({"time_zone": "Tokyo"}, "There is no such time zone"),
        ({"tile_row": ""}, "both numbers"),
        ({"tile_row": "-1"}, "both numbers"),
        ({"tile_column": "0", "tile_row": "1"}, "Another section stands there already"),
        ({"position": "first"}, "whole number"),
        ({"position": "999999999999"}, "whole number"),
    ],
)
def test_errors_are_shown_beside_their_field_and_typed_values_stay(
    admin: FlaskClient, wrong: dict[str, Any], said: str
) -> None:
    typed = {**NEW, **wrong}
    answer = post(admin, f"{PAGE}/new", **typed)
    assert answer.status_code == 422
    assert said in answer.text
    values = form_values(answer)
    for name in ("name", "contact", "reply_to", "time_zone", "tile_column", "tile_row", "position"):
        assert values[name] == typed[name].strip(), name
    assert values["code"] == typed["code"].lower()
    assert 'aria-invalid="true"' in answer.text
    db.session.rollback()
    assert db.session.get(Section, "jp") is None


def test_the_section_that_already_has_the_country_is_named(admin: FlaskClient) -> None:
    answer = post(admin, f"{PAGE}/new", **{**NEW, "countries": ["BE", "JP"], "languages": ["nl"]})
    assert re.search(r'class="wrong">Belgium: Belgium \(Dutch\)<', answer.text)
    assert post(admin, f"{PAGE}/new", **{**NEW, "countries": ["BE", "JP"]}).status_code == 303, "in another language"


def test_two_admins_at_once_overwrite_nothing(app: Flask, admin: FlaskClient) -> None:
    other = staff_client(app, Role.ADMIN, "be-nl")
    mine, theirs = form_values(admin.get(f"{PAGE}/fr")), form_values(other.get(f"{PAGE}/fr"))
    theirs |= {"contact": "theirs@france.example", "time_zone": "Europe/Monaco"}
    assert post(other, f"{PAGE}/fr", **theirs).status_code == 303
    mine |= {"contact": "mine@france.example", "name": "La France"}
    told = post(admin, f"{PAGE}/fr", **mine)
    assert told.status_code == 409
    assert "Somebody else has changed this" in told.text
    assert re.search(r"Meanwhile somebody else wrote:</strong><pre[^>]*>theirs@france.example</pre>", told.text)
    assert stored_section("fr")["contact"] == "theirs@france.example"
    merged = form_values(told)
    assert (merged["contact"], merged["name"], merged["time_zone"]) == (
        "mine@france.example",
        "La France",
        "Europe/Monaco",
    )
    assert post(admin, f"{PAGE}/fr", **merged).status_code == 303
    section = stored_section("fr")
    assert (section["contact"], section["name"], section["time_zone"]) == (
        "mine@france.example",
        "La France",
        "Europe/Monaco",
    )


@pytest.mark.parametrize("seen", ["", "{", "[]", json.dumps({"name": 1})])
def test_a_damaged_copy_of_former_values_overwrites_nothing(admin: FlaskClient, seen: str) -> None:
    values = {**form_values(admin.get(f"{PAGE}/fr")), "name": "Frankreich", "seen": seen}
    assert post(admin, f"{PAGE}/fr", **values).status_code == 409
    assert stored_section("fr")["name"] != "Frankreich"


def test_an_unknown_section_is_a_404(admin: FlaskClient) -> None:
    assert admin.get(f"{PAGE}/zz").status_code == 404
    assert post(admin, f"{PAGE}/zz", **NEW).status_code == 404
