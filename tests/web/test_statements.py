"""The database statements of a request: their number is bounded, and a fresh page needs none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from campaign.domain.abuse.challenge import SolvedChallenge
from campaign.domain.privacy.row_key import SLOTS
from campaign.platform import db
from campaign.platform.runtime import RUNTIME_KEY, runtime
from campaign.queries.appeals.appeal import AppealView
from campaign.services.abuse.limits import AdmittedSignUp
from campaign.services.keys.row_key import KeyUse, reserve
from campaign.services.signing.store_sign_up import reserve_keys
from campaign.web.caching import data_cache
from tests.conftest import START, Postbox, clear_caches, context, form

Statements = list[str]


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Yield every statement from here on; cached data stays fresh meanwhile, even on a busy machine."""
    monkeypatch.setattr(data_cache, "MAX_AGE", 600.0)
    # A process stores a batch of keys for 256 rows, and a month's key once.
    reserve_keys(number=SLOTS, context=context())
    reserve(runtime().vault, KeyUse.SIGNED, SLOTS, now=START)
    db.session.rollback()
    found: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


def writes_of(statement: str) -> list[str]:
    """Return the writes of a statement, from the last to the first, as PostgreSQL runs those that nothing reads."""
    matches = re.findall(r"(INSERT INTO \w+|UPDATE \w+ SET)", statement)
    return [" ".join(word for word in one.split() if word not in {"INTO", "SET"}) for one in matches]


def kinds(statements: Statements) -> list[str]:
    """Return the first word of each statement, and the table to which it writes."""
    return [
        " ".join(word for word in statement.split()[:3] if word not in {"INTO", "FROM"}).split(" SET")[0]
        for statement in statements
    ]


@pytest.mark.parametrize("path", ["/en/", "/en/appeals/{}", "/en/appeals/{}/progress", "/api/v1/appeals/{}"])
def test_a_page_with_fresh_counts_sends_no_statement(
    client: FlaskClient, appeal: AppealView, statements: Statements, path: str
) -> None:
    address = path.format(appeal.slug)
    assert client.get(address).status_code == 200
    assert statements
    statements.clear()
    assert client.get(address).status_code == 200
    assert client.head(address).status_code == 200
    assert statements == []


def test_the_statements_of_a_page_do_not_depend_on_the_reader(
    client: FlaskClient, app: Flask, appeal: AppealView, statements: Statements
) -> None:
    client.get(f"/fr/appeals/{appeal.slug}")
    statements.clear()
    clear_caches(app)
    client.get(f"/fr/appeals/{appeal.slug}")
    assert len(statements) <= 5, kinds(statements)


def test_a_sign_up_costs_an_update_and_three_inserts_in_one_round_trip(
    client: FlaskClient, appeal: AppealView, statements: Statements
) -> None:
    # The first sign-up in ten seconds also counts the unconfirmed ones.
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form(email="first@mail.example"))
    statements.clear()
    assert client.post(f"/en/appeals/{appeal.slug}/sign", data=form()).status_code == 303
    if db.engine.dialect.name == "sqlite":  # SQLite has no round trips
        assert kinds(statements) == ["UPDATE sign_up", "INSERT sign_up", "INSERT mail", "INSERT funnel_count"]
    else:
        assert [writes_of(statement) for statement in statements] == [
            ["INSERT funnel_count", "UPDATE sign_up", "INSERT sign_up", "INSERT mail"]
        ]


def test_a_sign_up_under_attack_costs_one_insert_more_in_the_same_round_trip(
    client: FlaskClient, appeal: AppealView, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pass_once(*_: object, **_more: object) -> AdmittedSignUp:
        return AdmittedSignUp(SolvedChallenge(b"a proof".ljust(32), START + timedelta(minutes=10)))

    monkeypatch.setattr("campaign.services.signing.sign_appeal.admit", pass_once)
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form())
    sign_up, counted, spent = ["INSERT sign_up", "INSERT mail"], "INSERT funnel_count", "INSERT spent_solution"
    if db.engine.dialect.name == "sqlite":
        assert [statement for statement in kinds(statements) if statement.startswith("INSERT")] == [
            spent,
            *sign_up,
            counted,
        ]
    else:
        assert writes_of(statements[-1]) == [counted, "UPDATE sign_up", *sign_up, spent]


def test_a_view_costs_inserts_only(
    client: FlaskClient, app: Flask, appeal: AppealView, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_runtime = app.extensions[RUNTIME_KEY]
    monkeypatch.setitem(
        app.extensions, RUNTIME_KEY, replace(app_runtime, settings=replace(app_runtime.settings, page_views=True))
    )
    page = f"/en/appeals/{appeal.slug}"
    client.get(page)
    statements.clear()
    tagged = {"Referer": f"http://localhost{page}?via=stall-lyon"}
    assert client.post(f"{page}/viewed", headers=tagged).status_code == 204
    assert set(kinds(statements)) == {"INSERT funnel_count"}
    assert len(statements) <= 2, "for the page and for the tag"


def test_a_confirmation_costs_two_look_ups_and_nine_writes_in_a_third_round_trip(
    client: FlaskClient, appeal: AppealView, deliver: Callable[[], Any], postbox: Postbox, statements: Statements
) -> None:
    client.post(f"/en/appeals/{appeal.slug}/sign", data=form())
    deliver()
    statements.clear()
    assert client.post(postbox.link()).status_code == 303
    writes = [
        "INSERT signature",
        "UPDATE sign_up",
        "INSERT consent",
        "INSERT mail",
        "INSERT mailbox_limit",
        "INSERT action",
        "INSERT tally",
        "INSERT tally_hour",
        "INSERT funnel_count",
    ]
    assert kinds(statements)[0].startswith("SELECT sign_up.id")
    # The earlier signatures of the address, which is known only after the sign-up was opened.
    assert kinds(statements)[1].startswith("SELECT (SELECT signature.id")
    if db.engine.dialect.name == "sqlite":
        assert kinds(statements)[2:] == writes
    else:
        assert [writes_of(statement) for statement in statements[2:]] == [writes[::-1]]
