"""The page of letters reported without a signature: preview, invalidation, reversal."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign.domain.staff.roles import Role
from campaign.platform import db
from campaign.queries.appeals.appeal import AppealView
from campaign.queries.counting.counts import counts
from campaign.services.counting.verify import verify_counts
from tests.staff.staff_clients import csrf, staff_client

pytestmark = pytest.mark.slow

PAGE = "/staff/moderation/reports"


def test_an_editor_invalidates_and_restores_an_hour_of_a_network(
    app: Flask, client: FlaskClient, appeal: AppealView
) -> None:
    for number in range(5):
        answer = client.post(
            f"/en/appeals/{appeal.slug}/act",
            data={"country": "FR", "channel": "letter", "target": "0"},
            environ_base={"REMOTE_ADDR": f"2001:db8:1:{number}::1"},
        )
        assert answer.status_code == 303
    editor = staff_client(app, Role.EDITOR)
    page = editor.get(PAGE)
    assert page.status_code == 200
    (row,) = re.findall(r"<tr><th scope=\"row\"><bdi>.*?</tr>", page.text, re.DOTALL)
    assert re.findall(r'<td class="n">(\d+)</td>', row) == ["5", "5"]
    network = re.search(r'name="wide_network" value="([0-9a-f]+)"', row)
    assert network
    token = csrf(page)
    made = editor.post(PAGE, data={"csrf_token": token, "wide_network": network[1], "appeal": appeal.slug})
    assert made.status_code == 303
    look = editor.get(made.location)
    assert "Take 5 reported letters out of the counts" in look.text
    assert counts(appeal.id).total == 5
    for act, left in (("begin", 0), ("undo", 5)):
        done = editor.post(f"{made.location}/{act}", data={"csrf_token": csrf(look), "reason": "a flood"})
        assert done.status_code == 303
        db.session.rollback()
        assert (counts(appeal.id).total, verify_counts()) == (left, [])
        look = editor.get(made.location)
    assert "put back" in look.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Please choose by at least one thing"),
        ({"wide_network": "zz"}, "This network is not in the table"),
        ({"since": "soon"}, "Please write day and hour"),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "The end must come after the beginning"),
        ({"since": "2026-01-02T00:00", "appeal": "unknown"}, "Please choose an appeal of the list"),
    ],
)
def test_an_invalid_choice_is_explained(app: Flask, appeal: AppealView, data: dict[str, str], words: str) -> None:
    editor = staff_client(app, Role.EDITOR)
    answer = editor.post(PAGE, data={"csrf_token": csrf(editor.get(PAGE)), **data})
    assert answer.status_code == 422
    assert words in answer.text
