"""The moderation pages: search, choice, preview, reason and undo; rows of other sections are not shown."""

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
from campaign.services.counting.verify import verify_counts
from campaign.services.signing.correct_signer import change_country
from tests.conftest import DOCUMENT, START, Postbox, confirm_at, confirm_newest, context, form
from tests.staff.staff_clients import csrf, staff_client

# Only in the whole gate; the quick part has enough tests of the staff pages.
pytestmark = pytest.mark.slow

PAGE = "/staff/moderation"


@pytest.fixture
def editor(app: Flask) -> FlaskClient:
    """Return the browser of a French editor, who may moderate."""
    return staff_client(app, Role.EDITOR)


@pytest.fixture
def appeal_with_flood(client: FlaskClient, appeal: AppealView) -> AppealView:
    """Make confirmed signatures: two real ones and a flood of five in France, and one of the flood in Flanders."""
    people = [("Ana Ruiz", "ana@mail.example", "FR"), ("Jo Smit", "jo@mail.example", "FR")]
    people += [(f"Bot {'ABCDE'[n]}", f"bot{n}@spam.example", "FR") for n in range(5)]
    people.append(("Other Bot", "bot9@spam.example", "BE"))
    for name, email, country in people:
        answer = client.post(f"/en/appeals/{appeal.slug}/sign", data=form(name=name, email=email, country=country))
        assert answer.status_code == 303
    ids = list(db.session.scalars(select(Mail.sign_up_id).order_by(Mail.id)))
    db.session.rollback()
    for row_id in ids:
        if row_id is not None:
            confirm_at(row_id, START)
    return appeal


def post(browser: FlaskClient, path: str, **data: str) -> TestResponse:
    return browser.post(path, data={**data, "csrf_token": csrf(browser.get(PAGE))})


def add_invalidation(browser: FlaskClient, **data: str) -> str:
    """Add an invalidation by the form; return the address of its page."""
    answer = post(browser, f"{PAGE}/invalidations", **{"reason": "is it a flood?", **data})
    assert answer.status_code == 303, answer.text
    return answer.location


def count_signatures(appeal: AppealView) -> int:
    current_counts = counts(appeal.id).total
    db.session.rollback()
    return current_counts


@pytest.mark.slow
def test_a_flood_is_previewed_invalidated_with_a_reason_and_restored(
    editor: FlaskClient, appeal_with_flood: AppealView
) -> None:
    place = add_invalidation(editor, domain="spam.example", appeal=appeal_with_flood.slug)
    assert "@spam.example" not in editor.get(place).text, "names and addresses are shown only for a reason"
    assert post(editor, f"{place}/preview", reason="").status_code == 422
    shown = post(editor, f"{place}/preview", reason="is it a flood?").text
    assert "Take 5 signatures out of the counts" in shown
    assert "bot3@spam.example" in shown
    assert "bot9@spam.example" not in shown
    assert count_signatures(appeal_with_flood) == 8
    assert post(editor, f"{place}/begin", reason=" ").status_code == 422
    assert count_signatures(appeal_with_flood) == 8
    assert post(editor, f"{place}/begin", reason="a flood").status_code == 303
    assert count_signatures(appeal_with_flood) == 3
    assert verify_counts() == []
    shown = editor.get(place).text
    assert "taken out" in shown
    assert "a flood" in shown
    assert post(editor, f"{place}/undo", reason="they were real").status_code == 303
    assert count_signatures(appeal_with_flood) == 8
    assert verify_counts() == []
    assert "put back" in editor.get(PAGE).text


def test_a_signature_that_changed_section_is_restored_too(editor: FlaskClient, appeal_with_flood: AppealView) -> None:
    place = add_invalidation(editor, domain="spam.example", appeal=appeal_with_flood.slug)
    assert post(editor, f"{place}/begin", reason="a flood").status_code == 303
    moved = db.session.scalars(select(Signature.id).where(Signature.state == "invalidated").limit(1)).one()
    db.session.rollback()
    change_country(moved, country="BE", section_code="be-nl", context=context(actor=SUPPORTER))
    assert post(editor, f"{place}/undo", reason="they were real").status_code == 303
    assert count_signatures(appeal_with_flood) == 8
    assert verify_counts() == []


def test_the_time_window_is_in_the_sections_time_zone(editor: FlaskClient, appeal_with_flood: AppealView) -> None:
    place = add_invalidation(editor, pattern="bot*@*", since="2026-03-01T12:59", until="2026-03-01T13:01")
    page = editor.get(place).text
    assert "Take 5 signatures out of the counts" in page
    assert "2026-03-01 12:59" in page
    assert "under 5" in editor.get(add_invalidation(editor, since="2026-03-01T13:01")).text


