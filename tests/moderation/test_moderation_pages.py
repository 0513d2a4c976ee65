"""The moderation pages: search, choose, preview, give a reason, undo; other sections' rows are not shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaign.document import parse_text
from campaign.domain.staff.actor import SUPPORTER
from campaign.domain.staff.roles import Role
from campaign.models import Mail, Signature
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.abuse.alert import raise_alert
from campaign.services.appeals.import_draft import ImportOptions, import_draft
from campaign.services.appeals.lifecycle import publish
from campaign.services.counting.verify import verify
from campaign.services.signing.correct_signer import change_country
from tests.conftest import DOCUMENT, START, Postbox, confirm_at, confirm_newest, context, form
from tests.staff.staff_clients import csrf, staffed

# Slow, so that the quick tests stay quick: they cover the staff pages enough.
pytestmark = pytest.mark.slow

PAGE = "/staff/moderation"


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    """Return the browser of a French editor, who may moderate."""
    return staffed(app, Role.EDITOR)


@pytest.fixture
def crowd(client: FlaskClient, appeal: AppealView) -> AppealView:
    """Make confirmed signatures: two real ones and a flood of five in France, one of the flood in Flanders."""
    people = [("Ana Ruiz", "ana@mail.example", "FR"), ("Jo Smit", "jo@mail.example", "FR")]
    people += [(f"Bot {'ABCDE'[n]}", f"bot{n}@spam.example", "FR") for n in range(5)]
    people.append(("Other Bot", "bot9@spam.example", "BE"))
    for name, email, country in people:
        answer = client.post(f"/en/appeals/{appeal.slug}/sign", data=form(name=name, email=email, country=country))
        assert answer.status_code == 303
    ids = list(db.session.scalars(select(Mail.sign_up_id).order_by(Mail.id)))
    db.session.rollback()
    for one in ids:
        if one is not None:
            confirm_at(one, START)
    return appeal


def post(browser: FlaskClient, path: str, **data: str) -> TestResponse:
    return browser.post(path, data={**data, "csrf_token": csrf(browser.get(PAGE))})


def chosen(browser: FlaskClient, **data: str) -> str:
    """Return the address of a new invalidation's page."""
    answer = post(browser, f"{PAGE}/invalidations", **{"reason": "is it a flood?", **data})
    assert answer.status_code == 303, answer.text
    return answer.location


def total(appeal: AppealView) -> int:
    found = counts(appeal.id).total
    db.session.rollback()
    return found


@pytest.mark.slow
def test_flood_preview_reason_and_undo(editor: FlaskClient, crowd: AppealView) -> None:
    place = chosen(editor, domain="spam.example", appeal=crowd.slug)
    assert "@spam.example" not in editor.get(place).text, "names and addresses are shown when asked for, with a reason"
    assert post(editor, f"{place}/preview", reason="").status_code == 422
    shown = post(editor, f"{place}/preview", reason="is it a flood?").text
    assert "Take 5 signatures out of the counts" in shown
    assert "bot3@spam.example" in shown
    assert "bot9@spam.example" not in shown
    assert total(crowd) == 8
    assert post(editor, f"{place}/begin", reason=" ").status_code == 422
    assert total(crowd) == 8
    assert post(editor, f"{place}/begin", reason="a flood").status_code == 303
    assert total(crowd) == 3
    assert verify() == []
    shown = editor.get(place).text
    assert "taken out" in shown
    assert "a flood" in shown
    assert post(editor, f"{place}/undo", reason="they were real").status_code == 303
    assert total(crowd) == 8
    assert verify() == []
    assert "put back" in editor.get(PAGE).text


def test_who_moved_to_another_section_meanwhile_is_put_back_too(editor: FlaskClient, crowd: AppealView) -> None:
    place = chosen(editor, domain="spam.example", appeal=crowd.slug)
    assert post(editor, f"{place}/begin", reason="a flood").status_code == 303
    moved = db.session.scalars(select(Signature.id).where(Signature.state == "invalidated").limit(1)).one()
    db.session.rollback()
    change_country(moved, country="BE", section_code="be-nl", context=context(actor=SUPPORTER))
    assert post(editor, f"{place}/undo", reason="they were real").status_code == 303
    assert total(crowd) == 8
    assert verify() == []


def test_pattern_and_window_are_on_the_section_s_clock(editor: FlaskClient, crowd: AppealView) -> None:
    place = chosen(editor, pattern="bot*@*", since="2026-03-01T12:59", until="2026-03-01T13:01")
    shown = editor.get(place).text
    assert "Take 5 signatures out of the counts" in shown
    assert "2026-03-01 12:59" in shown
    assert "under 5" in editor.get(chosen(editor, since="2026-03-01T13:01")).text


def test_who_shares_a_mailbox_with_another_signer_is_marked(
    editor: FlaskClient, client: FlaskClient, crowd: AppealView, deliver: Callable[[], object], postbox: Postbox
) -> None:
    deliver()
    for name in ("Jeanne Martin", "Paul Martin"):
        client.post(f"/en/appeals/{crowd.slug}/sign", data=form(name=name))
        deliver()
        assert client.post(postbox.link()).status_code == 303
        deliver()
    found = post(editor, f"{PAGE}/search", who="jeanne@mail.example", reason="asked by letter").text
    rows = {
        name: "shares this address" in row for row in found.split("<tr>") for name in ("Jeanne", "Paul") if name in row
    }
    assert rows == {"Jeanne": False, "Paul": True}