def test_signers_who_share_a_mailbox_are_marked(
    editor: FlaskClient,
    client: FlaskClient,
    appeal_with_flood: AppealView,
    deliver: Callable[[], object],
    postbox: Postbox,
) -> None:
    deliver()
    for name in ("Jeanne Martin", "Paul Martin"):
        client.post(f"/en/appeals/{appeal_with_flood.slug}/sign", data=form(name=name))
        deliver()
        assert client.post(postbox.link()).status_code == 303
        deliver()
    found = post(editor, f"{PAGE}/search", who="jeanne@mail.example", reason="asked by letter").text
    rows = {
        name: "shares this address" in row for row in found.split("<tr>") for name in ("Jeanne", "Paul") if name in row
    }
    assert rows == {"Jeanne": False, "Paul": True}


def test_search_by_exact_name_or_address_in_the_own_section(editor: FlaskClient, appeal_with_flood: AppealView) -> None:
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


def test_single_signers_can_be_invalidated(editor: FlaskClient, appeal_with_flood: AppealView) -> None:
    found = post(editor, f"{PAGE}/search", who="Ana Ruiz", reason="asked by letter").text
    one = re.search(r'name="ids" value="(\d+)"', found)
    assert one is not None
    place = add_invalidation(editor, ids=one[1])
    post(editor, f"{place}/begin", reason="asked by telephone")
    assert count_signatures(appeal_with_flood) == 7


def test_trends_name_domains_and_networks_of_the_own_section(
    editor: FlaskClient, appeal_with_flood: AppealView
) -> None:
    page = editor.get(PAGE).text
    rows = re.findall(r'<th scope="row"><bdi>([^<]+)</bdi></th>(.*?)</tr>', page, re.DOTALL)
    matches = {label: re.findall(r'class="n">([^<]+)<', cells) for label, cells in rows}
    assert matches["spam.example"][-3:] == ["5", "5", "5"]
    assert "mail.example" not in matches, "a rare domain can reveal a name"
    (network,) = [cells for label, cells in matches.items() if "." not in label]
    assert network[-1] == "7"
    key = re.search(r'name="network" value="([0-9a-f]{64})"', page)
    assert key is not None
    assert "Take 7 signatures out of the counts" in editor.get(add_invalidation(editor, network=key[1])).text


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
def test_invalid_criteria_are_explained(
    editor: FlaskClient, appeal_with_flood: AppealView, data: dict[str, str], said: str
) -> None:
    answer = post(editor, f"{PAGE}/invalidations", reason="is it a flood?", **data)
    assert answer.status_code == 422
    assert said in answer.text


def test_an_invalidation_can_be_dropped(editor: FlaskClient, appeal_with_flood: AppealView) -> None:
    place = add_invalidation(editor, domain="spam.example")
    assert post(editor, f"{place}/discard").status_code == 303
    assert post(editor, f"{place}/begin", reason="late").status_code == 303
    assert "Somebody was quicker" in editor.get(place).text
    assert count_signatures(appeal_with_flood) == 8


def test_an_invalidation_of_another_section_is_a_404(
    app: Flask, editor: FlaskClient, appeal_with_flood: AppealView
) -> None:
    place = add_invalidation(editor, domain="spam.example")
    other = staff_client(app, Role.ADMIN, "be-nl")
    assert other.get(place).status_code == 404
    for act in ("begin", "undo", "discard"):
        assert post(other, f"{place}/{act}", reason="x").status_code == 404
    assert "Nothing yet" in other.get(PAGE).text
    assert count_signatures(appeal_with_flood) == 8


def test_floods_are_shown(editor: FlaskClient, appeal: AppealView) -> None:
    raise_alert("appeal", appeal.id, lambda _: {}, context=context())
    for place in (PAGE, "/staff/"):
        page = editor.get(place).text
        assert "Very many sign-ups for one appeal" in page
        assert f'href="{PAGE}?appeal={appeal.slug}' in page


def test_an_alert_links_to_the_sign_ups_of_its_appeal(
    editor: FlaskClient, client: FlaskClient, appeal_with_flood: AppealView
) -> None:
    draft = import_draft(parse_text(DOCUMENT), ImportOptions(slug="other"), context=context())
    publish("other", context=context())
    for number in range(5):
        assert "quiet.example" not in editor.get(PAGE).text, "a domain is named from five confirmed signatures on"
        answer = client.post("/en/appeals/other/sign", data=form(email=f"ana{number}@quiet.example"))
        assert (draft.slug, answer.status_code) == ("other", 303)
        confirm_newest(START)
    both, one = editor.get(PAGE).text, editor.get(f"{PAGE}?appeal={appeal_with_flood.slug}").text
    assert "<bdi>quiet.example</bdi>" in both
    assert "<bdi>spam.example</bdi>" in one
    assert "<bdi>quiet.example</bdi>" not in one
    assert f'<option value="{appeal_with_flood.slug}" selected>' in one
    assert f'<input type="hidden" name="appeal" value="{appeal_with_flood.slug}">' in one
    assert editor.get(f"{PAGE}?appeal=%00unknown").status_code == 200