def test_search_by_exact_name_or_address_in_the_own_section(editor: FlaskClient, crowd: AppealView) -> None:
    for typed, finds in (
        ("ANA  ruiz", 1),
        ("ana@mail.example", 1),
        ("Ana", 0),
        ("bot9@spam.example", 0),
        ("Other Bot", 0),
    ):
        answer = post(editor, f"{PAGE}/search", who=typed, reason="asked by letter")
        assert answer.status_code == 200
        assert answer.text.count('name="ids"') == finds, typed
    assert post(editor, f"{PAGE}/search", who="", reason="asked by letter").status_code == 422
    assert post(editor, f"{PAGE}/search", who="no@address", reason="asked by letter").status_code == 422


def test_the_chosen_ones_are_taken_out_one_by_one(editor: FlaskClient, crowd: AppealView) -> None:
    found = post(editor, f"{PAGE}/search", who="Ana Ruiz", reason="asked by letter").text
    one = re.search(r'name="ids" value="(\d+)"', found)
    assert one is not None
    place = chosen(editor, ids=one[1])
    post(editor, f"{place}/begin", reason="asked by telephone")
    assert total(crowd) == 7


def test_trends_name_domains_and_networks_of_the_own_section(editor: FlaskClient, crowd: AppealView) -> None:
    shown = editor.get(PAGE).text
    rows = re.findall(r'<th scope="row"><bdi>([^<]+)</bdi></th>(.*?)</tr>', shown, re.DOTALL)
    found = {label: re.findall(r'class="n">([^<]+)<', cells) for label, cells in rows}
    assert found["spam.example"][-3:] == ["5", "5", "5"]
    assert "mail.example" not in found, "a domain that few have can be a name"
    (network,) = [cells for label, cells in found.items() if "." not in label]
    assert network[-1] == "7"
    key = re.search(r'name="network" value="([0-9a-f]{64})"', shown)
    assert key is not None
    assert "Take 7 signatures out of the counts" in editor.get(chosen(editor, network=key[1])).text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "this would concern everybody"),
        ({"domain": "nonsense"}, "no mail domain"),
        ({"pattern": "*@*"}, "nearly everybody"),
        ({"pattern": "a" * 300}, "No address is that long"),
        ({"network": "zz"}, "not in the table"),
        ({"since": "yesterday"}, "day and hour"),
        ({"since": "2026-03-02T10:00", "until": "2026-03-01T10:00"}, "must come after"),
        ({"domain": "spam.example", "appeal": "nowhere"}, "appeal of the list"),
    ],
)
def test_what_cannot_be_chosen_by_is_told(
    editor: FlaskClient, crowd: AppealView, data: dict[str, str], said: str
) -> None:
    answer = post(editor, f"{PAGE}/invalidations", reason="is it a flood?", **data)
    assert answer.status_code == 422
    assert said in answer.text


def test_an_invalidation_can_be_dropped(editor: FlaskClient, crowd: AppealView) -> None:
    place = chosen(editor, domain="spam.example")
    assert post(editor, f"{place}/discard").status_code == 303
    assert post(editor, f"{place}/begin", reason="late").status_code == 303
    assert "Somebody was quicker" in editor.get(place).text
    assert total(crowd) == 8


def test_another_section_s_invalidation_is_not_there(app: Flask, editor: FlaskClient, crowd: AppealView) -> None:
    place = chosen(editor, domain="spam.example")
    other = staffed(app, Role.ADMIN, "be-nl")
    assert other.get(place).status_code == 404
    for act in ("begin", "undo", "discard"):
        assert post(other, f"{place}/{act}", reason="x").status_code == 404
    assert "Nothing yet" in other.get(PAGE).text
    assert total(crowd) == 8


def test_floods_are_shown(editor: FlaskClient, appeal: AppealView) -> None:
    raise_alert("appeal", appeal.id, lambda _: {}, context=context())
    for place in (PAGE, "/staff/"):
        shown = editor.get(place).text
        assert "Very many sign-ups for one appeal" in shown
        assert f'href="{PAGE}?appeal={appeal.slug}' in shown


def test_an_alarm_leads_to_the_sign_ups_of_its_appeal(
    editor: FlaskClient, client: FlaskClient, crowd: AppealView
) -> None:
    made = import_draft(parse_text(DOCUMENT), ImportOptions(slug="other"), context=context())
    publish("other", context=context())
    for number in range(5):
        assert "quiet.example" not in editor.get(PAGE).text, "a domain is named once five under it have confirmed"
        answer = client.post("/en/appeals/other/sign", data=form(email=f"ana{number}@quiet.example"))
        assert (made.slug, answer.status_code) == ("other", 303)
        confirm_newest(START)
    both, one = editor.get(PAGE).text, editor.get(f"{PAGE}?appeal={crowd.slug}").text
    assert "<bdi>quiet.example</bdi>" in both
    assert "<bdi>spam.example</bdi>" in one
    assert "<bdi>quiet.example</bdi>" not in one
    assert f'<option value="{crowd.slug}" selected>' in one
    assert f'<input type="hidden" name="appeal" value="{crowd.slug}">' in one
    assert editor.get(f"{PAGE}?appeal=%00unknown").status_code == 200
